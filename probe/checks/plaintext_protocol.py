"""plaintext.protocol: a protocol whose content anybody on the path can read

Meaning: a flow carried its content in the clear. `fail` where the protocol by its nature carries passwords, mail, files,
directory or database content, or commands; `warn` where what it carries may be harmless; `pass` where reading along is accepted
practice or the protocol has no encrypted form in general use (address resolution, routing, time, ICMP), and for DNS, whose
own checks are dns.*.

Evidence: `class` plaintext with `protocol`, recognised by content, never by port alone (observed).

Why it matters: plaintext can be read and changed by every device on the way: switches, mirrors, providers, an attacker with a
foothold. An application that encrypts its content by itself is not seen as such here.

How to fix: use the encrypted form of the protocol, which the finding names, or carry it inside TLS, SSH or IPsec.

Reference: RFC 7258 (pervasive monitoring is an attack), RFC 8314 (clear text considered obsolete for mail).
"""

from typing import Final

from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "plaintext.protocol"

_ADMINISTRATION: Final = "Replace it by SSH and close its port."
_DATABASE: Final = (
    "Require TLS on the server (most clients then only need a connection option) and refuse clear connections."
)
_MESSAGING: Final = "Move clients to the TLS listener of the broker and close the clear one."
_TUNNEL: Final = "Use its variant over TLS or DTLS, or carry it inside IPsec or WireGuard."
_FILES: Final = "Use SFTP or HTTPS instead."

_FAIL_HIGH: Final = {
    "telnet": _ADMINISTRATION,
    "rlogin": _ADMINISTRATION,
    "rsh": _ADMINISTRATION,
    "rexec": _ADMINISTRATION,
    "vnc": "Carry it over SSH or a VPN, or use a server with TLS (VeNCrypt).",
    "ftp": "Use SFTP, or require explicit TLS (AUTH TLS) on the server.",
    "pop3": "Require TLS: port 995, or STLS before any login (RFC 8314).",
    "imap": "Require TLS: port 993, or STARTTLS before any login (RFC 8314).",
    "ldap": "Use LDAPS or StartTLS and let the server refuse clear binds.",
    "smb": "Require SMB 3 encryption on the share or the server.",
    "nfs": "Use NFS over TLS (RFC 9289) or Kerberos with krb5p.",
    "x11": "Forward X11 through SSH.",
}
_FAIL_MEDIUM: Final = {
    "mysql": _DATABASE,
    "postgresql": _DATABASE,
    "tds": _DATABASE,
    "mongodb": _DATABASE,
    "redis": "Switch on TLS in the server (tls-port) and set port 0 for the clear one.",
    "memcached": "Start the server with TLS, or bind it to loopback.",
    "cassandra": _DATABASE,
    "elasticsearch": _DATABASE,
    "mqtt": _MESSAGING,
    "amqp": _MESSAGING,
    "kafka": _MESSAGING,
    "stomp": _MESSAGING,
    "xmpp": "Require STARTTLS on client and server connections (RFC 7590).",
    "irc": "Move clients to the TLS port and close the clear one.",
    "snmp": "Use SNMPv3 with authPriv; versions 1 and 2c show the community string.",
    "radius": "Use RADIUS over TLS (RFC 6614, RFC 7360).",
    "rdp": "Require TLS with network level authentication on the server.",
    "modbus": "Use Modbus/TCP Security (TLS), or carry it inside a VPN.",
}
_WARN: Final[dict[str, tuple[Severity, str]]] = {
    "http": ("medium", "Serve it over HTTPS and redirect clear requests; then send Strict-Transport-Security."),
    "smtp": ("medium", "Offer STARTTLS and require it where both sides can (MTA-STS, RFC 8461, or DANE, RFC 7672)."),
    "sip": ("medium", "Use SIP over TLS, and SRTP for the media."),
    "rtp": ("medium", "Use SRTP (DTLS-SRTP or keys from SIP over TLS)."),
    "syslog": ("medium", "Send logs over TLS (RFC 5425)."),
    "tftp": ("medium", _FILES),
    "nntp": ("low", "Use NNTP over TLS (RFC 8143)."),
    "netflow": ("low", _TUNNEL),
    "gtp": ("medium", _TUNNEL),
}
_ACCEPTED: Final = frozenset(
    "dns mdns llmnr nbns netbios ntp ptp dhcp dhcpv6 icmp icmpv6 igmp mld arp ssdp stun turn bgp ospf eigrp rip pim vrrp hsrp bfd "
    "lldp whois traceroute ocsp".split()
)
_OTHER: Final = "Find out what it carries; if that is not public, carry it over TLS or inside a VPN."


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for facts of class plaintext; nothing for the other classes."""
    if facts.get("class") != "plaintext":
        return []
    protocol = str(facts.get("protocol", ""))
    if protocol in _ACCEPTED:
        return [_verdict(protocol, "pass", "info", f"{_shown(protocol)} in the clear, as is usual", None)]
    if protocol in _FAIL_HIGH:
        return [_verdict(protocol, "fail", "high", f"{_shown(protocol)} in the clear", _FAIL_HIGH[protocol])]
    if protocol in _FAIL_MEDIUM:
        return [_verdict(protocol, "fail", "medium", f"{_shown(protocol)} in the clear", _FAIL_MEDIUM[protocol])]
    severity, remediation = _WARN.get(protocol, ("low", _OTHER))
    return [_verdict(protocol, "warn", severity, f"{_shown(protocol)} in the clear", remediation)]


def _shown(protocol: str) -> str:
    names = {
        "postgresql": "PostgreSQL",
        "mysql": "MySQL",
        "redis": "Redis",
        "telnet": "Telnet",
        "mongodb": "MongoDB",
        "kafka": "Kafka",
    }
    if not protocol:
        return "Readable content"
    return names.get(protocol, protocol.upper() if len(protocol) <= 6 else protocol)  # noqa: PLR2004 - abbreviations are short


def _verdict(protocol: str, status: Status, severity: Severity, title: str, remediation: str | None) -> Verdict:
    observed: Facts = {"class": "plaintext", "protocol": protocol} if protocol else {"class": "plaintext"}
    return Verdict(
        check=CHECK,
        status=status,
        severity=severity,
        title=title,
        observed=observed,
        key={"protocol": protocol},
        remediation=remediation,
    )
