"""A life of a spool, for strace: what it tells on standard output stands in the trace between the writes."""

import os
import sys

from probe.publish.spool import Spool

PATH = sys.argv[1]


def tell(words: str) -> None:
    os.write(1, words.encode() + b"\n")


def report(number: int) -> bytes:
    return b'{"type":"rollup","n":%d,"x":"%s"}' % (number, b"x" * (200 + 37 * (number % 50)))


def main() -> None:
    number = 0
    for _ in range(2):  # two starts, the second one upon the file of the first
        spool = Spool(PATH, size=1 << 20)
        for step in range(40):
            for _ in range(1 + step * 7 % 60):
                spool.add("rollup", report(number))
                number += 1
            if spool.commit():
                tell(f"acknowledged {number}")
            if step % 3 == 2:
                while (stored := spool.next()) is not None:
                    numbers = [int(item.split(b'"n":')[1].split(b",")[0]) for item in stored.items()]
                    tell(f"sent {numbers[0]} {numbers[-1] + 1}")
                    spool.sent(stored)
                spool.forget()
        spool.close()


if __name__ == "__main__":
    main()
