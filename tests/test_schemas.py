"""The schemas of the agent's own records, and that the examples of docs/records.md fit them."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

DOCS = Path(__file__).parents[1] / "docs"
KINDS = ("state", "rollup", "health")


def _examples() -> dict[str, dict[str, object]]:
    """The first example of each kind."""
    found: dict[str, dict[str, object]] = {}
    for block in re.findall(r"```json\n(.*?)```", (DOCS / "records.md").read_text(), re.DOTALL):
        kind = re.match(r'\{"type":"([a-z]+)"', block)
        if kind and kind[1] in KINDS:
            found.setdefault(kind[1], json.loads(block))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_fits_and_others_do_not(kind: str) -> None:
    schema = json.loads((DOCS / "schemas" / f"{kind}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    example = _examples()[kind]
    check.validate(example)
    for member in schema["required"]:
        with pytest.raises(jsonschema.ValidationError):
            check.validate({key: value for key, value in example.items() if key != member})
