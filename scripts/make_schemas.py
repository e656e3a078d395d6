#!/usr/bin/env python3
"""Writes probe/schemas/*.json, the JSON Schema of every kind of envelope, from probe/publish/envelope.py."""

import json
from pathlib import Path

from probe.publish.envelope import schemas

FOLDER = Path(__file__).parents[1] / "probe" / "schemas"


def texts() -> dict[str, str]:
    """The files' contents, by name."""
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas().items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text)
