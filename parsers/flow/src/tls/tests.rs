//! Handshakes of real programs.
