"""The four benchmark captures (mix, small, handshakes, dns), made from a seed.

Read in this order: entropy and capture (bytes in, bytes out), conversation and tcp (headers), then one module
per protocol, then one module per workload; __main__ is the command. Nothing here imports the probe: what it
is measured with must not depend on what it measures.
"""
