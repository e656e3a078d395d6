#!/usr/bin/env python3
"""Writes the table of what a letter tells after another one in words: -16 log2 P(letter | letter before).

    scripts/make_letters.py /usr/share/dict/words > parsers/dns/src/letters.rs

Counted over a list of English words (Debian's wamerican). A twentieth of the probability goes to any letter alike,
so that names in other languages and abbreviations cost little more than random letters do.
"""

import math
import re
import sys
from collections import Counter
from pathlib import Path

LETTERS = "abcdefghijklmnopqrstuvwxyz"
ANY = 0.05


def main() -> None:
    """Print the table; its first row is for the beginning of a word."""
    words = {word.lower() for word in Path(sys.argv[1]).read_text().split() if re.fullmatch("[A-Za-z]{2,}", word)}
    pairs = Counter(pair for word in words for pair in zip("^" + word, word, strict=False))
    print("//! Made by scripts/make_letters.py from a list of English words: change that, not this file.")
    print("\n/// What a letter tells after another one, in sixteenths of a bit; the first row is for the first letter.")
    print("pub static LETTERS: [[u8; 26]; 27] = [")
    for before in "^" + LETTERS:
        total = sum(pairs[before, letter] for letter in LETTERS)
        chances = [ANY / 26 + (1 - ANY) * pairs[before, letter] / total for letter in LETTERS]
        costs = ", ".join(str(round(-16 * math.log2(chance))) for chance in chances)
        print(f"    [{costs}],")
    print("];")


if __name__ == "__main__":
    main()
