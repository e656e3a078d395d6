"""Files that an operator names, read whole and no further than a bound: a path may be that of a disk image.

What cannot be read is one exception with one line, whoever asks; the remedy is for the asker to add.
"""

from pathlib import Path


class UnreadableError(OSError):
    """The text is `PATH: reason`, for the operator."""


def read(path: str | Path, most: int) -> bytes:
    """What is in a file of `most` bytes or fewer. Raises UnreadableError."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UnreadableError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except ValueError:  # a zero byte in its name
        raise UnreadableError(f"{path}: no name of a file") from None
    if len(content) > most:
        raise UnreadableError(f"{path}: larger than {most} bytes")
    return content


def text(path: str | Path, most: int) -> str:
    """The same as UTF-8. Raises UnreadableError."""
    try:
        return read(path, most).decode()
    except UnicodeDecodeError:
        raise UnreadableError(f"{path}: not text") from None
