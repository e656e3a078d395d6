"""Against a broker with the limits and habits of AWS IoT Core, and one of old that speaks MQTT 3.1.1 only."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import iot_core
from .broker import HOST, account
from .pki import Pki
from .probes import Probe, numbers, report


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Callable[..., iot_core.Broker]]:
    started = []
    pki = Pki(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.broker())
    context.load_verify_locations(pki.ca)
    context.verify_mode = ssl.CERT_REQUIRED

    def start(**options: Any) -> iot_core.Broker:
        started.append(iot_core.Broker(context, **options))
        return started[-1]

    start.pki = pki  # type: ignore[attr-defined]
    yield start
    for one in started:
        one.stop()


def _probe(broker: iot_core.Broker, tmp_path: Path, start: Any, **mqtt: Any) -> Probe:
    certificate, key = start.pki.client("gw-1")
    link = {"ca": str(start.pki.ca), "certificate": str(certificate), "key": str(key)}
    given = {"host": HOST, "port": broker.port, "timeout": "1s", "profile": "aws-iot-core", "alpn": [iot_core.ALPN]}
    return Probe(
        {
            "identity": {"id": "gw-1", "site": "lab"},
            "spool": {"directory": str(tmp_path / "spool")},
            "mqtt": {**given, **link, **mqtt},
        }
    )


def _reports(broker: iot_core.Broker) -> list[int]:
    envelopes = [json.loads(payload) for topic, payload in broker.received if not topic.endswith("/state")]
    return numbers(account(envelopes))


def test_within_the_limits_and_with_duplicates(broker: Any, tmp_path: Path) -> None:
    """10 000 reports at the profile's rate: never a rule broken, everything once and in order."""
    aws = broker(twice=7)
    probe = _probe(aws, tmp_path, broker)
    begun = time.monotonic()
    probe.say(0, 10_000)
    assert probe.drained(60), probe.said
    took = time.monotonic() - begun
    probe.close()
    assert aws.broken == []
    assert _reports(aws) == list(range(10_000))
    size = sum(len(payload) for _, payload in aws.received)
    assert len(aws.received) > len({payload for _, payload in aws.received}), "some came twice"
    assert took > (size * 6 / 7 - 2 * iot_core.BYTES_PER_SECOND) / iot_core.BYTES_PER_SECOND
    assert {entry["level"] for entry in aws.connected} == {5}
    assert {entry["will"]["qos"] for entry in aws.connected} == {1}


def test_many_small_envelopes_stay_below_a_hundred_a_second(broker: Any, tmp_path: Path) -> None:
    aws = broker()
    probe = _probe(aws, tmp_path, broker)
    for number in range(200):
        probe.sink.put("rollup", report(number))
        probe.sink.flush()
    assert probe.drained(60), probe.said
    probe.close()
    assert aws.broken == []
    assert _reports(aws) == list(range(200))


def test_without_alpn_the_port_is_shut(broker: Any, tmp_path: Path) -> None:
    aws = broker()
    probe = _probe(aws, tmp_path, broker, alpn=["mqtt"])
    probe.say(0, 10)
    assert not probe.drained(1)
    probe.close()
    assert aws.received == []


def test_the_quota_is_exceeded(broker: Any, tmp_path: Path) -> None:
    """0x97: the same message again, later, on the same connection."""
    aws = broker(throttle=False)
    probe = _probe(aws, tmp_path, broker, publishes_per_second=10_000, bytes_per_second="1GiB")
    probe.say(0, 1000)
    assert probe.drained(30)
    aws.refuse += [0x97] * 5
    probe.say(1000, 9000)
    assert probe.drained(60), probe.said
    probe.close()
    assert _reports(aws) == list(range(10_000))
    assert len(aws.connected) == 1
    assert not aws.refuse
    assert any("0x97 (quota exceeded)" in line for line in probe.said), probe.said


def test_refused_in_words_and_cut(broker: Any, tmp_path: Path) -> None:
    """0x83 and 0x99: pieces are taken."""
    aws = broker(throttle=False)
    probe = _probe(aws, tmp_path, broker, publishes_per_second=10_000, bytes_per_second="1GiB")
    until_born = time.monotonic() + 10
    while not aws.received and time.monotonic() < until_born:
        time.sleep(0.01)
    aws.refuse += [0x83, 0x99, 0x80]
    probe.say(0, 10_000)
    assert probe.drained(60), probe.said
    probe.close()
    assert _reports(aws) == list(range(10_000))
    assert any("part" in json.loads(payload) for _, payload in aws.received)


@pytest.mark.parametrize("code", [0x95, 0x97, 0x96, 0x89, 0x8E, 0x80])
def test_the_broker_hangs_up(broker: Any, tmp_path: Path, code: int) -> None:
    """Too large, quota, rate, busy, taken over, unspecified: it is said in its words, and begun again."""
    aws = broker(throttle=False)
    probe = _probe(aws, tmp_path, broker, publishes_per_second=10_000, bytes_per_second="1GiB")
    aws.hang_up += [code] * 4
    probe.say(0, 10_000)
    assert probe.drained(60), probe.said
    probe.close()
    assert _reports(aws) == list(range(10_000))
    assert len(aws.connected) == 5
    assert any(f"{code:#04x}" in line for line in probe.said), probe.said


def test_a_broker_of_old(broker: Any, tmp_path: Path) -> None:
    """It answers MQTT 5 with a refusal in its own words: 3.1.1 is tried, and stays."""
    old = broker(five=False, throttle=False)
    probe = _probe(old, tmp_path, broker, profile="none")
    probe.say(0, 10_000)
    assert probe.drained(60), probe.said
    probe.close()
    assert _reports(old) == list(range(10_000))
    assert [entry["level"] for entry in old.connected] == [4]
