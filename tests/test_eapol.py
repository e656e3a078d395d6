"""EAP-TLS over a LAN, written by scapy around OpenSSL's handshake: a flow of two stations, judged as in RADIUS."""

import contextlib
import ssl
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from scapy.all import IP, UDP, Ether, Raw, mac2str, wrpcap
from scapy.contrib.erspan import ERSPAN_II
from scapy.contrib.geneve import GENEVE
from scapy.contrib.mpls import MPLS
from scapy.layers.dot11 import Dot11
from scapy.layers.eap import EAP, EAP_TLS, EAPOL
from scapy.layers.l2 import GRE, LLC, SNAP, CookedLinux, CookedLinuxV2
from scapy.layers.radius import Radius, RadiusAttribute
from scapy.layers.vxlan import VXLAN

import probe
from probe.cli import main
from probe.output.ocsf import event
from probe.publish.redact import Redactor

HANDSHAKE: Final = Path(__file__).parent.parent / "parsers/flow/src/tls/testdata/tls12_mutual.txt"
DEVICE, PORT, GROUP = "02:00:00:00:00:01", "02:00:00:00:00:02", "01:80:c2:00:00:03"
PART: Final = 500


Flights = list[tuple[bool, bytes]]
"""Whether it is the device that speaks, and what TLS says."""


def recorded() -> Flights:
    lines = HANDSHAKE.read_text().splitlines()
    return [(line[0] == ">", bytes.fromhex(line[2:])) for line in lines]


def said(flights: Flights | None = None, method: int = 13) -> Iterator[tuple[bool, Any]]:
    """Whether the device speaks, and its EAP packet; methods of TLS have one header (RFC 5216 section 3.1)."""
    ids = count(1)
    yield False, EAP(code=1, id=next(ids), type=1)
    yield True, EAP(code=2, id=1, type=1, identity=b"anonymous@example.test")
    yield False, EAP_TLS(code=1, id=(at := next(ids)), type=method, S=1)
    for device, data in flights or recorded():
        for part in (data[start : start + PART] for start in range(0, len(data), PART)):
            if device:
                yield True, EAP_TLS(code=2, id=at, type=method, tls_data=part)
                yield False, EAP_TLS(code=1, id=(at := next(ids)), type=method)
            else:
                yield True, EAP_TLS(code=2, id=at, type=method)
                yield False, EAP_TLS(code=1, id=(at := next(ids)), type=method, tls_data=part)
    yield False, EAP(code=3, id=at)


@pytest.fixture
def tls13(tmp_path: Path) -> Flights:
    """TLS 1.3 by OpenSSL, and the byte by which the server says that it has succeeded (RFC 9190 section 2.5)."""
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)]
    contexts[0].check_hostname, contexts[0].verify_mode = False, ssl.CERT_NONE
    both = str(tmp_path / "server.pem")
    making = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=radius.example.test"]
    subprocess.run([*making, "-keyout", both, "-out", f"{both}.crt"], check=True, capture_output=True)
    contexts[1].load_cert_chain(f"{both}.crt", both)
    into, out = [[ssl.MemoryBIO() for _ in contexts] for _ in range(2)]
    ends = [context.wrap_bio(into[at], out[at], server_side=bool(at)) for at, context in enumerate(contexts)]
    flights: Flights = []
    for step in range(6):
        at = step % 2
        with contextlib.suppress(ssl.SSLWantReadError):
            ends[at].do_handshake()
            if at:
                ends[at].write(b"\0")
        if flight := out[at].read():
            into[1 - at].write(flight)
            flights.append((at == 0, flight))
    assert ends[0].version() == "TLSv1.3"
    return flights


def write(path: Path, packets: Iterator[tuple[bool, Any]] | None = None, *, to_group: bool) -> Path:
    frames = [Ether(src=DEVICE, dst=GROUP) / EAPOL(type=1) / Raw(bytes(42))]
    for number, (device, eap) in enumerate(packets or said()):
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


def assert_tls13(flow: dict[str, Any]) -> None:
    assert flow["tls"]["version"] == "TLSv1.3"
    assert flow["tls"]["established"] is True
    assert (flow["class"], "certificates" in flow["tls"]) == ("plaintext", False)


@pytest.mark.parametrize("method", [13, 21, 25, 43, 55])  # EAP-TLS, TTLS, PEAP, FAST, TEAP
def test_tls_1_3(tmp_path: Path, tls13: Flights, method: int) -> None:
    capture = write(tmp_path / "eapol.pcap", said(tls13, method), to_group=False)
    (flow,) = (record for record in probe.replay(capture) if record["type"] == "flow")
    assert_tls13(flow)


def test_tls_1_3_by_radius(tmp_path: Path, tls13: Flights) -> None:
    """RFC 3579: attributes of 253 bytes, a State by which an answer belongs to its challenge."""
    frames = []
    for number, (device, eap) in enumerate(said(tls13)):
        if not number:
            continue  # the access point asks for the name itself
        code, identifier = (1, number) if device else ({3: 2}.get(eap.code, 11), number - 1)
        state = [RadiusAttribute(type=24, value=bytes([number // 2]) * 8)] if number > 1 else []
        packet = bytes(eap)
        parts = [RadiusAttribute(type=79, value=packet[at : at + 253]) for at in range(0, len(packet), 253)]
        ports = (32_000, 1812) if device else (1812, 32_000)
        src, dst = ("192.0.2.1", "192.0.2.2") if device else ("192.0.2.2", "192.0.2.1")
        radius = Radius(code=code, id=identifier % 256, authenticator=bytes(range(16)), attributes=[*state, *parts])
        frames.append(IP(src=src, dst=dst) / UDP(sport=ports[0], dport=ports[1]) / radius)
        frames[-1].time = 1_700_000_000 + number / 100
    wrpcap(str(tmp_path / "radius.pcap"), frames)
    (flow,) = (record for record in probe.replay(tmp_path / "radius.pcap") if record["type"] == "flow")
    assert flow["protocol"] == "radius"
    assert_tls13(flow)


@pytest.mark.parametrize("version", [1, 2])
def test_cooked_headers_name_the_sender(tmp_path: Path, version: int) -> None:
    frames = []
    for number, (device, eap) in enumerate(said()):
        address = mac2str(DEVICE if device else PORT)
        if version == 1:
            cooked = CookedLinux(pkttype=2, lladdrtype=1, lladdrlen=6, src=address + bytes(2), proto=0x888E)
        else:
            cooked = CookedLinuxV2(pkttype=2, lladdrtype=1, lladdrlen=6, src=address + bytes(2), proto=0x888E)
        frames.append(cooked / EAPOL(version=2, type=0) / eap)
        frames[-1].time = 1_700_000_000 + number / 100
    wrpcap(str(tmp_path / "cooked.pcap"), frames)
    (flow,) = (record for record in probe.replay(tmp_path / "cooked.pcap") if record["type"] == "flow")
    assert (flow["src_mac"], flow["dst_mac"], flow["protocol"]) == (DEVICE, PORT, "eap")
    assert (flow["tls"]["version"], flow["tls"]["established"]) == ("TLSv1.2", True)


@pytest.mark.parametrize(
    ("around", "tunnel"),
    [
        pytest.param(UDP(sport=40_000, dport=4789) / VXLAN(vni=7), "vxlan:7", id="VXLAN"),
        pytest.param(GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(session_id=7), "erspan:7", id="ERSPAN"),
        pytest.param(UDP(sport=40_000, dport=6081) / GENEVE(vni=7, proto=0x6558), "geneve:7", id="GENEVE"),
        pytest.param(UDP(sport=40_000, dport=5247) / Raw(bytes.fromhex("0010400000000000")), "capwap", id="CAPWAP"),
    ],
)
def test_a_port_that_is_mirrored(tmp_path: Path, around: Any, tunnel: str) -> None:
    frames = []
    for number, (device, eap) in enumerate(said()):
        src, dst = (DEVICE, PORT) if device else (PORT, DEVICE)
        inner = Ether(src=src, dst=dst) / EAPOL(version=2, type=0) / eap
        frames.append(Ether(src=DEVICE, dst=PORT) / IP(src="192.0.2.1", dst="192.0.2.2") / around.copy() / inner)
        frames[-1].time = 1_700_000_000 + number / 100
    # Another one without a tunnel, behind the first of these, is a flow of its own.
    alone = Ether(src=PORT, dst=DEVICE) / EAPOL(version=2, type=0) / EAP(code=1, id=9, type=1)
    alone.time = 1_700_000_000.005
    frames.insert(1, alone)
    wrpcap(str(tmp_path / "mirrored.pcap"), frames)
    flows = [record for record in probe.replay(tmp_path / "mirrored.pcap") if record["type"] == "flow"]
    assert [flow.get("tunnel") for flow in flows] == [[tunnel], None]
    assert (flows[0]["src_mac"], flows[0]["dst_mac"], flows[0]["protocol"]) == (DEVICE, PORT, "eap")
    assert (flows[0]["tls"]["version"], flows[0]["tls"]["established"]) == ("TLSv1.2", True)


@pytest.mark.parametrize("control_word", [b"", bytes(4)])
def test_a_pseudowire(tmp_path: Path, control_word: bytes) -> None:
    frames = []
    for number, (device, eap) in enumerate(said()):
        src, dst = (DEVICE, PORT) if device else (PORT, DEVICE)
        inner = Ether(src=src, dst=dst) / EAPOL(version=2, type=0) / eap
        frames.append(Ether(src=DEVICE, dst=PORT) / MPLS(label=16, s=1) / Raw(control_word + bytes(inner)))
        frames[-1].time = 1_700_000_000 + number / 100
    wrpcap(str(tmp_path / "labelled.pcap"), frames)
    (flow,) = (record for record in probe.replay(tmp_path / "labelled.pcap") if record["type"] == "flow")
    assert (flow["src_mac"], flow["tunnel"], flow["protocol"]) == (DEVICE, ["mpls:16"], "eap")
    assert (flow["tls"]["version"], flow["tls"]["established"]) == ("TLSv1.2", True)


@pytest.mark.parametrize("swapped", [False, True])
def test_an_access_point_hands_over_frames_of_the_air(tmp_path: Path, *, swapped: bool) -> None:
    frames = []
    for number, (device, eap) in enumerate(said()):
        ends = (PORT, DEVICE, PORT) if device else (DEVICE, PORT, PORT)
        air = bytes(
            Dot11(type=2, FCfield=1 if device else 2, addr1=ends[0], addr2=ends[1], addr3=ends[2])
            / LLC(dsap=0xAA, ssap=0xAA, ctrl=3)
            / SNAP(code=0x888E)
            / EAPOL(version=2, type=0)
            / eap
        )
        if swapped:
            air = air[1::-1] + air[2:]
        # RFC 5415 section 4.3: a header of two words, 802.11, a frame of it.
        around = UDP(sport=40_000, dport=5247) / Raw(bytes.fromhex("0010430000000000") + air)
        frames.append(Ether(src=DEVICE, dst=PORT) / IP(src="192.0.2.1", dst="192.0.2.2") / around)
        frames[-1].time = 1_700_000_000 + number / 100
    wrpcap(str(tmp_path / "air.pcap"), frames)
    (flow,) = (record for record in probe.replay(tmp_path / "air.pcap") if record["type"] == "flow")
    assert (flow["src_mac"], flow["dst_mac"], flow["tunnel"]) == (DEVICE, PORT, ["capwap"])
    assert (flow["tls"]["version"], flow["tls"]["established"]) == ("TLSv1.2", True)


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
