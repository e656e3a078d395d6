"""IKEv2 and ESP with their keys beside them, as tables of Wireshark's: strongSwan at both ends, its log says the keys.

Debian's strongSwan comes without the save-keys plug-in, which would write these lines; its log of the highest level
holds the same keys. They are those of these tunnels alone, made for these captures.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ipsec import STRONGSWAN, Negotiation, chosen, pair, peers, ping
from ipsec_cases import BY_CERTIFICATE, EAP, GCM, GCM_CHOICE, PYTHON, certified, papers
from lab import LabError, expect
from scenario import Flow, Stage, captured, finding

if TYPE_CHECKING:
    from pathlib import Path

LOG = "filelog {{ log {{ path = {path}\n default = 1\n ike = 4\n chd = 4\n flush_line = yes }} }}"
DUMP = re.compile(r"^\S+\[(?:IKE|CHD)\] +\d+: ((?:[0-9A-F]{2} )+)", re.MULTILINE)
NONE = ("NONE [RFC4306]", "ANY 128 bit authentication [no checking]")


@dataclass(frozen=True)
class Names:
    """What the tables call the algorithms: cipher and integrity of IKE, cipher and integrity of ESP."""

    ike: str
    ike_integrity: str
    esp: str
    esp_integrity: str


def secrets(log: str, title: str) -> list[str]:
    """In hex, every one that the log names so."""
    found = []
    for part in re.split(rf"\] {re.escape(title)} => \d+ bytes @ [^\n]*\n", log)[1:]:
        lines = []
        for line in part.splitlines():
            match = DUMP.match(line)
            if match is None:
                break
            lines.append(match[1].replace(" ", ""))
        found.append("".join(lines))
    return found


def tables(log: str, spis: tuple[str, str], names: Names) -> str:
    """The lines for one IKE SA, and for all its child SAs."""
    [ei], [er] = (secrets(log, f"Sk_e{side} secret") for side in "ir")
    ai, ar = ((secrets(log, f"Sk_a{side} secret") or [""])[0] for side in "ir")
    lines = [f'{spis[0]},{spis[1]},{ei},{er},"{names.ike}",{ai},{ar},"{names.ike_integrity}"']
    addresses = re.findall(r"SPI 0x([0-9a-f]{8}), src (\S+) dst (\S+)", log)
    sides = ("initiator", "responder")
    keys = list(zip(*(secrets(log, f"encryption {side} key") for side in sides), strict=True))
    found = zip(*(secrets(log, f"integrity {side} key") for side in sides), strict=True)
    checks = list(found) or [("", "")] * len(keys)
    for number, (key, check) in enumerate(zip(keys, checks, strict=True)):
        lines += _child(addresses[2 * number : 2 * number + 2], key, check, names)
    return "\n".join(lines) + "\n"


def _child(
    addresses: list[tuple[str, str, str]], keys: tuple[str, str], checks: tuple[str, str], names: Names
) -> list[str]:
    """The log is the initiator's: what goes out is under its keys, what comes in under the responder's."""
    lines = []
    for (spi, source, destination), key, check in zip(addresses, keys[::-1], checks[::-1], strict=True):
        ends = f'"IPv4","{source}","{destination}"'
        lines.append(f'{ends},"0x{spi}","{names.esp}","0x{key}","{names.esp_integrity}","0x{check}"')
    return lines


def keyed(
    name: str, holds: str, negotiation: Negotiation, names: Names, flows: list[Flow], *needs: str, rekeys: int = 1
) -> None:
    """A tunnel that carries echoes, replaces its child SA, carries more, and is taken down; its keys go beside it."""

    @captured(f"ipsec/{name}.pcap", holds, *(needs or STRONGSWAN), trust="pki/root.pem")
    def act(stage: Stage) -> list[Flow]:
        log = stage.lab.scratch("charon.log", "", everyone=True)
        with peers(stage, _logged(negotiation, log)) as initiator:
            expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
            match = re.search(r"([0-9a-f]{16})_i\*? ([0-9a-f]{16})_r", initiator.swanctl("--list-sas"))
            if match is None:
                raise LabError("no SPIs of the IKE SA")
            ping(stage)
            for _ in range(rekeys):
                expect(initiator.swanctl("--rekey", "--child", "net"), "rekey completed successfully")
                time.sleep(0.3)
                ping(stage)
            initiator.swanctl("--terminate", "--ike", "lab")
            time.sleep(0.2)
        lines = tables(log.read_text(), (match[1], match[2]), names)
        (stage.captures / "ipsec" / f"{name}.keys").write_text(lines)
        return flows


def _logged(negotiation: Negotiation, log: Path) -> Negotiation:
    """The initiator's log knows all keys."""
    return replace(negotiation, initiator_daemon_more=LOG.format(path=log))


def replaced(flows: list[Flow]) -> list[Flow]:
    """The child SA is replaced once."""
    start, carried = flows
    return [start, {**carried, "esp": {"spis": 4, "rekeys": 2}}]


GCM_NAMES = Names("AES-GCM-256 with 16 octet ICV [RFC5282]", NONE[0], "AES-GCM [RFC4106]", NONE[1])
CBC = chosen("ENCR_AES_CBC", "PRF_HMAC_SHA2_256", "modp2048", "AUTH_HMAC_SHA2_256_128", 256)

keyed(
    "keys_cbc",
    "IKEv2 and ESP with AES-CBC and PFS, and their keys",
    Negotiation("aes256-sha256-modp2048", "aes256-sha256-modp2048"),
    Names(
        "AES-CBC-256 [RFC3602]",
        "HMAC_SHA2_256_128 [RFC4868]",
        "AES-CBC [RFC3602]",
        "HMAC-SHA-256-128 [RFC4868]",
    ),
    replaced(pair(2, CBC, [])),
)
keyed(
    "keys_gcm",
    "IKEv2 in fragments with ECDSA certificates, ESP with AES-GCM and no PFS, and their keys",
    certified("ec", GCM, "aes256gcm16", connection_more="fragmentation = force"),
    GCM_NAMES,
    replaced(pair(2, GCM_CHOICE, [])),
    *STRONGSWAN,
    PYTHON,
)
keyed(
    "keys_chacha",
    "IKEv2 and ESP with ChaCha20-Poly1305, and their keys",
    Negotiation("chacha20poly1305-prfsha256-x25519", "chacha20poly1305"),
    Names("ChaCha20-Poly1305 [RFC7634]", NONE[0], "ChaCha20 with Poly1305 [RFC7634]", NONE[1]),
    pair(2, chosen("ENCR_CHACHA20_POLY1305", "PRF_HMAC_SHA2_256", "curve25519"), []),
    rekeys=0,
)
keyed(
    "keys_3des",
    "IKEv2 and ESP with 3DES and SHA-1, and their keys",
    Negotiation("3des-sha1-modp1024", "3des-sha1"),
    Names("3DES [RFC2451]", "HMAC_SHA1_96 [RFC2404]", "TripleDes-CBC [RFC2451]", "HMAC-SHA-1-96 [RFC2404]"),
    pair(
        2,
        chosen("ENCR_3DES", "PRF_HMAC_SHA1", "modp1024", "AUTH_HMAC_SHA1_96"),
        [finding(f"ike.{fact}") for fact in ("encr", "prf", "integ", "ke")],
    ),
    rekeys=0,
)
keyed(
    "keys_eap",
    "IKEv2 with EAP-MSCHAPv2 for the client and a certificate for the gateway, ESP with AES-GCM, and their keys",
    Negotiation(
        GCM,
        "aes256gcm16",
        auth=("auth = eap-mschapv2\n eap_id = alice", BY_CERTIFICATE),
        expected=("auth = pubkey", "auth = eap-mschapv2\n eap_id = %any"),
        secrets='eap-1 { id = alice\n secret = "wonderland-for-tests" }',
        papers=papers("ec"),
    ),
    GCM_NAMES,
    pair(2, GCM_CHOICE, []),
    *EAP,
    PYTHON,
    rekeys=0,
)
