"""The description of the API (OpenAPI 3.1)."""

from typing import Any, Final

from collector.paging import MAX_CURSOR, MAX_PAGE
from collector.shares import BY, MAX_KEY
from collector.store.rows import SEVERITIES
from collector.web.asking import MAX_DAYS, MAX_TEXT
from probe import __version__

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string", "maxLength": MAX_TEXT, "pattern": "^[^\\u0000]*$"}


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


_FORMAT: Final = _query(
    "format", {"type": "string", "enum": ["json", "csv"], "default": "json"}, "CSV for spreadsheets"
)
_PLACE: Final = [
    _query("limit", {"type": "integer", "minimum": 0, "maximum": MAX_PAGE, "default": 50}, "rows of one answer"),
    _query("after", {"type": "string", "maxLength": MAX_CURSOR}, "the `next` of the page before"),
    _FORMAT,
]
_BY: Final = [_query("by", {"type": "string", "enum": list(BY), "default": BY[0]}, "what is added up")]
_DAYS: Final = _query("days", {"type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": 30}, "up to now")
_FINDINGS: Final = [
    _query(
        "workflow",
        {"type": "string", "enum": ["open", "acknowledged", "suppressed", "resolved", "all"]},
        "default: open",
    ),
    _query("severity", {"type": "string", "enum": list(SEVERITIES)}, "at least this"),
    *(_query(name, _TEXT, f"only this {name}") for name in ("check", "endpoint", "site", "policy")),
    _query("text", _TEXT, "in title, endpoint or name"),
]
_ERROR: Final = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}


def _get(summary: str, parameters: list[Schema], *, csv: bool = False, found: str | None = None) -> Schema:
    content: Schema = {"application/json": {"schema": {}}}
    if csv:
        content["text/csv"] = {"schema": {"type": "string"}}
    responses: Schema = {
        "200": {"description": "the answer", "content": content},
        "401": {"description": "no token", "content": {"text/plain": {"schema": {"type": "string"}}}},
        "429": {"description": "too many requests", "content": {"text/plain": {"schema": {"type": "string"}}}},
    }
    if parameters:
        responses["422"] = {"description": "a parameter that cannot be", **_ERROR}
    if found:
        responses["404"] = {"description": found, **_ERROR}
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


_PERIOD: Final = [
    _query("until", {"type": "string", "format": "date"}, "last day (UTC), included; today if left out"),
    _query("days", {"type": "integer", "minimum": 1, "maximum": 800, "default": 30}, "how many days up to then"),
]


def _file(summary: str, media: str, parameters: list[Schema]) -> Schema:
    made = _get(summary, parameters)
    made["get"]["responses"]["200"]["content"] = {media: {"schema": {"type": "string", "format": "binary"}}}
    if media == "application/zip":
        made["get"]["responses"]["503"] = {"description": "another one is being made", **_ERROR}
    return made


def _path(name: str) -> list[Schema]:
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}]


def document() -> Schema:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Transitproof collector", "version": __version__},
        "servers": [{"url": "/api/v1"}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": {
            "/summary": _get("The posture of the fleet", []),
            "/findings": _get("Findings, the worst first", [*_FINDINGS, *_PLACE], csv=True),
            "/findings/{uid}": _get("One finding, as each probe sees it", _path("uid"), found="no such finding"),
            "/endpoints": _get(
                "Endpoints, the worst first", [_query("text", _TEXT, "in endpoint or name"), *_PLACE], csv=True
            ),
            "/certificates": _get(
                "Certificates of servers, by their end",
                [_query("text", _TEXT, "in subject or issuer"), *_PLACE],
                csv=True,
            ),
            "/certificates/forecast": _get("When certificates end, by weeks, and how long they last", []),
            "/shares": _get(
                "Bytes and the share of them that is protected; with `key` of one of them by day",
                [*_BY, _query("key", {**_TEXT, "maxLength": MAX_KEY}, "only this one"), _DAYS, _FORMAT],
                csv=True,
            ),
            "/exposures": _get(
                "Bytes that a quantum computer could read once, the most first", [*_BY, _FORMAT], csv=True
            ),
            "/certificates/{sha256}": _get(
                "One certificate and its places", _path("sha256"), found="no such certificate"
            ),
            "/findings.ocsf.jsonl": _file("All findings as OCSF events", "application/jsonl", []),
            "/audit-pack": _file("Report, inventories, CBOM and manifest of a period", "application/zip", _PERIOD),
            "/probes": _get("Probes and how they are", _PLACE, csv=True),
        },
    }
