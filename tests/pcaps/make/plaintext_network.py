"""Network services in the clear: DNS, NTP, SNMP, syslog."""

from __future__ import annotations

import time

from lab import CLIENTS, SERVERS, expect
from plaintext_apps import plain
from scenario import Flow, Stage, captured, flow

NAME, ADDRESS = "www.example.test", "198.51.100.80"
SYSLOG_CONFIGURATION = """\
module(load="imudp")
input(type="imudp" address="{address}" port="514")
action(type="omfile" file="{directory}/received")
"""


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


@captured("ntp.pcap", "NTP without authentication: chrony and ntpdig", "chrony", "ntpsec-ntpdig")
def ntp(stage: Stage) -> list[Flow]:
    # -x: the machine's clock is left alone. chronyd deletes its PID file when it ends: never name a device here.
    pid_file = stage.lab.scratch("chronyd.pid")
    options = [f"bindaddress {SERVERS[0]}", "local stratum 10", "allow", "cmdport 0", f"pidfile {pid_file}"]
    with stage.lab.server(["chronyd", "-d", "-x", "-u", "root", *options], 123, udp=True):
        expect(stage.lab.call("client", ["ntpdig", "-t", "2", SERVERS[0]]), SERVERS[0])
    return [flow("ntp", 123, "plaintext", transport="udp")]


@captured("snmp.pcap", "SNMP version 2c with its community in the clear: Net-SNMP", "snmpd", "snmp")
def snmp(stage: Stage) -> list[Flow]:
    configuration = stage.lab.scratch("snmpd.conf", "rocommunity example-community\nsysName host.example.test\n")
    persistent = {"SNMP_PERSISTENT_DIR": str(stage.lab.directory)}
    command = ["snmpd", "-f", "-Lo", "-C", "-c", str(configuration), "-p", str(stage.lab.scratch("snmpd.pid"))]
    with stage.lab.server([*command, f"udp:{SERVERS[0]}:161"], 161, udp=True, env=persistent):
        get = ["snmpget", "-v2c", "-c", "example-community", SERVERS[0], "1.3.6.1.2.1.1.5.0"]
        expect(stage.lab.call("client", get), "host.example.test")
    return [plain("snmp", 161, transport="udp", credentials=True)]


@captured("syslog.pcap", "syslog over UDP: rsyslog and logger", "rsyslog", "bsdutils")
def syslog(stage: Stage) -> list[Flow]:
    directory = stage.lab.scratch_directory("rsyslog")
    configuration = directory / "rsyslog.conf"
    configuration.write_text(SYSLOG_CONFIGURATION.format(address=SERVERS[0], directory=directory))
    command = ["rsyslogd", "-n", "-i", "NONE", "-f", str(configuration)]
    with stage.lab.server(command, 514, udp=True):
        send = ["logger", "--server", SERVERS[0], "--port", "514", "--udp", "--tag", "app"]
        stage.lab.call("client", [*send, "-p", "auth.info", "user alice signed in"])
        time.sleep(0.2)
        expect((directory / "received").read_text(), "user alice signed in")
    return [plain("syslog", 514, transport="udp")]
