"""Web, telephony and terminal protocols in the clear."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lab import CLIENTS, SERVERS, expect
from scenario import Flow, Stage, captured, finding, flow
from tls_web import curl, nginx

USER, PASSWORD = "alice", "example-password"
SPEAKERS = Path(__file__).resolve().parent / "speakers"


def plain(protocol: str, port: int, *, credentials: bool = False, **more: Any) -> Flow:
    """A plaintext flow, with or without a login that an observer can read."""
    checks = ["plaintext.protocol", "plaintext.credentials"] if credentials else ["plaintext.protocol"]
    return flow(protocol, port, "plaintext", findings=[finding(check) for check in checks], **more)


def speaker(name: str, *arguments: str) -> list[str]:
    """The command line of one of the small servers and clients in speakers/."""
    return [sys.executable, str(SPEAKERS / f"{name}.py"), *arguments]


@captured("http.pcap", "HTTP without a login: nginx and curl", "nginx-light", "curl")
def http(stage: Stage) -> list[Flow]:
    with nginx(stage, 80, f"    listen {SERVERS[0]}:80;\n"):
        expect(curl(stage, "http://plain.example.test:80/", "plain.example.test", SERVERS[0]), "200 OK", "hello")
    return [plain("http", 80)]


@captured("http_basic.pcap", "HTTP with Basic authentication on port 8080: nginx and curl", "nginx-light", "curl")
def http_basic(stage: Stage) -> list[Flow]:
    return http_basic_at(stage, "intranet.example.test")


def http_basic_at(stage: Stage, name: str, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    users = stage.lab.scratch("htpasswd", f"{USER}:{{PLAIN}}{PASSWORD}\n")
    address = SERVERS[where[1]]
    # `return` answers before the login is looked at, therefore a file is served.
    pages = stage.lab.scratch_directory("pages")
    (pages / "page").write_text("hello\n")
    server = (
        f"    listen {address}:8080;\n    root {pages};\n    default_type text/plain;\n"
        f"    auth_basic intranet;\n    auth_basic_user_file {users};\n    location = /page {{ }}\n"
    )
    with nginx(stage, 8080, server):
        login = ("-u", f"{USER}:{PASSWORD}")
        output = curl(stage, f"http://{name}:8080/page", name, address, *login, client=CLIENTS[where[0]])
    expect(output, "Authorization: Basic", "200 OK")
    return [plain("http", 8080, credentials=True)]


@captured("telnet.pcap", "A Telnet login: inetutils-telnet against a small telnetd", "inetutils-telnet")
def telnet(stage: Stage) -> list[Flow]:
    server, client_command = speaker("telnet_server", SERVERS[0], "23"), ["telnet", SERVERS[0]]
    with stage.lab.server(server, 23), stage.lab.program("client", client_command) as client:
        for prompt, answer in (("login: ", USER), ("Password: ", PASSWORD), ("Welcome", "exit")):
            client.wait_for(prompt)
            client.send(f"{answer}\n")
        client.wait()
    return [plain("telnet", 23, credentials=True)]


@captured("sip.pcap", "A SIP call over UDP (INVITE to BYE): SIPp at both ends, no media", "sip-tester")
def sip(stage: Stage) -> list[Flow]:
    common = ["-m", "1", "-nostdin", "-p", "5060"]
    with stage.lab.server(["sipp", "-sn", "uas", "-i", SERVERS[0], *common], 5060, udp=True):
        call = ["sipp", "-sn", "uac", "-i", CLIENTS[0], "-d", "100", "-s", USER, *common, f"{SERVERS[0]}:5060"]
        stage.lab.call("client", call)
    return [plain("sip", 5060, transport="udp")]


@captured("unknown.pcap", "Bytes of no protocol, over TCP on port 9999")
def unknown(stage: Stage) -> list[Flow]:
    return unknown_at(stage)


def unknown_at(stage: Stage, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    address, port = SERVERS[where[1]], 9999
    with stage.lab.server(speaker("random_bytes", "serve", address, str(port)), port):
        stage.lab.call("client", speaker("random_bytes", "send", address, str(port), CLIENTS[where[0]]))
    return [{"transport": "tcp", "dst_port": port, "class": "unknown", "absent": ["protocol"]}]
