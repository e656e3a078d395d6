"""JSON Lines: the records of the contract, one object a line. Flow records go out as the core wrote them, untouched."""

from collections.abc import Iterable
from typing import BinaryIO


def write(chunks: Iterable[bytes], out: BinaryIO) -> None:
    """Write lines as they come."""
    out.writelines(chunks)
    out.flush()
