"""Agreement with tshark on IKE, ESP and AH, field by field: python benchmarks/ipsec_agreement.py DIRECTORY|FILE…

For each capture that has any: versions, exchanges and SPIs of each flow, what each IKE SA chose, and of each
association of ESP and AH its packets, first and last sequence number. Prints each disagreement and the share of fields
that agree; ends with 1 below --least (percent). Those of which the packets say that tshark is wrong stand in EXPLAINED
with the reason, are printed apart and count as neither. tshark reads what comes on port 500 as IKE whatever it is, and
we ask the content: packets that it calls malformed, or whose IKE length is not the datagram's, are counted and not
compared.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import probe

FIELDS = (
    *(
        "frame.protocols",
        "_ws.malformed",
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
        "udp.srcport",
        "udp.dstport",
        "tcp.srcport",
        "tcp.dstport",
    ),
    *("udp.length", "isakmp.length"),
    *("isakmp.ispi", "isakmp.rspi", "isakmp.version", "isakmp.exchangetype", "isakmp.flag_r", "isakmp.typepayload"),
    *("isakmp.tf.id.encr", "isakmp.tf.id.prf", "isakmp.tf.id.integ", "isakmp.tf.id.dh", "isakmp.ike2.attr.key_length"),
    *("isakmp.ike.attr.encryption_algorithm", "isakmp.ike.attr.hash_algorithm", "isakmp.ike.attr.group_description"),
    *("isakmp.ike.attr.key_length", "isakmp.ike.attr.authentication_method", "isakmp.prop.protoid"),
    *("esp.spi", "esp.sequence", "ah.spi", "ah.sequence"),
)
EXPLAINED = (
    (
        "4be5470c7e138fb15112e994db821ae06c4b48f7f8f416afe65a447dda2f9e5d",
        ("version", "exchanges", "initiator_spi", "responder_spi"),
        "not IKE: version 2.12, payload 11 of IKEv1 in IKEv2, a length of 4,278,190,080 and 620,756,992 in 50 bytes",
    ),
    (
        "becf96ef34823cb7daea6ff75e8fd7a5faf1b9f2c5a626682b52cf25fdd15c74",
        ("version", "exchanges", "initiator_spi", "responder_spi"),
        "not IKE: version 1.0 with exchange 16, which is not assigned, payload 34 of IKEv2, a length of 2,130,706,432",
    ),
)
"""Capture by its SHA-256, fields, and what the packets say (RFC 2408 section 3.1, RFC 7296 section 3.1)."""
V2_EXCHANGES = {
    34: "IKE_SA_INIT",
    35: "IKE_AUTH",
    36: "CREATE_CHILD_SA",
    37: "INFORMATIONAL",
    43: "IKE_INTERMEDIATE",
} | {44: "IKE_FOLLOWUP_KE"}
V1_EXCHANGES = {1: "base", 2: "main", 4: "aggressive", 5: "informational", 6: "transaction", 32: "quick"}
Ends = tuple[str, str]
Key = tuple[Ends, Ends]


@dataclass
class Seen:
    """What one side says of a capture: a value for each field."""

    fields: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    malformed: int = 0

    def add(self, name: tuple[Any, ...], value: object) -> None:
        """One more member of a field that is a set."""
        self.fields.setdefault(name, set()).add(value)


def later(one: int, other: int) -> int:
    """The higher of two sequence numbers, past the end of 32 bits too (RFC 1982)."""
    return other if (other - one) % (1 << 32) < 1 << 31 else one


def key_of(a: Ends, b: Ends) -> Key:
    return (a, b) if a <= b else (b, a)


def packets(path: Path) -> Iterator[dict[str, list[str]]]:
    """The fields of each packet with IKE, ESP or AH; several values of one field in their order."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "isakmp or esp or ah", "-T", "fields", "-E", "separator=/t"]
    command += ["-E", "occurrence=a", "-E", "aggregator=;"]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        cells = line.split("\t")
        yield {name: cell.split(";") if cell else [] for name, cell in zip(FIELDS, cells, strict=False)}


def contradicts(packet: dict[str, list[str]]) -> bool:
    """An IKE header whose length is neither the datagram's nor that less the marker in front."""
    if not packet["isakmp.length"] or not packet["udp.length"]:
        return False
    around = int(packet["udp.length"][-1]) - 8 - int(packet["isakmp.length"][-1])
    return around not in (0, 4)


def of_tshark(path: Path) -> Seen:
    seen = Seen()
    sequences: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for packet in packets(path):
        if packet["_ws.malformed"] or contradicts(packet):
            seen.malformed += 1
            continue
        layers = packet["frame.protocols"][0].split(":")
        # What AH or unencrypted ESP carries has addresses of its own.
        outer = layers[: min((layers.index(word) for word in ("esp", "ah") if word in layers), default=len(layers))]
        network = next((layer for layer in reversed(outer) if layer in ("ip", "ipv6")), "ip")
        at = outer.count(network) - 1
        first, second = packet[f"{network}.src"][at : at + 1], packet[f"{network}.dst"][at : at + 1]
        sport = (packet["udp.srcport"][-1:] or packet["tcp.srcport"][-1:] or [""])[0]
        dport = (packet["udp.dstport"][-1:] or packet["tcp.dstport"][-1:] or [""])[0]
        inner = bool(packet["esp.spi"] or packet["ah.spi"]) and not packet["isakmp.ispi"]
        source, target = (first[0], "" if inner else sport), (second[0], "" if inner else dport)
        for kind in ("esp", "ah"):
            for spi, number in zip(packet[f"{kind}.spi"], packet[f"{kind}.sequence"], strict=False):
                sequences[kind, source[0], target[0], f"0x{int(spi, 0):08x}"].append(int(number))
        for ispi in packet["isakmp.ispi"][:1]:
            _message(seen, packet, 0, ispi, key_of(source, target))
    for name, numbers in sequences.items():
        seen.fields[(*name, "packets")] = len(numbers)
        seen.fields[(*name, "first_sequence")] = numbers[0]
        seen.fields[(*name, "highest_sequence")] = reduce(later, numbers)
    return seen


def _message(seen: Seen, packet: dict[str, list[str]], at: int, ispi: str, key: Key) -> None:
    if not packet["isakmp.exchangetype"] or not packet["isakmp.rspi"]:
        return  # cut inside the header
    version = int(packet["isakmp.version"][at], 0) >> 4
    exchange = int(packet["isakmp.exchangetype"][at], 0)
    names = V1_EXCHANGES if version == 1 else V2_EXCHANGES
    ispi, rspi = ispi.replace(":", ""), packet["isakmp.rspi"][at].replace(":", "")
    if not int(ispi, 16):
        return
    seen.add(("ike", key, "version"), version)
    seen.add(("ike", key, "exchanges"), names.get(exchange, f"0x{exchange:04x}"))
    seen.add(("ike", key, "initiator_spi"), ispi)
    is_response = packet["isakmp.flag_r"][at : at + 1] in (["1"], ["True"])
    request = version == 2 and exchange == 34 and not is_response
    if int(rspi, 16) and not request:
        seen.add(("ike", key, "responder_spi"), rspi)
    chosen = _chosen(packet, version, is_response, rspi)
    if chosen and ("chosen", ispi, "encr") not in seen.fields:
        seen.fields.update({("chosen", ispi, name): value for name, value in chosen.items()})


def _chosen(packet: dict[str, list[str]], version: int, is_response: bool, rspi: str) -> dict[str, Any]:
    """Registry numbers of the one proposal of an answer."""

    def one(name: str) -> int | None:
        return int(packet[name][0], 0) if packet[name] else None

    if version == 2 and is_response and packet["isakmp.tf.id.encr"]:
        names = {"encr": "encr", "prf": "prf", "integ": "integ", "ke": "dh"}
        values = {ours: one(f"isakmp.tf.id.{theirs}") for ours, theirs in names.items()}
        values["key_length"] = one("isakmp.ike2.attr.key_length")
    elif version == 1 and int(rspi, 16) and packet["isakmp.ike.attr.encryption_algorithm"]:
        attribute = "isakmp.ike.attr."
        values = {"encr": one(f"{attribute}encryption_algorithm"), "prf": one(f"{attribute}hash_algorithm")}
        values |= {"ke": one(f"{attribute}group_description"), "key_length": one(f"{attribute}key_length")}
        values |= {"auth_method": one(f"{attribute}authentication_method")}
    else:
        return {}
    return {name: value for name, value in values.items() if value is not None}


V2_NUMBERS = {
    "encr": {2: "ENCR_DES", 3: "ENCR_3DES", 12: "ENCR_AES_CBC", 13: "ENCR_AES_CTR", 14: "ENCR_AES_CCM_8"}
    | {15: "ENCR_AES_CCM_12", 16: "ENCR_AES_CCM_16", 18: "ENCR_AES_GCM_8", 19: "ENCR_AES_GCM_12", 20: "ENCR_AES_GCM_16"}
    | {28: "ENCR_CHACHA20_POLY1305", 11: "ENCR_NULL"},
    "prf": {1: "PRF_HMAC_MD5", 2: "PRF_HMAC_SHA1", 4: "PRF_AES128_XCBC", 5: "PRF_HMAC_SHA2_256"}
    | {6: "PRF_HMAC_SHA2_384", 7: "PRF_HMAC_SHA2_512"},
    "integ": {0: "NONE", 1: "AUTH_HMAC_MD5_96", 2: "AUTH_HMAC_SHA1_96", 5: "AUTH_AES_XCBC_96"}
    | {12: "AUTH_HMAC_SHA2_256_128", 13: "AUTH_HMAC_SHA2_384_192", 14: "AUTH_HMAC_SHA2_512_256"},
    "ke": {1: "modp768", 2: "modp1024", 5: "modp1536", 14: "modp2048", 15: "modp3072", 16: "modp4096", 17: "modp6144"}
    | {18: "modp8192", 19: "ecp256", 20: "ecp384", 21: "ecp521", 22: "modp1024s160", 23: "modp2048s224"}
    | {24: "modp2048s256", 31: "curve25519", 32: "curve448"},
}
V1_NUMBERS = {
    "encr": {1: "ENCR_DES", 3: "ENCR_BLOWFISH", 5: "ENCR_3DES", 6: "ENCR_CAST", 7: "ENCR_AES_CBC"},
    "prf": {
        1: "PRF_HMAC_MD5",
        2: "PRF_HMAC_SHA1",
        4: "PRF_HMAC_SHA2_256",
        5: "PRF_HMAC_SHA2_384",
        6: "PRF_HMAC_SHA2_512",
    },
    "ke": V2_NUMBERS["ke"],
    "auth_method": {1: "psk", 3: "rsa_sig", 65001: "xauth_init_psk", 65005: "xauth_init_rsa"},
}


def of_probe(path: Path) -> tuple[Seen, dict[tuple[Any, ...], Any]]:
    """What we say, and the choices by name, which are compared by number."""
    seen = Seen()
    chosen: dict[tuple[Any, ...], Any] = {}
    for record in probe.replay(path, policies=(), trust=()):
        if record["type"] != "flow" or record["class"] != "ipsec":
            continue
        ends = [(record[f"{side}_ip"], str(record.get(f"{side}_port", ""))) for side in ("src", "dst")]
        if ike := record.get("ike"):
            _ike(seen, chosen, ike, key_of(*ends))
        for kind in ("esp", "ah"):
            for sa in record.get(kind, {}).get("sas", []):
                source, target = ends if sa["direction"] == "forward" else ends[::-1]
                name = (kind, source[0], target[0], sa["spi"])
                earlier = seen.fields.get((*name, "packets"), 0)
                seen.fields[(*name, "packets")] = earlier + sa["packets"]
                seen.fields.setdefault((*name, "first_sequence"), sa["first_sequence"])
                highest = seen.fields.get((*name, "highest_sequence"), sa["last_sequence"])
                seen.fields[(*name, "highest_sequence")] = later(highest, sa["last_sequence"])
    return seen, chosen


def _ike(seen: Seen, chosen: dict[tuple[Any, ...], Any], ike: dict[str, Any], key: Key) -> None:
    if "version" in ike:
        seen.add(("ike", key, "version"), ike["version"])
    for name in ike.get("exchanges", []):
        seen.add(("ike", key, "exchanges"), name)
    for spis in ike.get("spis", [ike]):
        for member in ("initiator_spi", "responder_spi"):
            if member in spis:
                seen.add(("ike", key, member), spis[member])
    for sa in [ike, *ike.get("spis", [])]:
        for name, value in sa.get("chosen", {}).items():
            if name in ("encr", "prf", "integ", "ke", "key_length", "auth_method"):
                chosen.setdefault(("chosen", sa["initiator_spi"], name), (value, ike["version"]))


def named(name: str, number: int, version: int) -> str | int:
    names = (V1_NUMBERS if version == 1 else V2_NUMBERS).get(name)
    return number if names is None else names.get(number, f"0x{number:04x}")


@dataclass
class Compared:
    """Fields compared, malformed packets, and a line for each field that differs, and for each that should."""

    fields: int
    malformed: int
    differing: list[str] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)


def compare(path: Path) -> Compared:
    """One capture."""
    theirs = of_tshark(path)
    compared = Compared(len(theirs.fields), theirs.malformed)
    if not theirs.fields:
        return compared
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    reasons = {name: reason for capture, names, reason in EXPLAINED if capture == digest for name in names}
    ours, chosen = of_probe(path)
    for name, value in theirs.fields.items():
        if name[0] == "chosen":
            found, version = chosen.get(name, (None, 2))
            wanted = named(name[2], value, version)
        else:
            found, wanted = ours.fields.get(name), value
        if found != wanted:
            line = f"{path.name}: {' '.join(map(str, name))}: tshark {wanted}, probe {found}"
            reason = reasons.get(name[-1]) if found is None else None
            if reason is None:
                compared.differing.append(line)
            else:
                compared.explained.append(f"{line} ({reason})")
    return compared


def captures(given: Iterable[str]) -> Iterator[Path]:
    for name in map(Path, given):
        yield from (
            sorted(path for path in name.rglob("*") if path.suffix in (".pcap", ".pcapng", ".cap"))
            if (name.is_dir())
            else [name]
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("captures", nargs="+")
    parser.add_argument("--least", type=float, default=99.9, help="percent of fields that must agree")
    options = parser.parse_args()
    all_of_them = [compare(path) for path in captures(options.captures)]
    for line in (line for compared in all_of_them for line in compared.differing):
        print(line)
    print("explained:")
    for line in (line for compared in all_of_them for line in compared.explained):
        print(f"  {line}")
    explained = sum(len(compared.explained) for compared in all_of_them)
    fields = sum(compared.fields for compared in all_of_them)
    agree = fields - explained - sum(len(compared.differing) for compared in all_of_them)
    share = 100 * agree / max(fields - explained, 1)
    totals = {"captures": sum(compared.fields > 0 for compared in all_of_them), "fields": fields, "agree": agree}
    totals |= {"explained": explained, "percent": round(share, 3)}
    print(json.dumps(totals | {"malformed": sum(compared.malformed for compared in all_of_them)}))
    return int(share < options.least)


if __name__ == "__main__":
    sys.exit(main())
