"""Redaction, held against what it must hide: every name and address of every test capture."""

import ipaddress
import json
import re
from typing import Any

import pytest
from captures import NAMES, records

from probe.publish.redact import Redactor

KEY = b"a key that is for tests only"
BOTH = Redactor(KEY, ("addresses", "names"))
ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])"
)


def _redacted(redactor: Redactor, record: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(redactor.item(json.dumps(record).encode()))
    return done


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (key, *_strings(one))]
    if isinstance(value, list):
        return [text for one in value for text in _strings(one)]
    return [value] if isinstance(value, str) else []


def _addresses(record: dict[str, Any]) -> set[str]:
    found = set()
    for text in _strings(record):
        for match in ADDRESS.findall(text):
            try:
                found.add(str(ipaddress.ip_address(match)))
            except ValueError:
                continue
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_address_and_no_name_is_left(name: str) -> None:
    names: set[str] = set()
    kept = []
    for record in records(name):
        if record["type"] == "summary":
            continue
        tls = record.get("tls", {})
        names |= {
            tls.get("sni", ""),
            record.get("name", ""),
            record.get("domain", ""),
            record.get("http", {}).get("host", ""),
        }
        names |= {one.get("account", "") for one in record.get("credentials", [])}
        names |= {san.partition(":")[2] for san in record.get("sans", [])}
        kept.append(_redacted(BOTH, record))
    text = "\n".join(string for record in kept for string in _strings(record))
    assert set().union(*map(_addresses, kept)) == set()
    for hidden in names - {""}:
        if len(hidden) > 3:
            assert not re.search(rf"(?<![\w-]){re.escape(hidden)}(?![\w-])", text), hidden


def test_the_same_has_the_same_hash_and_the_rest_stays() -> None:
    record = {
        "type": "flow", "src_ip": "192.0.2.1", "dst_ip": "2001:DB8:0::1", "dst_port": 443, "community_id": "1:abc=",
        "tls": {"sni": "Shop.Example", "suite": "TLS_AES_128_GCM_SHA256", "version": "TLSv1.3", "alpn": "h2"},
    }  # fmt: skip
    finding = {
        "type": "finding", "check": "tls.version", "uid": "ab" * 16, "name": "shop.example",
        "endpoint": "[2001:db8::1]:443/tcp", "evidence": {"class": "observed", "flows": ["1:abc="]},
        "title": "TLS 1.0 at shop.example from 192.0.2.1", "policy": "nist-sp-800-52r2", "clause": "3.1",
        "observed": {"tls.version": "TLSv1.0", "tls.sni": "shop.example"},
        "remediation": "Configure TLS 1.2 of RFC 5246.",
    }  # fmt: skip
    flow, other = _redacted(BOTH, record), _redacted(BOTH, finding)
    assert flow["tls"]["sni"] == other["name"] == other["observed"]["tls.sni"]
    assert other["endpoint"] == f"[{flow['dst_ip']}]:443/tcp"
    assert other["title"] == f"TLS 1.0 at {other['name']} from {flow['src_ip']}"
    assert other["evidence"]["flows"] == [flow["community_id"]] != ["1:abc="]
    assert other["uid"] != finding["uid"]
    for name in ("check", "policy", "clause", "remediation"):
        assert other[name] == finding[name]
    assert {**flow["tls"], "sni": ""} == {**record["tls"], "sni": ""}  # type: ignore[dict-item]
    assert _redacted(Redactor(b"another key of the tests", ("names",)), finding)["name"] != other["name"]


def test_one_kind_only() -> None:
    finding = {"type": "finding", "endpoint": "192.0.2.1:443/tcp", "name": "shop.example", "uid": "u"}
    assert _redacted(Redactor(KEY, ("names",)), finding)["endpoint"] == "192.0.2.1:443/tcp"
    assert _redacted(Redactor(KEY, ("addresses",)), finding)["name"] == "shop.example"


def test_both_ends_of_an_ipsec_endpoint() -> None:
    done = _redacted(BOTH, {"type": "finding", "endpoint": "192.0.2.1<->198.51.100.1/esp"})
    assert re.fullmatch(r"ip-[0-9a-f]{16}<->ip-[0-9a-f]{16}/esp", done["endpoint"])
