"""Judges OCSF events by the schema itself (flattened, ocsf_schema.json): attributes, types, values, requirements."""

import ipaddress
import json
from pathlib import Path
from typing import Any

SCHEMA = json.loads((Path(__file__).parent / "ocsf_schema.json").read_text())
TEXTS = {"string_t", "hostname_t", "url_t", "uuid_t", "mac_t", "datetime_t", "email_t", "subnet_t"}
NUMBERS = {"integer_t", "long_t", "port_t", "timestamp_t"}


def problems(event: dict[str, Any]) -> list[str]:
    name, form = next(
        (name, form) for name, form in SCHEMA["classes"].items() if form["class_uid"] == event["class_uid"]
    )
    found = _object(event, form, name)
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid")
    if event["category_uid"] != event["class_uid"] // 1000:
        found.append("category_uid")
    return found


def _object(value: dict[str, Any], form: dict[str, Any], where: str) -> list[str]:
    found = []
    attributes = form["attributes"]
    for name, one in value.items():
        if name not in attributes:
            found.append(f"{where}.{name}: no such attribute")
        else:
            found += _value(one, attributes[name], f"{where}.{name}")
    found += [
        f"{where}.{name}: missing" for name, one in attributes.items() if one["req"] == "required" and name not in value
    ]
    constraints = form.get("constraints") or {}
    if (some := constraints.get("at_least_one")) and not set(some) & set(value):
        found.append(f"{where}: one of {some} is missing")
    if (one_of := constraints.get("just_one")) and len(set(one_of) & set(value)) != 1:
        found.append(f"{where}: exactly one of {one_of} is wanted")
    return found


def _value(value: Any, attribute: dict[str, Any], where: str) -> list[str]:
    kind = attribute["type"]
    if kind.endswith("[]"):
        if not isinstance(value, list):
            return [f"{where}: no list"]
        return [problem for one in value for problem in _value(one, {**attribute, "type": kind[:-2]}, where)]
    if kind in TEXTS:
        good = isinstance(value, str)
    elif kind in NUMBERS:
        good = isinstance(value, int) and not isinstance(value, bool)
        own = where.endswith(("class_uid", "category_uid")) or not attribute["enum"]
        if good and not own and str(value) not in attribute["enum"]:
            return [f"{where}: {value} is none of {attribute['enum']}"]
    elif kind == "boolean_t":
        good = isinstance(value, bool)
    elif kind == "ip_t":
        good = bool(ipaddress.ip_address(value))
    elif kind in ("json_t", "object"):
        good = True
    elif kind in SCHEMA["objects"]:
        return _object(value, SCHEMA["objects"][kind], where) if isinstance(value, dict) else [f"{where}: no object"]
    else:
        return [f"{where}: type {kind} is not in the subset"]
    return [] if good else [f"{where}: {value!r} is no {kind}"]
