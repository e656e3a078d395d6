"""Which of many RSA moduli have a prime in common: Bernstein's product and remainder trees. Pure, but for `main`.

Run in a process of its own (`python -m collector.fleet.batch_gcd`): it keeps a processor busy and lets no other
thread work. Large numbers are decimals, because libmpdec multiplies and divides them with number theoretic
transforms, while Python's integers take quadratic time to divide.

Standard input: lines `KEY MODULUS` (hex) of new moduli, an empty line, lines of those that were compared before.
Standard output: lines `KEY KEY BITS` for pairs with a factor in common. The factor itself is never told: it is the
private key.

Reference: D. J. Bernstein, "How to find smooth parts of integers" (2004); Heninger et al., "Mining Your Ps and Qs",
USENIX Security 2012.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, localcontext
from itertools import combinations, islice
from math import gcd
from typing import Final

BATCH: Final = 4096  # moduli in one tree: of 2048 bits some 1 MB a level, with 13 levels
MOST_PAIRS: Final = 10_000  # that are told
MOST_HITS: Final = 500  # moduli of one tree that are compared one by one: 125,000 pairs, some seconds
LEAST_FACTOR: Final = 128  # bits: a smaller common factor is a made-up modulus, not a prime that a generator gave twice

_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])

Moduli = dict[int, str]
"""Modulus to the key that has it."""


def shared(new: Moduli, known: Iterable[Moduli]) -> Iterator[tuple[str, str, int]]:
    """Pairs of which one is new, and the bits of their common factor. `new` and each of `known`: at most BATCH."""
    if not new:
        return
    with localcontext(_EXACT):
        tree = _tree(list(new))
        product = tree[-1][0]
        found = [
            int(modulus) for modulus, rest in _rests(tree, product, square=True) if _common(modulus, rest // modulus)
        ]
        yield from _pairs(combinations(found[:MOST_HITS], 2), new, new)
        yield from _met_again(new, tree, [others for those in known if (others := _without(those, new))])


def _met_again(new: Moduli, tree: list[list[Decimal]], known: list[Moduli]) -> Iterator[tuple[str, str, int]]:
    """Pairs of a new one and one that was there. All that were there go through the tree as one number."""
    rest = Decimal(1)
    for those in known:
        rest = rest * _tree(list(those))[-1][0] % tree[-1][0]
    found = [modulus for modulus, left in _rests(tree, rest) if _common(modulus, left)][:MOST_HITS]
    for those in known if found else ():
        product = _tree(list(those))[-1][0]
        here = [int(modulus) for modulus in found if _common(modulus, product % modulus)]
        yield from _pairs(((one, other) for one in here for other in those), new, those)


def _without(those: Moduli, new: Moduli) -> Moduli:
    return {modulus: key for modulus, key in those.items() if modulus not in new}


def _tree(moduli: list[int]) -> list[list[Decimal]]:
    """The moduli, products of two, of four, …; the last level is the product of all."""
    levels = [[Decimal(modulus) for modulus in moduli]]
    while len(levels[-1]) > 1:
        level = levels[-1]
        products = [one * other for one, other in zip(level[::2], level[1::2], strict=False)]
        levels.append(products + level[len(products) * 2 :])
    return levels


def _rests(tree: list[list[Decimal]], product: Decimal, *, square: bool = False) -> Iterator[tuple[Decimal, Decimal]]:
    """Each modulus with what is left of the product when it, or its square, divides it."""
    rests = [product]
    for level in reversed(tree):
        rests = [
            rests[place // 2 if len(level) > 1 else 0] % (one * one if square else one)
            for place, one in enumerate(level)
        ]
    return zip(tree[0], rests, strict=True)


def _common(modulus: Decimal, rest: Decimal) -> bool:
    return gcd(int(modulus), int(rest)).bit_length() >= LEAST_FACTOR


def _pairs(of: Iterable[tuple[int, int]], new: Moduli, others: Moduli) -> Iterator[tuple[str, str, int]]:
    """Those that have a prime in common. Where one divides the other whole, somebody made that up from a public key."""
    for one, other in of:
        factor = gcd(one, other)
        if factor.bit_length() >= LEAST_FACTOR and factor not in (one, other):
            yield new[one], others[other], factor.bit_length()


def main() -> None:
    """Standard input to standard output."""
    with contextlib.suppress(OSError):
        os.nice(10)  # whoever serves pages goes first
    lines = iter(sys.stdin)
    new = dict(_read(iter(lines.__next__, "\n")))
    known = iter(lambda: dict(_read(islice(lines, BATCH))), {})
    for one, other, bits in islice(shared(new, known), MOST_PAIRS):
        sys.stdout.write(f"{one} {other} {bits}\n")


def _read(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    for line in lines:
        key, _, modulus = line.strip().partition(" ")
        yield int(modulus, 16), key


if __name__ == "__main__":
    main()
