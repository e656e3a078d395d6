"""What is understood, and that everything else is kept aside with its reason, whatever it is."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fleet import envelope, finding, message
from hypothesis import given
from hypothesis import strategies as st

from collector import signers
from collector.messages import MAX_PAYLOAD, Aside, Envelope, State, is_whole, read
from collector.settings import BrokerSettings, NatsSettings, Settings, SettingsError, check
from probe.publish.signing import Signer

TOPIC = "transitproof/v1/s1/p1/finding"


def test_an_envelope() -> None:
    read_in = message(finding(), seq=7)
    assert isinstance(read_in, Envelope)
    assert (read_in.kind, read_in.probe.id, read_in.seq, read_in.items[0]["uid"]) == ("finding", "p1", 7, "a")


def test_birth_and_last_will() -> None:
    assert read("x/s1/p1/state", b'{"online":true,"boot_id":"b"}') == State(
        "s1", "p1", True, {"online": True, "boot_id": "b"}
    )
    gone = read("x/s1/p1/state", b'{"online":false}')
    assert isinstance(gone, State)
    assert not gone.online


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schema": "transitproof.finding/2"}, "version 2 of its schema"),
        ({"schema": "transitproof.novelty/1"}, "does not know"),
        ({"schema": "transitproof.rollup/1"}, "items of kind rollup under a topic of finding"),
        ({"probe": {"id": "p2", "site": "s1"}}, "names another probe than its topic"),
        ({"seq": -1}, "cannot be"),
        ({"boot_id": ""}, "cannot be"),
        ({"boot_id": "a\0b"}, "cannot be"),
        ({"schema": "transitproof.finding/" + "1" * 5000}, "does not know"),
        ({"items": None}, "not an envelope"),
        ({"items": [[]]}, "not an envelope"),
    ],
)
def test_what_is_not_understood_is_kept_aside(change: dict[str, Any], why: str) -> None:
    read_in = message(finding(), **change)
    assert isinstance(read_in, Aside)
    assert why in read_in.why
    assert read_in.topic == TOPIC


@pytest.mark.parametrize("topic", ["", "a/b", "x/s1/p 1/finding", "x/../p1/finding/y"])
def test_topics_that_name_nobody(topic: str) -> None:
    assert isinstance(read(topic, b"{}"), Aside)


def test_a_payload_that_is_too_large() -> None:
    read_in = read(TOPIC, b" " * (MAX_PAYLOAD + 1))
    assert isinstance(read_in, Aside)
    assert len(read_in.payload) == MAX_PAYLOAD


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_never_raises(payload: bytes) -> None:
    for topic in (TOPIC, "x/s1/p1/state"):
        assert isinstance(read(topic, payload), (Aside, State, Envelope))


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ({""}, True),
        ({"1/2"}, False),
        ({"1/2", "2/2"}, True),
        ({"1/3", "2/3", "3/3.1/2"}, False),
        ({"1/3", "2/3", "3/3.1/2", "3/3.2/2"}, True),
        ({"0/0"}, False),
        ({"1/999999"}, False),
    ],
)
def test_pieces_make_up_an_envelope(parts: set[str], whole: bool) -> None:
    assert is_whole(parts) is whole


def test_nested_beyond_reason() -> None:
    assert isinstance(read(TOPIC, b"[" * 100_000), Aside)


def test_gzip_is_unpacked_within_bounds() -> None:
    plain = json.dumps(envelope(finding())).encode()
    packed = gzip.compress(plain)
    assert read(TOPIC, packed) == read(TOPIC, plain)
    bomb = read(TOPIC, gzip.compress(b" " * (64 << 20)))
    assert isinstance(bomb, Aside)
    assert "larger than" in bomb.why
    assert len(bomb.payload) <= MAX_PAYLOAD
    for damaged in (packed[:9], packed[:-12], packed[:20] + b"\xff" * 20, b"\x1f\x8b"):
        assert isinstance(read(TOPIC, damaged), Aside)


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Signer, signers.Signers]:
    """A probe's key, and the file in which the collector has it."""
    key = Ed25519PrivateKey.generate()
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    file = tmp_path / "signers"
    file.write_text(f"# site probe key\n\ns1 p1 {base64.b64encode(der).decode()}\n")
    return Signer(key), signers.load(str(file))


def test_only_what_a_probe_s_key_signed_counts(keys: tuple[Signer, signers.Signers]) -> None:
    signer, known = keys
    plain = json.dumps(envelope(finding())).encode()
    signed = signer.sign(plain)
    assert isinstance(read(TOPIC, signed, known.fault), Envelope)
    assert isinstance(read(TOPIC, gzip.compress(signed), known.fault), Envelope)
    stranger = Signer(Ed25519PrivateKey.generate())
    for payload, why in (
        (plain, "no signature"),
        (signed.replace(b'"seq": 0', b'"seq": 1'), "wrong signature"),
        (stranger.sign(plain), "a key that is not known"),
    ):
        read_in = read(TOPIC, payload, known.fault)
        assert isinstance(read_in, Aside)
        assert why in read_in.why
    other = read("transitproof/v1/s1/p2/finding", signed, known.fault)
    assert isinstance(other, Aside)
    assert "no key of this probe" in other.why


def test_the_will_of_a_probe_is_signed_too(keys: tuple[Signer, signers.Signers]) -> None:
    signer, known = keys
    will = b'{"online":false,"boot_id":"b"}'
    assert isinstance(read("x/s1/p1/state", signer.sign(will), known.fault), State)
    assert isinstance(read("x/s1/p1/state", will, known.fault), Aside)


@pytest.mark.parametrize(
    ("line", "why"), [("s1 p1", "SITE PROBE KEY"), ("s1 p1 AAAA", "not an Ed25519 public key"), ("s1 p1 ä", "openssl")]
)
def test_a_wrong_line_of_signers_is_named(line: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "signers").write_text(f"# keys\n{line}\n")
    with pytest.raises(SettingsError, match=rf"signers:2: .*{why}"):
        signers.load(str(tmp_path / "signers"))
    with pytest.raises(SettingsError, match="no such file"):
        signers.load(str(tmp_path / "none"))


def test_two_sources_have_one_file_of_signers() -> None:
    broker = BrokerSettings(signers="/etc/signers")
    with pytest.raises(SettingsError, match="the same file"):
        check(Settings(broker=broker, nats=NatsSettings()), "c.toml")
    check(Settings(broker=broker, nats=NatsSettings(signers="/etc/signers")), "c.toml")
