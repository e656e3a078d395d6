"""TOML files of the operator: reading them, and saying what is wrong with one as file:line: key: problem."""

import difflib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec import Struct

from probe import files

MAX_BYTES: Final = 4 * 1024 * 1024  # of such a file: the longest standard takes some 60 kB
_Form = TypeVar("_Form", bound=Struct)


class PolicyError(ValueError):
    """A policy or waiver file that is unknown or cannot be used; the text is one line for the operator."""


def read(path: Path) -> bytes:
    """The bytes of a configuration file. Raises PolicyError."""
    try:
        return files.read(path, MAX_BYTES)
    except files.UnreadableError as error:
        raise PolicyError(f"{error}; a readable TOML file is wanted") from error


def decode(
    data: bytes, source: str, wanted: type[_Form], hook: Callable[[type, object], Any] | None = None
) -> tuple[_Form, str]:
    """The file as `wanted`, and its text; `hook` reads types that are not msgspec's own. Raises PolicyError."""
    table, text = tables(data, source)
    return convert(table, text, source, wanted, hook), text


def tables(data: bytes, source: str) -> tuple[dict[str, Any], str]:
    """What stands in a file, whatever it is for, and its text. Raises PolicyError."""
    try:
        text = data.decode("utf-8")
        return tomllib.loads(text), text
    except UnicodeDecodeError as error:
        raise problem(source, data[: error.start].count(b"\n") + 1, "file", "not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        raise problem(source, line, "file", re.sub(r" \(at .*\)$", "", str(error))) from error


def convert(
    table: dict[str, Any],
    text: str,
    source: str,
    wanted: type[_Form],
    hook: Callable[[type, object], Any] | None = None,
) -> _Form:
    """What stands in a file as `wanted`; `text` tells the lines. Raises PolicyError."""
    try:
        return msgspec.convert(table, wanted, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise _invalid(source, text, str(error), wanted) from error


def _invalid(source: str, text: str, message: str, wanted: type[Struct]) -> PolicyError:
    """From msgspec's message, `Expected `str`, got `int` - at `$.rule[3].title``; the line is found in the text."""
    what, _, path = message.rpartition(" - at `$") if " - at `$" in message else (message, "", "")
    steps = re.findall(r"\[(\d+)\]|\.([A-Za-z0-9_-]+)", path.removesuffix("`"))
    index = next((at for at, (number, _) in enumerate(steps) if number), None)
    keys = [key for _, key in steps[:index]]
    number = 0
    if index is not None and _begins(text, ".".join(keys)):
        number, table, keys = int(steps[index][0]), keys, [key for _, key in steps[index + 1 :] if key]
    else:
        table, keys = next(
            ((keys[:at], keys[at:]) for at in range(len(keys), 0, -1) if _begins(text, ".".join(keys[:at]))), ([], keys)
        )
    named = re.search(r"field `([^`]+)`", what)
    key = named[1] if named else keys[0] if keys else ".".join(table) or "file"
    what = what[0].lower() + what[1:]
    if named and "unknown field" in what:
        what += _nearest(named[1], _fields(wanted))
    return problem(source, line_of(text, ".".join(table) or None, number, key), key, what)


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


_HEADER: Final = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")


def _headers(text: str) -> list[tuple[int, str]]:
    """Lines in which tables begin, from 1, with the names of those."""
    found = ((number, _HEADER.fullmatch(line)) for number, line in enumerate(text.splitlines(), 1))
    return [(number, header[1]) for number, header in found if header]


def _begins(text: str, table: str) -> list[int]:
    """The lines in which a table of this name begins."""
    return [number for number, name in _headers(text) if name == table]


def line_of(text: str, table: str | None, number_of_table: int | None, key: str) -> int:
    """The line of `key` in the table of this name and number (in the head if None), else where that begins."""
    lines = text.splitlines()
    begins, at = _begins(text, table) if table else [], number_of_table or 0
    begin = begins[at] if at < len(begins) else 1
    end = next((number for number, _ in _headers(text) if number > begin), len(lines) + 1)
    for number in range(begin, end):
        if re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', lines[number - 1]):
            return number
    if not begins:  # a table may be what is wrong
        return next((number for number, name in _headers(text) if name.partition(".")[0] == key), begin)
    return begin


def problem(source: str, line: int, key: str, what: str) -> PolicyError:
    """What is wrong and where, as an error to raise."""
    return PolicyError(f"{source}:{line}: {key}: {what}")
