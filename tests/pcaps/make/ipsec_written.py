"""IPsec that no program here sends: cookies, RFC 9370, IKE over TCP, WESP, odd sequence numbers. Written with scapy.

Keys and identities are made up; what is encrypted is random bytes of the right size.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import ike_bytes as ike
from ipsec import chosen
from ipsec_raw import GATEWAYS, INNER, SCAPY, exchange, tunnel
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.ipsec import AH, ESP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap
from scenario import Flow, Maker, Stage, finding, flow, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

START = 1_764_000_000.0  # seconds; these files do not depend on when they are made
CLEAR_GCM = chosen("ENCR_AES_GCM_16", "PRF_HMAC_SHA2_256", "curve25519", key_length=256)
SPIS = (0x0123456789ABCDEF, 0xFEDCBA9876543210)
MARKER = bytes(4)


def by_hand(name: str, holds: str) -> Callable[[Maker], Maker]:
    return written(f"ipsec/{name}.pcap", holds, SCAPY, trust="pki/root.pem")


def write(out: Path, packets: Iterable[tuple[int, Packet]], step: float = 0.01) -> None:
    """(Direction, IP packet), one after the other on Ethernet."""
    macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    frames = []
    for number, (way, packet) in enumerate(packets):
        frame = Ether(src=macs[way], dst=macs[1 - way]) / packet
        frame.time = START + number * step
        frames.append(frame)
    wrpcap(str(out), frames)


def datagram(way: int, content: bytes, port: int = 500) -> tuple[int, Packet]:
    ip = IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way])
    return way, ip / UDP(sport=port, dport=port) / Raw(content if port == 500 else MARKER + content)


@by_hand("v2_cookie", "IKEv2 where the responder asks for a cookie before it does any work")
def v2_cookie(_: Stage, out: Path) -> list[Flow]:
    rng = random.Random(1)
    cookie = ike.notify(16390, rng.randbytes(20))
    first = ike.init((SPIS[0], 0), ike.INITIATOR, rng)
    again = ike.message((SPIS[0], 0), ike.IKE_SA_INIT, ike.INITIATOR, 0, [cookie, ike.proposal(ike.STRONG)])
    write(
        out,
        [
            datagram(0, first),
            datagram(1, ike.message((SPIS[0], 0), ike.IKE_SA_INIT, ike.RESPONSE, 0, [cookie])),
            datagram(0, again),
            datagram(1, ike.init(SPIS, ike.RESPONSE, rng)),
        ],
    )
    said = {"version": 2, "cookie": True, "chosen": CLEAR_GCM, "notifies": ["COOKIE"]}
    return [flow("ike", 500, "ipsec", transport="udp", ike=said, findings=[])]


@by_hand("v2_mlkem", "IKEv2 with X25519 and ML-KEM-768: IKE_INTERMEDIATE, rekeyed with IKE_FOLLOWUP_KE (RFC 9370)")
def v2_mlkem(_: Stage, out: Path) -> list[Flow]:
    rng = random.Random(2)
    offer = ike.proposal([*ike.STRONG, (ike.ADDKE1, ike.ML_KEM_768, 0)])
    supported = ike.notify(16438)

    def init(spis: tuple[int, int], flags: int) -> bytes:
        parts = [offer, ike.key_exchange(ike.CURVE25519, 32, rng), (ike.NONCE, rng.randbytes(32)), supported]
        return ike.message(spis, ike.IKE_SA_INIT, flags, 0, parts)

    def both(kind: int, number: int, there: int, back: int) -> list[tuple[int, Packet]]:
        return [
            datagram(0, ike.encrypted(SPIS, kind, ike.INITIATOR, number, there, rng)),
            datagram(1, ike.encrypted(SPIS, kind, ike.RESPONSE, number, back, rng)),
        ]

    # Sizes: a KE payload around an encapsulation key of 1,184 bytes and a ciphertext of 1,088 (FIPS 203).
    steps = [
        datagram(0, init((SPIS[0], 0), ike.INITIATOR)),
        datagram(1, init(SPIS, ike.RESPONSE)),
        *both(ike.IKE_INTERMEDIATE, 1, 1192, 1096),
        *both(ike.IKE_AUTH, 2, 300, 240),
        *both(ike.CREATE_CHILD_SA, 3, 220, 200),
        *both(ike.IKE_FOLLOWUP_KE, 4, 1204, 1108),
        *both(ike.INFORMATIONAL, 5, 0, 0),
        *both(ike.INFORMATIONAL, 6, 8, 0),
    ]
    write(out, steps)
    counts = {"IKE_INTERMEDIATE": 1, "IKE_FOLLOWUP_KE": 1, "CREATE_CHILD_SA": 1, "INFORMATIONAL": 2}
    said = {"version": 2, "chosen": {**CLEAR_GCM, "additional_ke": ["mlkem768"]}, "exchange_counts": counts}
    said |= {"liveness_checks": 1, "deletes": 1, "children": 1}
    return [flow("ike", 500, "ipsec", transport="udp", ike=said, findings=[])]


def segments(parts: Iterable[tuple[int, bytes]]) -> list[tuple[int, Packet]]:
    """A connection in which each side says these things, each in a segment or two."""
    sequence = [1000, 5000]
    packets: list[tuple[int, Packet]] = []

    def segment(way: int, flags: str, data: bytes = b"") -> None:
        acknowledge = sequence[1 - way] if "A" in flags else 0
        tcp = TCP(sport=(40000, 4500)[way], dport=(4500, 40000)[way], flags=flags, seq=sequence[way], ack=acknowledge)
        ip = IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way])
        packets.append((way, ip / tcp / Raw(data) if data else ip / tcp))
        sequence[way] += len(data) + sum(flag in flags for flag in "SF")

    for way, flags in ((0, "S"), (1, "SA"), (0, "A")):
        segment(way, flags)
    for way, data in parts:
        middle = len(data) // 2 if len(data) > 200 else len(data)
        for piece in (data[:middle], data[middle:]):
            if piece:
                segment(way, "PA", piece)
    for way, flags in ((0, "FA"), (1, "FA"), (0, "A")):
        segment(way, flags)
    return packets


@by_hand("v2_tcp", "IKEv2 and ESP over TCP (RFC 9329)")
def v2_tcp(_: Stage, out: Path) -> list[Flow]:
    rng = random.Random(3)

    def framed(content: bytes) -> bytes:
        return (len(content) + 2).to_bytes(2, "big") + content

    def esp(spi: int, number: int) -> bytes:
        return framed(spi.to_bytes(4, "big") + number.to_bytes(4, "big") + rng.randbytes(108))

    there = [
        b"IKETCP" + framed(MARKER + ike.init((SPIS[0], 0), ike.INITIATOR, rng)),
        framed(MARKER + ike.encrypted(SPIS, ike.IKE_AUTH, ike.INITIATOR, 1, 300, rng)),
    ]
    back = [
        framed(MARKER + ike.init(SPIS, ike.RESPONSE, rng)),
        framed(MARKER + ike.encrypted(SPIS, ike.IKE_AUTH, ike.RESPONSE, 1, 240, rng)),
    ]
    parts = [(way, said) for pair in zip(there, back, strict=True) for way, said in enumerate(pair)]
    for number in range(1, 9):
        parts += [(0, esp(0xC0FFEE11, number)), (1, esp(0xC0FFEE12, number))]
    write(out, segments(parts))
    said = {"version": 2, "chosen": CLEAR_GCM, "exchanges": ["IKE_SA_INIT", "IKE_AUTH"]}
    carried = {"spis": ["0xc0ffee11", "0xc0ffee12"], "lost": 0}
    return [flow("ike", 4500, "ipsec", ike=said, esp=carried, findings=[], unseen_by_tshark=True)]


def wrapped(way: int, esp: Packet, *, encrypted: bool) -> tuple[int, Packet]:
    """The ESP packet in WESP: RFC 5840 section 2."""
    header = bytes([0, 0, 0, 0x20]) if encrypted else bytes([4, 12, 16, 0])
    return way, IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way], proto=141) / Raw(header + bytes(esp[ESP]))


@by_hand("wesp", "WESP around ESP that does not encrypt (RFC 5840), HTTP inside")
def wesp(_: Stage, out: Path) -> list[Flow]:
    spis = (0xC0FFEE21, 0xC0FFEE22)
    keys = {"crypt_algo": "NULL", "crypt_key": b"", "auth_algo": "SHA2-256-128", "auth_key": b"k" * 32}
    associations = [tunnel(ESP, spis, **keys)(way) for way in (0, 1)]
    write(out, [wrapped(way, associations[way].encrypt(packet), encrypted=False) for way, packet in exchange(INNER)])
    said = {"spis": ["0xc0ffee21", "0xc0ffee22"], "null_encryption": True, "wesp": "integrity_only"}
    outside = flow(
        "esp",
        None,
        "ipsec",
        transport="wesp",
        esp=said,
        findings=[finding("esp.null_encryption")],
        unseen_by_tshark=True,
    )
    ends: dict[str, Any] = {"src_ip": INNER[0], "dst_ip": INNER[1], "src_port": 40000}
    return [outside, flow("http", 80, "plaintext", **ends, tunnel=["esp:0xc0ffee21"], unseen_by_tshark=True)]


def protected(make: Any, sizes: Iterable[int], way: int = 0) -> list[tuple[int, Packet]]:
    """UDP datagrams with contents of these sizes, under one association."""
    association = make(way)
    inside = [IP(src=INNER[way], dst=INNER[1 - way]) / UDP(sport=5000, dport=5001) / Raw(bytes(size)) for size in sizes]
    return [(way, association.encrypt(IP(bytes(packet)))) for packet in inside]


@by_hand("esp_3des", "ESP with 3DES: sizes that are whole blocks of 64 bits")
def esp_3des(_: Stage, out: Path) -> list[Flow]:
    spis = (0xC0FFEE31, 0xC0FFEE32)
    make = tunnel(
        ESP,
        spis,
        crypt_algo="3DES",
        crypt_key=b"0123456789abcdefghijklmn",
        auth_algo="HMAC-SHA1-96",
        auth_key=b"k" * 20,
    )
    there, back = protected(make, range(0, 1200, 37)), protected(make, range(0, 1200, 41), 1)
    write(out, [step for pair in zip(there, back, strict=False) for step in pair])
    said = {"spis": ["0xc0ffee31", "0xc0ffee32"], "null_encryption": False, "lost": 0}
    return [flow("esp", None, "ipsec", transport="esp", esp=said, findings=[finding("esp.cipher")])]


def numbered(numbers: Iterable[int], spi: int = 0xC0FFEE41) -> list[tuple[int, Packet]]:
    """AES-GCM with these sequence numbers."""
    rng = random.Random(4)
    ip = IP(src=GATEWAYS[0], dst=GATEWAYS[1], proto=50)
    head = spi.to_bytes(4, "big")
    return [(0, ip / Raw(head + (number % 2**32).to_bytes(4, "big") + rng.randbytes(108))) for number in numbers]


@by_hand("esp_replay", "ESP in one direction with packets lost, late, and sent again")
def esp_replay(_: Stage, out: Path) -> list[Flow]:
    write(out, numbered([*range(1, 20), 22, 21, 23, 24, 5, 24]))
    said = {"lost": 1, "replayed": 2, "one_way": True}
    found = [finding("esp.replay"), finding("esp.one_way")]
    return [flow("esp", None, "ipsec", transport="esp", esp=said, findings=found)]


@by_hand("esp_extended", "ESP that runs past 32 bits: extended sequence numbers")
def esp_extended(_: Stage, out: Path) -> list[Flow]:
    write(out, numbered(range(2**32 - 8, 2**32 + 8)))
    return [
        flow("esp", None, "ipsec", transport="esp", esp={"lost": 0, "one_way": True}, findings=[finding("esp.one_way")])
    ]


@by_hand("esp_near_wrap", "ESP close to the end of its sequence numbers")
def esp_near_wrap(_: Stage, out: Path) -> list[Flow]:
    write(out, numbered(range(0xF8000000, 0xF8000008)))
    return [flow("esp", None, "ipsec", transport="esp", esp={"lost": 0}, findings=[finding("esp.sequence")])]


@by_hand("esp_days", "ESP whose association is used for more than a day")
def esp_days(_: Stage, out: Path) -> list[Flow]:
    write(out, numbered(range(1, 312)), step=295)  # below the 300 s after which it would count as ended
    said = {"lost": 0, "one_way": True}
    found = [finding("ike.lifetime"), finding("esp.one_way")]
    return [flow("esp", None, "ipsec", transport="esp", esp=said, findings=found)]


@by_hand("ah_tunnel", "AH in tunnel mode around readable HTTP")
def ah_tunnel(_: Stage, out: Path) -> list[Flow]:
    spis = (0xC0FFEE51, 0xC0FFEE52)
    associations = [tunnel(AH, spis, auth_algo="HMAC-SHA1-96", auth_key=b"k" * 20)(way) for way in (0, 1)]
    write(out, [(way, associations[way].encrypt(packet)) for way, packet in exchange(INNER)])
    ends: dict[str, Any] = {"src_ip": INNER[0], "dst_ip": INNER[1], "src_port": 40000}
    outside = flow("ah", None, "ipsec", transport="ah", ah={"spis": ["0xc0ffee51", "0xc0ffee52"], "lost": 0})
    return [outside, flow("http", 80, "plaintext", **ends, tunnel=["ah:0xc0ffee51"])]
