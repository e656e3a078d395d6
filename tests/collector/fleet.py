"""Messages as probes send them."""

import json
from typing import Any

from collector.messages import Aside, Envelope, State, read

NOW = 1_795_000_000.0  # 2026-11-18


def finding(uid: str = "a", **more: Any) -> dict[str, Any]:
    record = {
        "type": "finding", "uid": uid, "check": "tls.version", "status": "fail", "severity": "high", "title": "TLS 1.0 negotiated",
        "endpoint": "10.0.3.7:443/tcp", "observed": {"tls.version": "TLSv1.0"}, "count": 3, "first_seen": "2026-11-18T00:00:00Z",
        "last_seen": "2026-11-18T00:00:01Z", "evidence": {"class": "observed", "flows": ["1:x"], "frames": []},
        "remediation": "Allow only TLS 1.2 and 1.3.",
    }  # fmt: skip
    return record | more


def envelope(
    *items: dict[str, Any], kind: str = "finding", seq: int = 0, by: str = "p1", boot: str = "b1", **more: Any
) -> dict[str, Any]:
    return {
        "schema": f"transitproof.{kind}/1", "probe": {"id": by, "site": "s1", "version": "0.1"}, "boot_id": boot, "seq": seq,
        "sent_at": "2026-11-18T00:00:02Z", "drops": {}, "items": list(items),
    } | more  # fmt: skip


def message(*items: dict[str, Any], kind: str = "finding", by: str = "p1", **more: Any) -> Envelope | State | Aside:
    return read(f"transitproof/v1/s1/{by}/{kind}", json.dumps(envelope(*items, kind=kind, by=by, **more)).encode())
