"""EAP-TLS over a LAN, written by scapy around OpenSSL's handshake: a flow of two stations, judged as in RADIUS."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from scapy.all import Ether, Raw, wrpcap
from scapy.layers.eap import EAP, EAP_TLS, EAPOL

import probe
from probe.cli import main
from probe.output.ocsf import event
from probe.publish.redact import Redactor

HANDSHAKE: Final = Path(__file__).parent.parent / "parsers/flow/src/tls/testdata/tls12_mutual.txt"
DEVICE, PORT, GROUP = "02:00:00:00:00:01", "02:00:00:00:00:02", "01:80:c2:00:00:03"
PART: Final = 500


def said() -> Iterator[tuple[bool, Any]]:
    """Whether it is the device that speaks, and its EAP packet."""
    ids = count(1)
    yield False, EAP(code=1, id=next(ids), type=1)
    yield True, EAP(code=2, id=1, type=1, identity=b"anonymous@example.test")
    yield False, EAP_TLS(code=1, id=(at := next(ids)), S=1)
    for line in HANDSHAKE.read_text().splitlines():
        data = bytes.fromhex(line[2:])
        for part in (data[start : start + PART] for start in range(0, len(data), PART)):
            if line[0] == ">":
                yield True, EAP_TLS(code=2, id=at, tls_data=part)
                yield False, EAP_TLS(code=1, id=(at := next(ids)))
            else:
                yield True, EAP_TLS(code=2, id=at)
                yield False, EAP_TLS(code=1, id=(at := next(ids)), tls_data=part)
    yield False, EAP(code=3, id=at)


def write(path: Path, *, to_group: bool) -> Path:
    frames = [Ether(src=DEVICE, dst=GROUP) / EAPOL(type=1) / Raw(bytes(42))]
    for number, (device, eap) in enumerate(said()):
        src, other = (DEVICE, PORT) if device else (PORT, DEVICE)
        frames.append(Ether(src=src, dst=GROUP if to_group else other) / EAPOL(version=2, type=0) / eap)
        frames[-1].time = 1_700_000_000 + number / 100
    frames[0].time = 1_700_000_000
    wrpcap(str(path), frames)
    return path


@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_login_at_a_port(tmp_path: Path, workers: int, *, to_group: bool) -> None:
    capture = write(tmp_path / "eapol.pcap", to_group=to_group)
    records = list(probe.replay(capture, workers=workers, why=True, policies=["nist-sp-800-52r2"]))
    (flow,) = (record for record in records if record["type"] == "flow")
    assert (flow["src_mac"], flow["dst_mac"], flow["transport"]) == (DEVICE, PORT, "eapol")
    assert "src_ip" not in flow
    assert (flow["class"], flow["protocol"], flow["evidence"]) == ("plaintext", "eap", "observed")
    assert flow["why"] == {"frame": 3 if to_group else 2, "offset": 0, "what": "eap_header"}
    tls = flow["tls"]
    assert (tls["version"], tls["established"]) == ("TLSv1.2", True)
    assert tls["certificates"]
    assert tls["client_certificates"]
    asked = sum(not device for device, _ in said())
    answered = sum(device for device, _ in said())
    assert flow["packets"] == [answered, asked - to_group]
    told = {record["check"]: record for record in records if record["type"] == "finding"}
    assert told["certificate.chain"]["endpoint"] == f"{PORT}/eapol"
    assert "plaintext.protocol" not in told
    # Its start, and what nobody had answered yet.
    assert records[-1]["other"] == {"eapol": 1 + to_group}


def test_filters(tmp_path: Path) -> None:
    capture = write(tmp_path / "eapol.pcap", to_group=False)

    def flows(expression: str) -> int:
        return sum(record["type"] == "flow" for record in probe.replay(capture, filter=expression))

    for wanted in (f"host {PORT}", "transport eapol", "protocol eap", "class plaintext and not host 0.0.0.0/0"):
        assert flows(wanted) == 1, wanted
    for unwanted in ("host 02:00:00:00:00:03", "host 2.0.0.0/8", "transport ip/255", "transport udp", "port 0"):
        assert flows(unwanted) == 0, unwanted


def test_ocsf_and_redaction(tmp_path: Path) -> None:
    capture = write(tmp_path / "eapol.pcap", to_group=False)
    (flow,) = (record for record in probe.replay(capture) if record["type"] == "flow")
    made = event(flow)
    assert made is not None
    assert (made["src_endpoint"], made["dst_endpoint"]) == ({"mac": DEVICE}, {"mac": PORT})
    hidden = Redactor(bytes(32), ["addresses"]).item(f'{{"endpoint":"{PORT}/eapol","peer":"{DEVICE}"}}'.encode())
    assert PORT.encode() not in hidden
    assert DEVICE.encode() not in hidden
    assert b"/eapol" in hidden


def test_extract_writes_its_frames(tmp_path: Path) -> None:
    capture = write(tmp_path / "eapol.pcap", to_group=False)
    findings = (record for record in probe.replay(capture) if record["type"] == "finding")
    uid = next(finding["uid"] for finding in findings if finding["check"] == "certificate.chain")
    out = tmp_path / "out.pcap"
    main(["replay", str(capture), "--extract", uid, "-w", str(out)])
    again = [record for record in probe.replay(out) if record["type"] == "flow"]
    assert [flow["packets"] for flow in again] == [[sum(d for d, _ in said()), sum(not d for d, _ in said())]]
