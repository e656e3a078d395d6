"""Programs of the field and how they are run, each set to report as much as it can from one process.

They are here to show what parsing the same packets costs elsewhere. They do not do the same work as the probe: as run
here, none of them verifies a certificate chain or judges by a policy.
"""

import shutil

_FIELDS = (
    "frame.time_epoch ip.src ip.dst ipv6.src ipv6.dst tcp.srcport tcp.dstport udp.srcport udp.dstport ip.proto "
    "frame.len tls.handshake.type tls.handshake.version tls.handshake.ciphersuite tls.handshake.extensions_server_name "
    "tls.handshake.certificate isakmp.exchangetype esp.spi dns.qry.name http.host"
)
TSHARK_FIELDS = tuple(_FIELDS.split())

COMMANDS: dict[str, tuple[str, ...]] = {
    "mercury": ("mercury", "--metadata", "--reassembly", "--dns-json", "--certs-json", "--read"),
    "ndpiReader": ("ndpiReader", "-q", "-i"),
    "suricata": ("suricata", "--runmode", "single", "-k", "none", "-l", ".", "-r"),
    "tshark": ("tshark", "-n", "-T", "fields", *(f"-e{field}" for field in TSHARK_FIELDS), "-r"),
    "zeek": ("zeek", "-C", "-r"),
}
"""The name of the capture is appended."""


def installed() -> dict[str, tuple[str, ...]]:
    """Those that are found on PATH."""
    return {name: command for name, command in COMMANDS.items() if shutil.which(command[0])}
