"""IKE and ESP opened with keys: packets that scapy sealed, tunnels that strongSwan made, and keys that are wrong."""

import ipaddress
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from captures import PCAPS
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import probe

sys.path.append(str(PCAPS / "make"))

scapy = pytest.importorskip("scapy.layers.ipsec", reason="scapy seals what is opened here")
from ipsec_raw import GATEWAYS, INNER, write  # noqa: E402
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

ANY: Final = "ANY {} bit authentication [no checking]"
HMAC: Final = {
    "HMAC-SHA1-96": ("HMAC-SHA-1-96 [RFC2404]", 20),
    "SHA2-256-128": ("HMAC-SHA-256-128 [RFC4868]", 32),
    "SHA2-384-192": ("HMAC-SHA-384-192 [RFC4868]", 48),
    "SHA2-512-256": ("HMAC-SHA-512-256 [RFC4868]", 64),
    "HMAC-MD5-96": ("HMAC-MD5-96 [RFC2403]", 16),
}
SPIS: Final = (0xC0FFEE01, 0xC0FFEE02)
CASES: Final = [
    *(("AES-CBC", length, "AES-CBC [RFC3602]", "SHA2-256-128") for length in (16, 24, 32)),
    *(("AES-CBC", 16, "AES-CBC [RFC3602]", integrity) for integrity in HMAC),
    *(("AES-CTR", length, "AES-CTR [RFC3686]", "HMAC-SHA1-96") for length in (20, 28, 36)),
    ("3DES", 24, "TripleDes-CBC [RFC2451]", "HMAC-SHA1-96"),
    ("3DES", 24, "TripleDES-CBC [RFC2451]", "HMAC-MD5-96"),
    *(("AES-GCM", length, "AES-GCM [RFC4106]", None) for length in (20, 28, 36)),
    *(("AES-CCM", length, "AES-CCM with 16 octet ICV [RFC4309]", None) for length in (19, 27, 35)),
    ("CHACHA20-POLY1305", 36, "ChaCha20 with Poly1305 [RFC7634]", None),
]


def _key(length: int, way: int) -> bytes:
    return bytes((17 * n + 5 + 101 * way) & 255 for n in range(length))


def _sealed(tmp_path: Path, case: tuple[str, int, str, str | None], **more: Any) -> tuple[Path, Path]:
    """An HTTP exchange under ESP, and the table of its keys."""
    cipher, length, name, integrity = case
    auth_name, auth_length = HMAC[integrity] if integrity else (ANY.format(128), 0)

    def make(way: int) -> Any:
        auth = {"auth_algo": integrity, "auth_key": _key(auth_length, way)} if integrity else {}
        header = IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way])
        return scapy.SecurityAssociation(
            scapy.ESP,
            spi=SPIS[way],
            crypt_algo=cipher,
            crypt_key=_key(length, way),
            tunnel_header=header,
            **auth,
            **more,
        )

    write(tmp_path / "esp.pcap", make, INNER)
    lines = [
        f'"IPv4","{GATEWAYS[way]}","{GATEWAYS[1 - way]}","0x{SPIS[way]:08x}","{name}","0x{_key(length, way).hex()}",'
        f'"{auth_name}","0x{_key(auth_length, way).hex()}"\n'
        for way in (0, 1)
    ]
    (tmp_path / "esp_sa").write_text("".join(lines))
    return tmp_path / "esp.pcap", tmp_path / "esp_sa"


def _read(capture: Path, keys: Path | None) -> list[dict[str, Any]]:
    return list(probe.replay(capture, keylog=[keys] if keys else [], passes=True))


def _inside(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == "flow" and record["evidence"] == "decrypted"]


def _summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    return next(record for record in records if record["type"] == "summary")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}-{case[3]}")
def test_what_was_sealed_is_read(tmp_path: Path, case: tuple[str, int, str, str | None]) -> None:
    records = _read(*_sealed(tmp_path, case))
    [flow] = _inside(records)
    assert (flow["protocol"], flow["src_ip"], flow["dst_port"]) == ("http", INNER[0], 80)
    assert (flow["packets"], flow["tunnel"]) == ([5, 3], [f"esp:0x{SPIS[0]:08x}"])
    assert _summary(records)["keys"] == {"secrets": 2, "malformed": 0, "decrypted": 1, "unfit": 0}


@pytest.mark.parametrize("case", [CASES[0], CASES[-4]], ids=["cbc", "gcm"])
def test_extended_sequence_numbers_are_tried(tmp_path: Path, case: tuple[str, int, str, str | None]) -> None:
    [flow] = _inside(_read(*_sealed(tmp_path, case, esn_en=True, esn=0)))
    assert flow["protocol"] == "http"


def _numbered(tmp_path: Path, case: tuple[str, int, str, str | None], numbers: list[int]) -> tuple[Path, Path]:
    """The same, each packet under its number of 64 bits; a number below 0 stands for one of 32."""
    capture, keys = _sealed(tmp_path, case)
    cipher, length, _, integrity = case
    auth = {"auth_algo": integrity, "auth_key": _key(HMAC[integrity][1], 0)} if integrity else {}
    frames = []
    for at, number in enumerate(numbers):
        header = IP(src=GATEWAYS[0], dst=GATEWAYS[1])
        association = scapy.SecurityAssociation(
            scapy.ESP, spi=SPIS[0], crypt_algo=cipher, crypt_key=_key(length, 0), tunnel_header=header, **auth
        )
        inner = IP(src=INNER[0], dst=INNER[1]) / UDP(sport=5000, dport=5001) / (b"%d" % at)
        extended = {"esn_en": True, "esn": number >> 32} if number >= 0 else {}
        association.seq_num = abs(number) & 0xFFFFFFFF
        frame = association.encrypt(inner, **extended)
        frame.time = 1_790_000_000 + at * 0.001
        frames.append(Ether(dst="02:00:00:00:00:02") / frame)
        frames[-1].time = frame.time
    wrpcap(str(capture), frames)
    return capture, keys


def _carried(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == "flow" and "tunnel" in record]


WRAP: Final = 1 << 32
EXTENDED: Final = {
    "past 32 bits": [WRAP - 2, WRAP - 1, WRAP, WRAP + 1, WRAP + 2],
    "a late one from before the wrap": [WRAP - 2, WRAP, WRAP + 1, WRAP - 1, WRAP + 2],
    "joined late": [200 * WRAP + 7, 200 * WRAP + 8, 200 * WRAP + 9],
    "joined late, before a wrap": [201 * WRAP - 1, 201 * WRAP, 201 * WRAP + 1],
    "three billion lost, then a wrap": [7, 3_000_000_000, WRAP + 5],
    "more lost than can be told": [7, 5 * WRAP + 8, 5 * WRAP + 9],
}


@pytest.mark.parametrize("numbers", EXTENDED.values(), ids=EXTENDED)
@pytest.mark.parametrize("case", [CASES[0], CASES[-4], CASES[-1]], ids=["cbc", "ccm", "chacha20"])
def test_upper_halves_of_sequence_numbers_are_found(
    tmp_path: Path, case: tuple[str, int, str, str | None], numbers: list[int]
) -> None:
    """They are authenticated and never sent: RFC 4303 section 2.2.1, appendix A."""
    records = _read(*_numbered(tmp_path, case, numbers))
    [flow] = _carried(records)
    assert flow["packets"] == [len(numbers), 0]
    [association] = next(record["esp"]["sas"] for record in records if "esp" in record)
    assert association["extended_sequence"] is True


def test_an_upper_half_out_of_reach_is_not_found(tmp_path: Path) -> None:
    """256 are tried: who would want more has missed 2^40 packets."""
    assert len(_carried(_read(*_numbered(tmp_path, CASES[8], [255 * WRAP, 255 * WRAP + 1])))) == 1
    assert not _carried(_read(*_numbered(tmp_path, CASES[8], [256 * WRAP, 256 * WRAP + 1])))


@pytest.mark.parametrize(("first", "warned"), [(0xF000_0001, False), (-0xF000_0001, True)], ids=["64 bits", "32 bits"])
def test_keys_tell_whether_sequence_numbers_are_about_to_end(tmp_path: Path, first: int, *, warned: bool) -> None:
    sign = 1 if first > 0 else -1
    capture, keys = _numbered(tmp_path, CASES[8], [first + sign * at for at in range(4)])
    assert "esp.sequence" in {record.get("check") for record in _read(capture, None)}
    assert ("esp.sequence" in {record.get("check") for record in _read(capture, keys)}) is warned


def test_sealed_by_hand(tmp_path: Path) -> None:
    """As RFC 4106 section 5 and RFC 4303 section 2.2.1 say, without scapy's layer."""
    inner = bytes(IP(src=INNER[0], dst=INNER[1]) / UDP(sport=5000, dport=5001) / b"hello")
    frames = []
    for number in range(3 * WRAP - 2, 3 * WRAP + 2):
        high, low = (number >> 32).to_bytes(4, "big"), (number & 0xFFFFFFFF).to_bytes(4, "big")
        spi, iv, key = SPIS[0].to_bytes(4, "big"), number.to_bytes(8, "big"), _key(20, 0)
        padding = bytes(range(1, 1 + -(len(inner) + 2) % 4))
        text = inner + padding + bytes([len(padding), 4])
        sealed = AESGCM(key[:16]).encrypt(key[16:] + iv, text, spi + high + low)
        packet = IP(src=GATEWAYS[0], dst=GATEWAYS[1], proto=50) / Raw(spi + low + iv + sealed)
        frames.append(Ether(dst="02:00:00:00:00:02") / packet)
        frames[-1].time = 1_790_000_000 + len(frames) * 0.001
    _, keys = _sealed(tmp_path, CASES[-7])
    wrpcap(str(tmp_path / "esp.pcap"), frames)
    [flow] = _carried(_read(tmp_path / "esp.pcap", keys))
    assert (flow["packets"], flow["dst_port"]) == ([4, 0], 5001)


def test_esp_in_udp(tmp_path: Path) -> None:
    [flow] = _inside(_read(*_sealed(tmp_path, CASES[0], nat_t_header=UDP(sport=4500, dport=4500))))
    assert flow["protocol"] == "http"


def test_what_is_inside_is_told_and_not_judged(tmp_path: Path) -> None:
    """On this link it is protected: no finding, no share of the traffic in the clear."""
    capture, keys = _sealed(tmp_path, CASES[0])
    without, with_keys = _read(capture, None), _read(capture, keys)
    checks = [
        sorted(record["check"] for record in records if record["type"] == "finding") for records in (without, with_keys)
    ]
    assert checks[1] == sorted([*checks[0], "esp.keys"])
    assert _summary(without)["by_class"] == _summary(with_keys)["by_class"]


@pytest.mark.parametrize("case", [CASES[0], CASES[8], CASES[-5], CASES[-2], CASES[-1]], ids=lambda case: case[0])
def test_keys_that_do_not_fit_open_nothing(tmp_path: Path, case: tuple[str, int, str, str | None]) -> None:
    capture, keys = _sealed(tmp_path, case)
    table = keys.read_text()
    for way in (0, 1):
        table = table.replace(_key(case[1], way).hex()[:8], "00000000")
    keys.write_text(table)
    records = _read(capture, keys)
    if case[3]:
        # The key of the cipher alone is wrong: the check value is right, and what comes out is no packet.
        assert all(flow["protocol"] != "http" for flow in _inside(records) if "protocol" in flow)
        return
    assert not _inside(records)
    [finding] = [record for record in records if record["type"] == "finding" and record["check"] == "esp.keys"]
    assert (finding["status"], finding["observed"]) == ("warn", {"esp.keys": "unfit"})


def test_one_changed_byte_is_refused(tmp_path: Path) -> None:
    capture, keys = _sealed(tmp_path, CASES[0])
    content = bytearray(capture.read_bytes())
    content[-1] ^= 1
    capture.write_bytes(content)
    [flow] = _inside(_read(capture, keys))
    assert flow["packets"] == [4, 3]


def test_lines_that_are_none(tmp_path: Path) -> None:
    capture, keys = _sealed(tmp_path, CASES[0])
    keys.write_text('a,b,c\n"IPv4","*","*","0x1","Blowfish","0x00","NULL",""\n' + keys.read_text())
    records = _read(capture, keys)
    assert len(_inside(records)) == 1
    assert _summary(records)["keys"]["malformed"] == 2


RECORDED: Final = {
    "keys_cbc": ("Shared Key Message Integrity Code", "ENCR_AES_CBC", 2, True),
    "keys_gcm": ("Digital Signature", "ENCR_AES_GCM_16", 2, False),
    "keys_chacha": ("Shared Key Message Integrity Code", "ENCR_CHACHA20_POLY1305", 1, None),
    "keys_3des": ("Shared Key Message Integrity Code", "ENCR_3DES", 1, None),
}


def _recorded(name: str) -> list[dict[str, Any]]:
    return _read(PCAPS / "ipsec" / f"{name}.pcap", PCAPS / "ipsec" / f"{name}.keys")


def _decrypted(records: list[dict[str, Any]]) -> dict[str, Any]:
    flows = [record for record in records if record["type"] == "flow" and "decrypted" in record.get("ike", {})]
    [flow] = flows
    assert (flow["ike"]["keys"], flow["esp"]["keys"]) == ("fit", "fit")
    assert {record["status"] for record in records if record.get("check") in ("ike.keys", "esp.keys")} == {"pass"}
    return dict(flow["ike"]["decrypted"])


@pytest.mark.parametrize("name", RECORDED)
def test_what_strongswan_agreed_on_is_told(name: str) -> None:
    method, cipher, children, pfs = RECORDED[name]
    records = _recorded(name)
    inside = _decrypted(records)
    for side, identity in (("initiator", "client.example.test"), ("responder", "server.example.test")):
        assert inside[side]["identity_type"] == "ID_FQDN"
        assert (inside[side]["identity"], inside[side]["authentication"]) == (identity, method)
    assert [child["encr"] for child in inside["children"]] == [cipher] * children
    first = inside["children"][0]
    assert (first["initiator_ts"], first["responder_ts"]) == (["203.0.113.0/25"], ["203.0.113.128/25"])
    assert len(first["spis"]) == 2
    assert [child.get("pfs") for child in inside["children"][1:]] == [pfs] * (children - 1)
    judged = [record for record in records if record.get("check") == "ike.pfs"]
    statuses = {record["observed"].get("ike.child_pfs") for record in judged}
    assert pfs is None or pfs in statuses


@pytest.mark.parametrize("name", RECORDED)
def test_what_strongswan_carried_is_read(name: str) -> None:
    records = _recorded(name)
    [inner] = [flow for flow in _inside(records) if flow["transport"] == "icmp"]
    echoes = 3 * RECORDED[name][2]
    assert (inner["src_ip"], inner["dst_ip"], inner["packets"]) == (*INNER, [echoes, echoes])
    assert _summary(records)["keys"]["unfit"] == 0


def test_certificates_of_peers_are_told() -> None:
    records = _recorded("keys_gcm")
    inside = _decrypted(records)
    subjects = {record["sha256"]: record["subject"] for record in records if record["type"] == "certificate"}
    for side in ("client", "server"):
        [leaf] = inside["initiator" if side == "client" else "responder"]["certificates"]
        assert f"{side}.example.test" in subjects[leaf]


def test_eap_makes_the_child_sa_many_messages_after_it_was_asked_for() -> None:
    inside = _decrypted(_recorded("keys_eap"))
    assert inside["eap"] == ["Identity", "MS-EAP-Authentication"]
    methods = [inside[side]["authentication"] for side in ("initiator", "responder")]
    assert methods == ["Shared Key Message Integrity Code", "Digital Signature"]
    [child] = inside["children"]
    assert len(child["spis"]) == 2


def test_keys_of_another_run_do_not_fit(tmp_path: Path) -> None:
    """The SPIs are right and the keys are not: a table that was edited."""
    name = "keys_gcm"
    table = (PCAPS / "ipsec" / f"{name}.keys").read_text().splitlines()
    spis = table[0].split(",")[:2]
    wrong = ",".join([*spis, "00" * 36, "00" * 36, *table[0].split(",")[4:]])
    (tmp_path / "wrong").write_text(wrong)
    records = _read(PCAPS / "ipsec" / f"{name}.pcap", tmp_path / "wrong")
    flows = [record["ike"] for record in records if record["type"] == "flow" and "keys" in record.get("ike", {})]
    assert [(flow["keys"], "decrypted" in flow) for flow in flows] == [("unfit", False)]
    assert {record["status"] for record in records if record.get("check") == "ike.keys"} == {"warn"}


def test_certificates_of_peers_are_judged_under_the_names_that_they_claim() -> None:
    recorded = PCAPS / "ipsec" / "keys_gcm.pcap"
    records = probe.replay(recorded, keylog=recorded.with_suffix(".keys"))
    found = [record for record in records if record.get("check") == "ike.certificate"]
    assert [finding["name"] for finding in found] == ["client.example.test", "server.example.test"]
    assert {finding["observed"]["reason"] for finding in found} == {"missing_intermediate"}
    assert {finding["evidence"]["class"] for finding in found} == {"decrypted"}


# As tshark 4 wants the rows of esp_sa; ChaCha20 it does not know.
_AS_TSHARK: Final = (
    ('"AES-GCM [RFC4106]"', '"AES-GCM with 16 octet ICV [RFC4106]"'),
    ('"ANY 128 bit authentication [no checking]","0x"', '"NULL",""'),
    ("TripleDes-CBC", "TripleDES-CBC"),
)
_FIELDS: Final = (
    "isakmp.exchangetype",
    "isakmp.id.data.fqdn",
    "isakmp.ts.start_ipv4",
    "isakmp.ts.end_ipv4",
    "isakmp.spi",
    "ip.src",
    "icmp.type",
)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is the judge here")
@pytest.mark.parametrize("name", ["keys_cbc", "keys_gcm", "keys_3des", "keys_eap"])
def test_tshark_opens_the_same_with_the_same_tables(tmp_path: Path, name: str) -> None:
    """Both tables of Wireshark as one file: identities, child SAs with their SPIs and selectors, packets inside."""
    table = (PCAPS / "ipsec" / f"{name}.keys").read_text()
    for ours, theirs in _AS_TSHARK:
        table = table.replace(ours, theirs)
    (tmp_path / "keys").write_text(table)
    (tmp_path / "wireshark").mkdir()
    rows = table.splitlines(keepends=True)
    for file, is_esp in (("esp_sa", True), ("ikev2_decryption_table", False)):
        (tmp_path / "wireshark" / file).write_text("".join(row for row in rows if row.startswith('"') is is_esp))
    capture = PCAPS / "ipsec" / f"{name}.pcap"
    command = ["tshark", "-r", str(capture), "-o", "esp.enable_encryption_decode:TRUE", "-T", "fields"]
    command += [part for field in _FIELDS for part in ("-e", field)]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    frames = [dict(zip(_FIELDS, line.split("\t"), strict=True)) for line in said.splitlines()]
    records = _read(capture, tmp_path / "keys")
    inside = _decrypted(records)

    names = [frame["isakmp.id.data.fqdn"] for frame in frames if frame["isakmp.id.data.fqdn"]]
    assert names[0].split(",")[0] == inside["initiator"]["identity"]
    assert names[1] == inside["responder"]["identity"]
    # Requests and answers in turn: each pair with selectors makes one child SA.
    agreed = [frame for frame in frames if frame["isakmp.ts.start_ipv4"]]
    assert len(agreed) == 2 * len(inside["children"])
    for request, answer, child in zip(agreed[::2], agreed[1::2], inside["children"], strict=True):
        spis = [frame["isakmp.spi"].split(",")[-1] for frame in (request, answer)]
        assert [f"0x{spi}" for spi in spis] == child["spis"]
        ends = zip(answer["isakmp.ts.start_ipv4"].split(","), answer["isakmp.ts.end_ipv4"].split(","), strict=True)
        told = [*child["initiator_ts"], *child["responder_ts"]]
        networks = [ipaddress.ip_network(network) for network in told]
        assert list(ends) == [(str(network[0]), str(network[-1])) for network in networks]
    # The address of the packet inside is the second in its frame.
    senders = Counter(frame["ip.src"].split(",")[1] for frame in frames if frame["icmp.type"])
    [inner] = [flow for flow in _inside(records) if flow["transport"] == "icmp"]
    assert [senders[inner["src_ip"]], senders[inner["dst_ip"]]] == inner["packets"]
