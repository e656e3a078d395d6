"""TOML files of the operator: reading them, and saying what is wrong with one as file:line: key: problem."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Final, TypeVar, get_args

import msgspec
from msgspec import Struct

MAX_BYTES: Final = 4 * 1024 * 1024  # of such a file: the longest standard takes some 60 kB
_Form = TypeVar("_Form", bound=Struct)


class PolicyError(ValueError):
    """A policy or waiver file that is unknown or cannot be used; the text is one line for the operator."""


def read(path: Path) -> bytes:
    """The bytes of a configuration file. Raises PolicyError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: {(error.strerror or str(error)).lower()}; a readable TOML file is wanted"
        raise PolicyError(message) from error
    if len(data) > MAX_BYTES:
        message = f"{path}: larger than {MAX_BYTES} bytes; this is no policy"
        raise PolicyError(message)
    return data


def decode(data: bytes, source: str, wanted: type[_Form]) -> tuple[_Form, str]:
    """The file as `wanted`, and its text. Raises PolicyError."""
    try:
        text = data.decode("utf-8")
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise problem(source, data[: error.start].count(b"\n") + 1, "file", "not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        raise problem(source, line, "file", re.sub(r" \(at .*\)$", "", str(error))) from error
    try:
        return msgspec.convert(table, wanted), text
    except msgspec.ValidationError as error:
        raise _invalid(source, text, str(error), wanted) from error


def _invalid(source: str, text: str, message: str, wanted: type[Struct]) -> PolicyError:
    """From msgspec's message, `Expected `str`, got `int` - at `$.rule[3].title``; the line is found in the text."""
    what, _, path = message.partition(" - at `$")
    steps = re.findall(r"\[(\d+)\]|\.([A-Za-z0-9_]+)", path.removesuffix("`"))
    index = next((int(number) for number, _ in steps if number), None)
    keys = [key for _, key in steps if key]
    table = keys.pop(0) if index is not None and keys else None
    named = re.search(r"field `([^`]+)`", what)
    key = named[1] if named else keys[0] if keys else table or "file"
    what = what[0].lower() + what[1:]
    if named and "unknown field" in what:
        what += _nearest(named[1], _fields(wanted))
    return problem(source, line_of(text, table, index, key), key, what)


def _fields(wanted: type[Struct]) -> list[str]:
    """Every key that may stand in such a file, those of its tables included."""
    names: list[str] = []
    for field in msgspec.structs.fields(wanted):
        names.append(field.encode_name)
        for form in (field.type, *get_args(field.type)):
            if isinstance(form, type) and issubclass(form, Struct):
                names += _fields(form)
    return names


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def line_of(text: str, table: str | None, number_of_table: int | None, key: str) -> int:
    """The line of `key` in the `[[table]]` with this number (in the head if None), else where that begins."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines, 1) if line.strip() == f"[[{table}]]"]
    at = number_of_table
    begin = 1 if at is None or at >= len(starts) else starts[at]
    end = next((start for start in starts if start > begin), len(lines) + 1)
    for number in range(begin, end):
        if re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', lines[number - 1]):
            return number
    return begin


def problem(source: str, line: int, key: str, what: str) -> PolicyError:
    """What is wrong and where, as an error to raise."""
    return PolicyError(f"{source}:{line}: {key}: {what}")
