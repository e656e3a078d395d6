"""IKE and UDP-encapsulated ESP: strongSwan at both ends, ESP in user space.

charon-systemd runs without systemd if each instance gets its own configuration and vici socket. The plug-in
kernel-libipsec must be loaded before kernel-netlink; it always encapsulates ESP in UDP port 4500 and fakes a NAT
for it. It refuses traffic selectors that hold the peer itself, hence the inner addresses on `lo`.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab import CLIENTS, SERVERS, expect, wait_until
from scenario import Flow, Stage, captured, finding, flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STRONGSWAN = (
    "charon-systemd",
    "strongswan-swanctl",
    "libstrongswan-standard-plugins",
    "libstrongswan-extra-plugins",
    "libcharon-extra-plugins",
    "iputils-ping",
)
PLUGINS = (
    "random nonce openssl pem pkcs1 pkcs8 x509 revocation constraints pubkey curve25519 chapoly gcm aes des sha1 sha2 "
    "md5 md4 hmac kdf mgf1 cmac eap-identity eap-mschapv2 eap-tls xauth-generic"
)
INNER = {"client": "203.0.113.1", "server": "203.0.113.129"}
NETWORK = {"client": "203.0.113.0/25", "server": "203.0.113.128/25"}
SIDES = ("client", "server")

DAEMON = """\
charon-systemd {{
  load = {plugins} kernel-libipsec kernel-netlink socket-default vici
  {extra}
  retransmit_tries = {tries}
  retransmit_timeout = {timeout}
  plugins {{
    vici {{ socket = unix://{directory}/vici }}
    kernel-libipsec {{ allow_peer_ts = no }}
  }}
}}
"""
AGGRESSIVE_ALLOWED = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"

CONNECTION = """\
connections {{ lab {{
  version = {version}
  aggressive = {aggressive}
  local_addrs = {own}
  remote_addrs = {peer}
  proposals = {ike}
  {more}
  local {{ id = {own_id}
    {local} }}
  remote {{ id = {peer_id}
    {remote} }}
  children {{ net {{ local_ts = {own_net}
    remote_ts = {peer_net}
    {child}
    esp_proposals = {esp} }} }}
}} }}
secrets {{ ike-1 {{ secret = "{secret}" }}
{secrets} }}
"""


@dataclass(frozen=True)
class Negotiation:
    """What the two sides propose; the responder's IKE proposal is the initiator's unless it is given."""

    ike: str
    esp: str
    version: int = 2
    aggressive: bool = False
    responder_ike: str = ""
    where: int = 0
    secret: str = "correct-horse-for-tests"
    responder_secret: str = ""
    addresses: tuple[str, str] | None = None
    """Instead of those of the lab at `where`."""
    connection_more: str = ""
    child_more: str = ""
    daemon_more: str = ""
    initiator_daemon_more: str = ""
    auth: tuple[str, str] = ("auth = psk", "auth = psk")
    """How the client and the server say who they are."""
    expected: tuple[str, str] = ("auth = psk", "auth = psk")
    """What the client wants of the server, and the server of the client."""
    secrets: str = ""
    papers: Callable[[Path, str], None] | None = None
    """Puts certificates and keys into a daemon's directory."""
    retransmit: tuple[int, float] = (1, 1.0)

    def address(self, side: str) -> str:
        if self.addresses is not None:
            return self.addresses[SIDES.index(side)]
        return (CLIENTS if side == "client" else SERVERS)[self.where]

    def daemon(self, directory: Path, side: str) -> str:
        own = self.initiator_daemon_more if side == SIDES[0] else ""
        extra = f"{AGGRESSIVE_ALLOWED if self.aggressive else ''}\n{self.daemon_more}\n{own}"
        tries, timeout = self.retransmit
        return DAEMON.format(plugins=PLUGINS, extra=extra, directory=directory, tries=tries, timeout=timeout)

    def connection(self, side: str) -> str:
        peer = SIDES[1 - SIDES.index(side)]
        return CONNECTION.format(
            version=self.version,
            aggressive="yes" if self.aggressive else "no",
            own=self.address(side),
            peer=self.address(peer),
            own_id=f"{side}.example.test",
            peer_id=f"{peer}.example.test",
            own_net=NETWORK[side],
            peer_net=NETWORK[peer],
            ike=(self.responder_ike or self.ike) if side == "server" else self.ike,
            esp=self.esp,
            secret=(self.responder_secret or self.secret) if side == "server" else self.secret,
            more=self.connection_more,
            child=self.child_more,
            local=self.auth[SIDES.index(side)],
            remote=self.expected[SIDES.index(side)],
            secrets=self.secrets,
        )


class Peer:
    """One charon and the swanctl that speaks to it."""

    def __init__(self, stage: Stage, side: str) -> None:
        self._stage = stage
        self.side = side
        self.directory = stage.lab.scratch_directory(f"charon-{side}")
        self.environment = {
            "STRONGSWAN_CONF": str(self.directory / "strongswan.conf"),
            "SWANCTL_DIR": str(self.directory),
        }

    def swanctl(self, *arguments: str, check: bool = True) -> str:
        uri = ["--uri", f"unix://{self.directory}/vici"]
        return self._stage.lab.call(self.side, ["swanctl", *arguments, *uri], check=check, env=self.environment)

    @contextmanager
    def running(self, negotiation: Negotiation) -> Iterator[None]:
        (self.directory / "strongswan.conf").write_text(negotiation.daemon(self.directory, self.side))
        configuration = self.directory / "swanctl.conf"
        configuration.write_text(negotiation.connection(self.side))
        if negotiation.papers is not None:
            negotiation.papers(self.directory, self.side)
        with self._stage.lab.program(self.side, ["/usr/sbin/charon-systemd"], env=self.environment):
            wait_until((self.directory / "vici").exists, f"charon on the {self.side} side")
            expect(self.swanctl("--load-all", "--file", str(configuration)), "loaded connection 'lab'")
            yield


@contextmanager
def peers(stage: Stage, negotiation: Negotiation) -> Iterator[Peer]:
    """Both daemons; yields the initiator. The inner addresses exist for as long as they run."""
    both = [Peer(stage, side) for side in SIDES]
    for side in SIDES:
        stage.lab.call(side, ["ip", "addr", "add", f"{INNER[side]}/32", "dev", "lo"])
    try:
        with both[1].running(negotiation), both[0].running(negotiation):
            yield both[0]
    finally:
        for side in SIDES:
            stage.lab.call(side, ["ip", "addr", "del", f"{INNER[side]}/32", "dev", "lo"])


def ping(stage: Stage, count: int = 3, interval: float = 0.2) -> None:
    """Echoes through the tunnel; all must come back."""
    options = ["-q", "-c", str(count), "-i", str(interval), "-W", "1", "-I", INNER["client"]]
    expect(stage.lab.call("client", ["ping", *options, INNER["server"]]), f"{count} received")


def tunnel(stage: Stage, negotiation: Negotiation, *printed: str, count: int = 3, interval: float = 0.2) -> str:
    """Negotiate, ping through the tunnel, take it down; returns what swanctl printed about the SAs."""
    with peers(stage, negotiation) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
        ping(stage, count, interval)
        security_associations = initiator.swanctl("--list-sas")
        initiator.swanctl("--terminate", "--ike", "lab")
        time.sleep(0.2)
    return expect(security_associations, *printed)


def ike_flow(ike: dict[str, Any], **more: Any) -> Flow:
    return flow("ike", 4500, "ipsec", transport="udp", ike=ike, **more)


def chosen(encr: str, prf: str, ke: str, integ: str | None = None, key_length: int | None = None) -> dict[str, Any]:
    optional = {"integ": integ, "key_length": key_length}
    return {"encr": encr, "prf": prf, "ke": ke, **{key: value for key, value in optional.items() if value}}


def sa_init(ike: dict[str, Any], **more: Any) -> Flow:
    """The first exchange runs on port 500; IKE moves to 4500 after it (RFC 7296 section 2.23)."""
    return flow("ike", 500, "ipsec", transport="udp", ike=ike, **more)


def pair(version: int, choice: dict[str, Any], findings: list[Any], **more: Any) -> list[Flow]:
    """What a negotiation leaves: the start on port 500, the rest and the ESP on port 4500."""
    start = {"version": version, "chosen": choice, **more}
    following = ike_flow({"version": version, "nat_t": True}, esp={"spis": 2, "nat_t": True, "null_encryption": False})
    return [sa_init(start, findings=findings), following]


@captured("ike2_gcm.pcap", "IKEv2 with a pre-shared key, AES-GCM and X25519, and ESP in UDP", *STRONGSWAN)
def ike2_gcm(stage: Stage) -> list[Flow]:
    return ike2_gcm_at(stage)


def ike2_gcm_at(stage: Stage, where: int = 0) -> list[Flow]:
    proposal = Negotiation("aes256gcm16-prfsha256-x25519", "aes256gcm16", where=where)
    tunnel(stage, proposal, "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519", "ESP:AES_GCM_16-256")
    choice = chosen("ENCR_AES_GCM_16", "PRF_HMAC_SHA2_256", "curve25519", key_length=256)
    return pair(2, choice, [], exchanges=["IKE_SA_INIT"])


@captured("ike2_weak.pcap", "IKEv2 with 3DES, MD5 and MODP-1024, and ESP in UDP", *STRONGSWAN)
def ike2_weak(stage: Stage) -> list[Flow]:
    tunnel(stage, Negotiation("3des-md5-modp1024", "3des-md5"), "3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024")
    choice = chosen("ENCR_3DES", "PRF_HMAC_MD5", "modp1024", integ="AUTH_HMAC_MD5_96")
    weak = [finding(f"ike.{fact}") for fact in ("encr", "prf", "integ", "ke")]
    return pair(2, choice, weak, exchanges=["IKE_SA_INIT"])


@captured("ike1_main.pcap", "IKEv1 main mode with a pre-shared key, and ESP in UDP", *STRONGSWAN)
def ike1_main(stage: Stage) -> list[Flow]:
    negotiation = Negotiation("aes128-sha1-modp1024", "aes128-sha1", version=1)
    tunnel(stage, negotiation, "IKEv1", "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024")
    choice = {"key_length": 128, "ke": "modp1024"}
    return pair(
        1, choice, [finding(f"ike.{fact}") for fact in ("version", "ke", "integ", "prf", "psk_group")], mode="main"
    )


@captured("ike1_aggressive.pcap", "IKEv1 aggressive mode with a pre-shared key, and ESP in UDP", *STRONGSWAN)
def ike1_aggressive(stage: Stage) -> list[Flow]:
    negotiation = Negotiation("aes128-sha1-modp1024", "aes128-sha1", version=1, aggressive=True)
    tunnel(stage, negotiation, "IKEv1", "AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024")
    choice = {"key_length": 128, "ke": "modp1024"}
    return pair(
        1,
        choice,
        [finding(f"ike.{fact}") for fact in ("version", "psk_hash", "mode", "ke", "integ", "prf", "psk_group")],
        mode="aggressive",
    )


@captured("ike2_no_proposal.pcap", "IKEv2 refused with NO_PROPOSAL_CHOSEN", *STRONGSWAN)
def ike2_no_proposal(stage: Stage) -> list[Flow]:
    refused = Negotiation("aes256gcm16-prfsha384-ecp384", "aes256gcm16", responder_ike="aes128-sha256-modp2048")
    with peers(stage, refused) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net", check=False), "NO_PROPOSAL_CHOSEN")
    ike = {"version": 2, "exchanges": ["IKE_SA_INIT"], "notifies": ["NO_PROPOSAL_CHOSEN"]}
    return [sa_init(ike, absent=["ike.chosen"], findings=[finding("ike.negotiation")])]
