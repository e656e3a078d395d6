"""Certificates: parsing them, the roots that are trusted, and whether a chain leads to one of them."""
