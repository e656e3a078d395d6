"""Tables as TOML, for programs that read their configuration from a file."""

import json
from pathlib import Path
from typing import Any


def write(path: Path, tables: dict[str, Any]) -> Path:
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    path.write_text("\n".join(lines) + "\n")
    return path
