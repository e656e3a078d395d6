"""Properties of captures, and the comparison of manifest.toml with tshark.

tshark is the independent witness: what the manifest expects must be what it dissects. It cannot be asked
about everything (`established`, findings): those rest on what the programs printed.
"""

from __future__ import annotations

import csv
import io
import lzma
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import LabError, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from manifest import Manifest

# The record's word -> tshark's, where they differ.
DISSECTORS = {
    "ike": "isakmp", "pop3": "pop", "wireguard": "wg", "postgresql": "pgsql", "redis": "resp", "smb": "smb2",
}  # fmt: skip
VERSIONS = {
    "0x0300": "SSLv3", "0x0301": "TLSv1.0", "0x0302": "TLSv1.1", "0x0303": "TLSv1.2", "0x0304": "TLSv1.3",
    "0xfeff": "DTLSv1.0", "0xfefd": "DTLSv1.2",
}  # fmt: skip
GROUPS = {
    "0x0017": "secp256r1", "0x0018": "secp384r1", "0x001d": "x25519", "0x11ec": "X25519MLKEM768",
}  # fmt: skip
SUITES = {
    "0x0005": "TLS_RSA_WITH_RC4_128_SHA",
    "0x1301": "TLS_AES_128_GCM_SHA256",
    "0x1302": "TLS_AES_256_GCM_SHA384",
    "0x1303": "TLS_CHACHA20_POLY1305_SHA256",
    "0x003c": "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "0x009f": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    "0xc014": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "0xc02b": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "0xc02c": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "0xc02f": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "0xc030": "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
}
FIELDS = (
    "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.stream", "udp.stream", "tcp.srcport", "tcp.dstport",
    "udp.srcport", "udp.dstport", "frame.protocols", "{t}.handshake.type", "{t}.handshake.version",
    "{t}.handshake.extensions.supported_version", "{t}.handshake.ciphersuite",
    "{t}.handshake.extensions_key_share_group", "{t}.handshake.server_named_curve",
    "{t}.handshake.extensions_server_name", "{t}.handshake.extensions_alpn_str", "{t}.handshake.certificate",
    "isakmp.version", "isakmp.exchangetype",
)  # fmt: skip
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = "1", "2", "11"
# SHA-256("HelloRetryRequest") stands for the random of a retry (RFC 8446 section 4.1.3).
RETRY_RANDOM = "cf21ad74"


def properties(path: Path) -> tuple[str, int]:
    """The link type in capinfos' word and the number of packets; a cut file counts what can be read."""
    with _readable(path) as plain:
        output = run(["capinfos", "-T", "-r", "-E", "-c", "-M", str(plain)], check=False)
    rows = [line.split("\t") for line in output.splitlines() if line.startswith(str(plain)) and "\t" in line]
    if not rows:
        raise LabError(f"capinfos cannot read {path}: {output}")
    return rows[0][1], int(rows[0][2])


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """The path itself, or that of an unpacked copy: Wireshark reads gzip and zstd, not xz."""
    if path.suffix != ".xz":
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".pcap") as copy:
        copy.write(lzma.decompress(path.read_bytes()))
        copy.flush()
        yield Path(copy.name)


@dataclass
class Seen:
    """What tshark saw of one flow: its ends, its protocols, and its TLS handshake."""

    src_ip: str
    dst_ip: str
    src_port: str
    dst_port: str
    transport: str
    protocols: set[str] = field(default_factory=set)
    tls: dict[str, Any] = field(default_factory=dict)
    ike: dict[str, Any] = field(default_factory=dict)


def dissect(path: Path) -> list[Seen]:
    """The flows of a capture in the order of their first packet."""
    fields = [name.format(t=t) for name in FIELDS for t in (("tls", "dtls") if "{t}" in name else ("",))]
    arguments = [argument for name in fields for argument in ("-e", name)]
    random = ["-e", "tls.handshake.random"]
    preferences = ("esp.enable_null_encryption_decode_heuristic:TRUE", "tcp.reassemble_out_of_order:TRUE")
    options = ["-n", "-T", "fields", "-E", "separator=|", *(part for one in preferences for part in ("-o", one))]
    with _readable(path) as plain:
        output = run(["tshark", "-r", str(plain), *options, *arguments, *random], check=False)
    flows: dict[tuple[str, ...], Seen] = {}
    rows = csv.DictReader(io.StringIO(output), [*fields, "random"], delimiter="|", quoting=csv.QUOTE_NONE)
    for row in rows:
        if row["frame.protocols"]:
            _add_frame(flows, {name: value or "" for name, value in row.items()})
    return list(flows.values())


def _add_frame(flows: dict[tuple[str, ...], Seen], row: dict[str, str]) -> None:
    protocols = set(row["frame.protocols"].split(":"))
    # Tunnels list the addresses of each layer; what is readable inside ESP or AH is a flow of its own.
    sources, targets = ((row[f"ip.{end}"] or row[f"ipv6.{end}"]).split(",") for end in ("src", "dst"))
    for word in {"esp", "ah"} & protocols:
        if "udp" not in protocols or word == "ah":
            _flow_of(flows, word, (sources[0], ""), (targets[0], "")).protocols.update(protocols)
    transport = "tcp" if row["tcp.stream"] else "udp" if row["udp.stream"] else ""
    if not transport:
        return
    ports = [row[f"{transport}.{end}port"] for end in ("src", "dst")]
    seen = _flow_of(flows, transport, (sources[-1], ports[0]), (targets[-1], ports[1]))
    seen.protocols.update(protocols)
    for kind in ("tls", "dtls"):
        if types := row[f"{kind}.handshake.type"]:
            _add_handshake(seen, types.split(","), kind, row)
    if row["isakmp.version"]:
        seen.ike["version"] = int(row["isakmp.version"].split(",")[0], 16) >> 4


def _flow_of(
    flows: dict[tuple[str, ...], Seen], transport: str, source: tuple[str, str], target: tuple[str, str]
) -> Seen:
    """The flow between two ends; whoever sends first is its source."""
    key = (transport, *(part for end in sorted((source, target)) for part in end))
    return flows.setdefault(key, Seen(source[0], target[0], source[1], target[1], transport))


def _add_handshake(seen: Seen, types: list[str], kind: str, row: dict[str, str]) -> None:
    def first(name: str) -> str:
        return row[name].split(",")[0]

    if CLIENT_HELLO in types:
        seen.tls.setdefault("sni", first(f"{kind}.handshake.extensions_server_name"))
    if SERVER_HELLO in types:
        if row["random"].startswith(RETRY_RANDOM):
            seen.tls["hello_retry_request"] = True
        version = first(f"{kind}.handshake.extensions.supported_version") or first(f"{kind}.handshake.version")
        seen.tls["version"] = VERSIONS.get(version, version)
        suite = first(f"{kind}.handshake.ciphersuite")
        seen.tls["suite"] = SUITES.get(suite, suite)
        _add_group(seen, first(f"{kind}.handshake.extensions_key_share_group"))
        if alpn := first(f"{kind}.handshake.extensions_alpn_str"):
            seen.tls["alpn"] = alpn
    _add_group(seen, first(f"{kind}.handshake.server_named_curve"))
    if CERTIFICATE in types and row[f"{kind}.handshake.certificate"]:
        count = len(row[f"{kind}.handshake.certificate"].split(","))
        from_server = row[f"{seen.transport}.srcport"] == seen.dst_port
        seen.tls.setdefault("certificates" if from_server else "client_certificates", count)


def _add_group(seen: Seen, number: str) -> None:
    if number:
        code = f"0x{int(number, 0):04x}"
        seen.tls["group"] = GROUPS.get(code, code)


def check_all(manifest: Manifest, captures: Path, names: Iterable[str]) -> int:
    """Print each difference; 1 if there is any."""
    differences = 0
    for name in names:
        if name not in manifest.files:
            print(f"{name}: not in the manifest")
            differences += 1
            continue
        for line in _differences(manifest.entry(name), captures / name):
            print(f"{name}: {line}")
            differences += 1
    print(f"{differences} differences")
    return 1 if differences else 0


def _differences(entry: dict[str, Any], path: Path) -> list[str]:
    if properties(path) != (entry["link_type"], entry["packets"]):
        return [f"link type and packets are {properties(path)}"]
    left = dissect(path)
    lines: list[str] = []
    for expected in entry["flow"]:
        matching = [seen for seen in left if _is_of(seen, expected)]
        if not matching and expected.get("unseen_by_tshark"):
            continue
        if not matching:
            lines.append(f"no flow like {expected}; left: {left}")
            continue
        left.remove(matching[0])
        lines += _compare(matching[0], expected)
    # What unencrypted ESP in UDP carries has its own addresses and the UDP's ports there.
    blurred = any(expected.get("unseen_by_tshark") for expected in entry["flow"])
    return lines + [f"not expected: {seen}" for seen in left if not (blurred and "udpencap" in seen.protocols)]


def _is_of(seen: Seen, expected: dict[str, Any]) -> bool:
    ours = {"transport": seen.transport, "src_ip": seen.src_ip, "dst_ip": seen.dst_ip, "dst_port": seen.dst_port}
    wanted = {key: str(expected[key]) for key in ours if key in expected}
    return all(ours[key] == value for key, value in wanted.items())


def _compare(seen: Seen, expected: dict[str, Any]) -> list[str]:
    lines = []
    protocol = expected.get("protocol")
    if protocol and not expected.get("unseen_by_tshark") and DISSECTORS.get(protocol, protocol) not in seen.protocols:
        lines.append(f"tshark sees {sorted(seen.protocols)}, not {protocol}")
    if (begun := expected.get("starttls")) and DISSECTORS.get(begun, begun) not in seen.protocols:
        lines.append(f"tshark sees {sorted(seen.protocols)}, not {begun}")
    if expected.get("unseen_by_tshark"):
        return lines
    for area, facts in (("tls", seen.tls), ("ike", seen.ike)):
        for key in ("version", "suite", "group", "sni", "alpn", "certificates", "client_certificates"):
            wanted = expected.get(area, {}).get(key)
            # FFDHE groups have no number on the wire before TLS 1.3.
            if wanted is not None and wanted != "ffdhe2048" and facts.get(key) != wanted:
                lines.append(f"{area}.{key} is {facts.get(key)} to tshark, not {wanted}")
        for absent in expected.get("absent", []):
            name, _, key = absent.partition(".")
            if name == area and facts.get(key):
                lines.append(f"{absent} is {facts[key]} to tshark, not absent")
    return lines
