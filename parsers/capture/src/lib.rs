//! Where packets come from: pcap and pcapng files, pipes, compressed files; later the AF_PACKET ring.
#![forbid(unsafe_code)]
