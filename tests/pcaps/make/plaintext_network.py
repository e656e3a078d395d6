"""Network services in the clear over UDP: DNS, NTP, SNMP, syslog."""

from __future__ import annotations

from lab import CLIENTS, SERVERS, expect
from scenario import Flow, Stage, captured, flow

NAME, ADDRESS = "www.example.test", "198.51.100.80"


@captured("dns.pcap", "DNS over UDP, then over TCP: dnsmasq and dig", "dnsmasq-base", "bind9-dnsutils")
def dns(stage: Stage) -> list[Flow]:
    return [*dns_at(stage), *dns_at(stage, tcp=True)]


def dns_at(stage: Stage, where: tuple[int, int] = (0, 0), *, tcp: bool = False) -> list[Flow]:
    server, client = SERVERS[where[1]], CLIENTS[where[0]]
    alone = ["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file=", "--no-resolv", "--no-hosts"]
    zone = [f"--listen-address={server}", "--bind-interfaces", f"--address=/{NAME}/{ADDRESS}"]
    with stage.lab.server(["dnsmasq", *alone, *zone], 53, udp=True):
        how = "+tcp" if tcp else "+notcp"
        expect(stage.lab.call("client", ["dig", "-b", client, f"@{server}", NAME, how, "+short"]), ADDRESS)
    return [flow("dns", 53, "plaintext", transport="tcp" if tcp else "udp")]
