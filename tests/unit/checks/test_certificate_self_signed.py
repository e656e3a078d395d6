"""certificate.self_signed: besides the chain's own finding, at public addresses only."""

import json
from typing import Any

import pki
import pytest

from probe._parsers import Batch, Observation
from probe.engine import Engine
from probe.trust.store import Store


@pytest.mark.parametrize(
    ("endpoint", "public"),
    [
        ("8.8.4.4:443/tcp", True),
        ("[2606:4700::1111]:443/tcp", True),
        ("8.8.4.4:3478/udp", False),
        ("10.0.0.1:443/tcp", False),
        ("198.51.100.1:443/tcp", False),
        ("[fd00::1]:443/tcp", False),
    ],
)
def test_where_it_holds(endpoint: str, public: bool) -> None:
    issued = pki.issue("box.example")
    seen: dict[str, Any] = {"class": "tls", "protocol": "tls", "tls.version": "TLSv1.2", "tls.certificates": True}
    observation = Observation(
        json.dumps(seen).encode(), endpoint, chain=[issued.sha256], first_seen=pki.NOW_NS, last_seen=pki.NOW_NS
    )
    engine = Engine([], Store(host=False))
    engine.feed(Batch(certificates=[issued.der], observations=[observation]), "x.pcap")
    report = engine.flush()
    found = {one["check"]: one for one in map(json.loads, report.lines(99).splitlines())}
    assert found["certificate.chain"]["observed"]["reason"] == "self_signed"
    assert ("certificate.self_signed" in found) is public
    if public:
        assert (
            found["certificate.self_signed"]["title"] == "Self-signed certificate at a public address: CN=box.example"
        )
