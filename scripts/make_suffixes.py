#!/usr/bin/env python3
"""Writes the ICANN section of the public suffix list as the core reads it: one rule a line, in A-labels.

    scripts/make_suffixes.py public_suffix_list.dat > parsers/dns/data/icann_suffixes.txt

The list is in the PyPI package publicsuffixlist (newest release first) and at https://publicsuffix.org/list/.
"""

import sys
from pathlib import Path

HEAD = """\
// ICANN section of the Public Suffix List, {version}, made by scripts/make_suffixes.py.
// This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not
// distributed with this file, You can obtain one at https://mozilla.org/MPL/2.0/.
"""


def main() -> None:
    """Print the rules, sorted."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    version = next(line.removeprefix("// VERSION: ") for line in text.splitlines() if line.startswith("// VERSION: "))
    section = text.split("// ===BEGIN ICANN DOMAINS===")[1].split("// ===END ICANN DOMAINS===")[0]
    rules = {line.strip() for line in section.splitlines() if line.strip() and not line.startswith("//")}
    print(HEAD.format(version=version), end="")
    print("\n".join(sorted(ascii_rule(rule) for rule in rules)))


def ascii_rule(rule: str) -> str:
    """With every label as it goes over the wire (RFC 3492)."""
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in rule.split(".")
    )


if __name__ == "__main__":
    main()
