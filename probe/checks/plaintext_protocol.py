"""plaintext.protocol: a protocol whose content anybody on the path can read

Meaning: a flow carried its content in the clear. `fail` where the protocol by its nature carries passwords, mail,
files, directory or database content, or commands; `warn` where what it carries may be harmless; `pass` where reading
along is accepted practice or the protocol has no encrypted form in general use (address resolution, routing, time,
ICMP), and for DNS, whose own checks are dns.*. HTTP that only redirects to HTTPS is plaintext.redirect.

Evidence: `class` plaintext with `protocol`, recognised by content, never by port alone (observed).

Why it matters: plaintext can be read and changed by every device on the way: switches, mirrors, providers, an attacker
with a foothold. An application that encrypts its content by itself is not seen as such here.

How to fix: use the encrypted form of the protocol, which the finding names, or carry it inside TLS, SSH or IPsec.

Reference: RFC 7258 (pervasive monitoring is an attack), RFC 8314 (clear text considered obsolete for mail).
"""

from typing import Final

from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "plaintext.protocol"

_DATABASE: Final = "Require TLS on the server (clients then need a connection option) and refuse clear connections."
_MESSAGING: Final = "Move clients to the TLS listener of the broker and close the clear one."
_TUNNEL: Final = "Carry it inside IPsec, WireGuard or TLS."
_PLANT: Final = "Use the protocol's secured variant, or carry it inside a VPN and keep it off shared networks."
_SHELL: Final = "Replace it by SSH and close its port."

_FAIL_HIGH: Final = {
    "telnet": _SHELL,
    "rlogin": _SHELL,
    "rsh": _SHELL,
    "vnc": "Carry it over SSH or a VPN, or use a server with TLS (VeNCrypt).",
    "rdp": "Require TLS with network level authentication on the server.",
    "x11": "Forward X11 through SSH.",
    "citrix": "Require TLS between receiver and gateway.",
    "ftp": "Use SFTP, or require explicit TLS (AUTH TLS) on the server.",
    "pop3": "Require TLS: port 995, or STLS before any login (RFC 8314).",
    "imap": "Require TLS: port 993, or STARTTLS before any login (RFC 8314).",
    "sieve": "Require STARTTLS before any login (RFC 5804).",
    "ldap": "Use LDAPS or StartTLS and let the server refuse clear binds.",
    "smb": "Require SMB 3 encryption on the share or the server.",
    "nfs": "Use NFS over TLS (RFC 9289) or Kerberos with krb5p.",
    "afp": "Use SMB 3 with encryption instead.",
    "tacacs": "Use TACACS+ over TLS 1.3 (RFC 9887); its own obfuscation does not protect.",
}
_FAIL_MEDIUM: Final = {
    **dict.fromkeys(
        ("mysql", "postgresql", "tds", "oracle", "drda", "mongodb", "cassandra", "elasticsearch"), _DATABASE
    ),
    "redis": "Switch on TLS in the server (tls-port) and set port 0 for the clear one.",
    "memcached": "Start the server with TLS, or bind it to loopback.",
    "zookeeper": "Switch on secureClientPort and close the clear port.",
    **dict.fromkeys(("mqtt", "amqp", "kafka", "stomp", "openwire", "nats"), _MESSAGING),
    "xmpp": "Require STARTTLS on client and server connections (RFC 7590).",
    "irc": "Move clients to the TLS port and close the clear one.",
    "snmp": "Use SNMPv3 with authPriv; versions 1 and 2c show the community string.",
    "radius": "Use RADIUS over TLS (RFC 6614) or DTLS (RFC 7360).",
    "rmi": "Configure the registry and its objects with TLS socket factories.",
    "zabbix": "Set TLSConnect and TLSAccept to cert or psk on agents and servers.",
    **dict.fromkeys(("modbus", "dnp3", "s7", "opcua", "bacnet", "iec104"), _PLANT),
    **dict.fromkeys(("lustre", "rx"), _TUNNEL),
}
_WARN_MEDIUM: Final = {
    "http": "Serve it over HTTPS and redirect clear requests; then send Strict-Transport-Security.",
    "smtp": "Offer STARTTLS and require it where both sides can (MTA-STS, RFC 8461, or DANE, RFC 7672).",
    "sip": "Use SIP over TLS, and SRTP for the media.",
    "rtp": "Use SRTP (keys by DTLS, or from SIP over TLS).",
    "rtcp": "Use SRTP and with it SRTCP.",
    "rtsp": "Use RTSP over TLS (rtsps) with SRTP.",
    "syslog": "Send logs over TLS (RFC 5425).",
    "tftp": "Use SFTP or HTTPS instead.",
    "rsync": "Run rsync over SSH.",
    "git": "Use git over HTTPS or SSH.",
    "nntp": "Use NNTP over TLS (RFC 8143).",
    "coap": "Use CoAP over DTLS (coaps), or OSCORE (RFC 8613).",
}
_WARN_LOW: Final = {
    "kerberos": "Nothing is urgent: tickets are encrypted; names are not. Armor (FAST, RFC 6113) hides more.",
    "dcerpc": "Require packet privacy (RPC_C_AUTHN_LEVEL_PKT_PRIVACY) for the services behind it.",
    "rpc": "Use RPC with TLS (RFC 9289), or keep it on a protected network.",
    "socks": "Carry the way to the proxy over SSH or TLS; what the client encrypts itself stays encrypted.",
    "netflow": _TUNNEL,
    "sflow": _TUNNEL,
}
ACCEPTED: Final = frozenset(
    (
        "dns",
        "mdns",
        "llmnr",
        "netbios",
        "ntp",
        "dhcp",
        "dhcpv6",
        "icmp",
        "icmpv6",
        "ssdp",
        "wsd",
        "natpmp",
        "stun",
        "bgp",
        "ospf",
        "eap",
        "igmp",
        "igrp",
        "egp",
        "eigrp",
        "isis",
        "nhrp",
        "pim",
        "rsvp",
        "vrrp",
        "carp",
        "hip",
        "shim6",
    )
)
LONGEST_ABBREVIATION: Final = 5
_NAMES: Final = {
    **{name.lower(): name for name in ("PostgreSQL", "MySQL", "MongoDB", "Memcached", "Cassandra", "Elasticsearch")},
    **{name.lower(): name for name in ("Telnet", "Redis", "Kafka", "Kerberos", "Modbus", "BACnet", "Zabbix", "Sieve")},
    **{
        name.lower(): name
        for name in ("Oracle", "Lustre", "OpenWire", "ZooKeeper", "Citrix", "NetFlow", "sFlow", "rsync")
    },
    **{name.lower(): name for name in ("DHCPv6", "ICMPv6", "mDNS", "RADIUS", "rlogin", "rsh")},
    "opcua": "OPC UA",
    "tacacs": "TACACS+",
    "tds": "SQL Server (TDS)",
    "drda": "Db2 (DRDA)",
    "netbios": "NetBIOS",
    "syslog": "Syslog",
    "dcerpc": "DCE/RPC",
    "git": "git",
}
_ROWS: Final[tuple[tuple[dict[str, str], Status, Severity], ...]] = (
    (_FAIL_HIGH, "fail", "high"),
    (_FAIL_MEDIUM, "fail", "medium"),
    (_WARN_MEDIUM, "warn", "medium"),
    (_WARN_LOW, "warn", "low"),
)
_OTHER: Final = "Find out what it carries; if that is not public, carry it over TLS or inside a VPN."


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for facts of class plaintext; nothing for the other classes and for mere redirects to HTTPS."""
    if facts.get("class") != "plaintext" or facts.get("http.redirect_to_https"):
        return []  # what only redirects is plaintext.redirect
    protocol = str(facts.get("protocol", ""))
    if protocol in ACCEPTED:
        return [_verdict(protocol, "pass", "info", f"{shown(protocol)} in the clear, as is usual", None)]
    for remedies, status, severity in _ROWS:
        if protocol in remedies:
            return [_verdict(protocol, status, severity, f"{shown(protocol)} in the clear", remedies[protocol])]
    return [_verdict(protocol, "warn", "low", f"{shown(protocol)} in the clear", _OTHER)]


def shown(protocol: str) -> str:
    """`HTTP`, `PostgreSQL`; abbreviations are short, other names are left as they are unless listed."""
    if not protocol:
        return "Readable content"
    return _NAMES.get(protocol) or (protocol.upper() if len(protocol) <= LONGEST_ABBREVIATION else protocol)


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
