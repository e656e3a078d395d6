"""Publishing: from the engine's reports to a broker or another end, across whatever breaks on the way.

put() → redact → spool (durable, bounded) → sender (a thread with a loop of its own) → one end. The engine's thread
waits for the disk at most, never for a network.
"""
