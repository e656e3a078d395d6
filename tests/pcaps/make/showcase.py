"""The capture of `make demo`: one flow of every class, good ones and bad ones, as an operator might meet them.

Each part is the act of another scenario, played between addresses of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from encrypted import ssh_at
from ipsec import STRONGSWAN, ike2_gcm_at
from lab import CLIENTS, SERVERS, run
from plaintext_apps import http_basic_at, unknown_at
from plaintext_network import dns_at
from scenario import Flow, Stage, written
from tls_certificates import expired_at, self_signed_at
from tls_versions import tls10_at
from tls_web import NGINX, tls12_h2_at, tls13_h2_at

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NEEDS = (
    "tcpdump",
    *NGINX,
    "openssl",
    *STRONGSWAN,
    "openssh-server",
    "openssh-client",
    "dnsmasq-base",
    "bind9-dnsutils",
)


def between(flows: Sequence[Flow], client: int, server: int) -> list[Flow]:
    """The flows with the addresses between which they were played."""
    return [{"src_ip": CLIENTS[client], "dst_ip": SERVERS[server], **one} for one in flows]


@written(
    "showcase.pcapng", "One flow of every class: TLS good and bad, IPsec, SSH, HTTP Basic, DNS, unknown bytes", *NEEDS
)
def showcase(stage: Stage, out: Path) -> list[Flow]:
    recorded = stage.lab.scratch("showcase.pcap")
    with stage.lab.capture(recorded):
        flows = [
            *between(dns_at(stage, where=(0, 9)), 0, 9),
            *between(tls13_h2_at(stage, "shop.example.test", where=(0, 0)), 0, 0),
            *between(tls12_h2_at(stage, "api.example.test", where=(1, 1)), 1, 1),
            *between(expired_at(stage, "portal.example.test", where=(1, 2)), 1, 2),
            *between(http_basic_at(stage, "intranet.example.test", where=(2, 3)), 2, 3),
            *between(self_signed_at(stage, "printer.example.test", where=(2, 4)), 2, 4),
            *between(
                tls10_at(stage, "legacy.example.test", client_address=CLIENTS[3], server_address=SERVERS[5]), 3, 5
            ),
            *between(ike2_gcm_at(stage, where=6), 6, 6),
            *between(ssh_at(stage, where=(4, 7)), 4, 7),
            *between(unknown_at(stage, where=(5, 8)), 5, 8),
        ]
    run(["editcap", "-F", "pcapng", str(recorded), str(out)])
    return flows
