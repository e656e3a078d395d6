"""What is new at an endpoint and what changed there."""

import json
from typing import Any

import pytest

from probe import postures
from probe.postures import Postures

Sighting = tuple[str, str | None, bytes, int, str | None]


def _seen(
    endpoint: str = "192.0.2.1:443/tcp", name: str | None = None, certificate: str | None = None, **facts: Any
) -> Sighting:
    told = json.dumps({key.replace("_", ".", 1): value for key, value in facts.items()}).encode()
    return endpoint, name, told, 1, certificate


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
    known.see([_seen(certificate="a" * 64, **OLD)])
    again = Postures(json.loads(json.dumps(known.state())), json.loads(json.dumps(known.shown())))
    again.see([_seen(**OLD), _seen(certificate="a" * 64, **OLD)])
    assert again.take() == postures.Seen()


def test_a_certificate_is_told_once_at_each_place() -> None:
    known, one, two = Postures(), "a" * 64, "b" * 64
    known.see([_seen(certificate=one, **OLD), _seen(certificate=one, **OLD), _seen(name="x", certificate=one, **OLD)])
    assert [(change.name, change.certificate) for change in known.take().changes] == [(None, one), ("x", one)]
    known.see([_seen(certificate=one, **NEW), _seen(**OLD), _seen(certificate=two, **OLD)])
    seen = known.take()
    assert [change.certificate for change in seen.changes] == [None, two], "a posture that is new, then a certificate"
    assert (seen.new, seen.changed) == (0, 2)
    assert seen.changes[1].after == {"class": "tls", "tls.version": "TLSv1.2"}


def test_a_certificate_without_room_is_told_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postures, "MAX_CHANGES", 1)
    known = Postures()
    known.see([_seen("a", **OLD), _seen("b", certificate="b" * 64, **OLD)])
    assert known.take().changes[0].endpoint == "a"
    known.see([_seen("b", certificate="b" * 64, **OLD)])
    assert known.take().changes[0].certificate == "b" * 64


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postures, "MAX_PLACES", 2)
    monkeypatch.setattr(postures, "MAX_CHANGES", 1)
    known = Postures()
    known.see([_seen("a", **OLD), _seen("b", **OLD), _seen("a", **OLD), _seen("c", **OLD)])
    seen = known.take()
    assert (seen.new, len(seen.changes)) == (3, 1)
    assert list(known.state()) == ["a", "c"], "the one longest not seen goes"
