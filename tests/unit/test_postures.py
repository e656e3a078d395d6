"""What is new at an endpoint and what changed there."""

import json
from typing import Any

import pytest

from probe import postures
from probe.postures import Postures

Sighting = tuple[str, str | None, bytes, int]


def _seen(endpoint: str = "192.0.2.1:443/tcp", name: str | None = None, **facts: Any) -> Sighting:
    return endpoint, name, json.dumps({key.replace("_", ".", 1): value for key, value in facts.items()}).encode(), 1


OLD = {"class": "tls", "tls_version": "TLSv1.2"}
NEW = {"class": "tls", "tls_version": "TLSv1.3"}


def test_new_then_known_then_changed() -> None:
    known = Postures()
    known.see([_seen(**OLD), _seen(**OLD, tls_established=True)])
    seen = known.take()
    assert (seen.new, seen.changed) == (1, 0)
    assert seen.changes[0].after == {"class": "tls", "tls.version": "TLSv1.2"}
    known.see([_seen(**OLD)])
    assert known.take() == postures.Seen()
    known.see([_seen(**NEW)])
    seen = known.take()
    assert (seen.new, seen.changed, seen.changes[0].before) == (0, 1, {"class": "tls", "tls.version": "TLSv1.2"})
    known.see([_seen(**OLD), _seen(**NEW)])
    assert known.take().changed == 0, "a server that does both does not change"


def test_names_are_places_of_their_own_and_what_is_asked_of_dns_is_none() -> None:
    known = Postures()
    known.see([_seen(**OLD), _seen(name="a", **OLD), _seen(dns_client="x", **{"class": "plaintext"})])
    assert known.take().new == 2


def test_it_can_be_saved() -> None:
    known = Postures()
    known.see([_seen(**OLD)])
    again = Postures(json.loads(json.dumps(known.state())))
    again.see([_seen(**OLD)])
    assert again.take() == postures.Seen()


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postures, "MAX_PLACES", 2)
    monkeypatch.setattr(postures, "MAX_CHANGES", 1)
    known = Postures()
    known.see([_seen("a", **OLD), _seen("b", **OLD), _seen("a", **OLD), _seen("c", **OLD)])
    seen = known.take()
    assert (seen.new, len(seen.changes)) == (3, 1)
    assert list(known.state()) == ["a", "c"], "the one longest not seen goes"
