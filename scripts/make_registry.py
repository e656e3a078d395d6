#!/usr/bin/env python3
"""Writes the Rust tables of TLS registry values from a CSV of IANA code points.

    scripts/make_registry.py scripts/iana/tls.csv > parsers/wire/src/registry/tls/tables.rs

The CSV has the columns registry, code (hex), name; refresh it from https://www.iana.org/assignments/tls-parameters. The
primes of the FFDHE groups are computed here as RFC 7919 appendix A defines them:
2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1.
"""

import argparse
import csv
from fractions import Fraction
from pathlib import Path

TABLES = {
    "cipher_suite": ("SUITES", "TLS Cipher Suites"),
    "group": ("GROUPS", "TLS Supported Groups"),
    "signature_scheme": ("SIGNATURE_SCHEMES", "TLS SignatureScheme"),
    "extension": ("EXTENSIONS", "TLS ExtensionType Values"),
    "alert": ("ALERTS", "TLS Alerts"),
    "compression_method": ("COMPRESSION_METHODS", "TLS Compression Method Identifiers"),
}
# (name, bits, X of RFC 7919 appendix A.1 to A.5)
FFDHE = [
    ("FFDHE2048", 2048, 560316),
    ("FFDHE3072", 3072, 2625351),
    ("FFDHE4096", 4096, 5736041),
    ("FFDHE6144", 6144, 15705020),
    ("FFDHE8192", 8192, 10965728),
]


def ffdhe_prime(bits: int, x: int) -> int:
    """The prime of a group, with e worked out far enough."""
    e, term, k = Fraction(0), Fraction(1), 0
    while term > Fraction(1, 2 ** (bits + 64)):
        e += term
        k += 1
        term /= k
    return 2**bits - 2 ** (bits - 64) + (int(e * 2 ** (bits - 130)) + x) * 2**64 - 1


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv")
    with Path(parser.parse_args().csv).open(newline="") as file:
        rows = list(csv.DictReader(file))
    print("// Made by scripts/make_registry.py from scripts/iana/tls.csv: change those, not this file.")
    for registry, (constant, title) in TABLES.items():
        codes = sorted((int(row["code"], 16), row["name"]) for row in rows if row["registry"] == registry)
        print(f"\n/// {title}, sorted by code point.\npub(super) static {constant}: [(u16, &str); {len(codes)}] = [")
        for code, name in codes:
            print(f'    (0x{code:04x}, "{name}"),')
        print("];")
    for name, bits, x in FFDHE:
        digits = f"{ffdhe_prime(bits, x):x}"
        lines = [digits[i : i + 96] for i in range(0, len(digits), 96)]
        print(f"\n/// The prime of {name.lower()}, RFC 7919 appendix A.\npub(super) static {name}: &str = concat!(")
        for line in lines:
            print(f'    "{line}",')
        print(");")


if __name__ == "__main__":
    main()
