"""Tunnels through DNS and what looks like them: see __main__."""
