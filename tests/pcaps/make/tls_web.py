"""nginx over TLS, with curl as the client."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab import CLIENTS, SERVERS, expect
from scenario import Flow, Stage, captured
from tls_versions import facts, tls_flow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pki import Files

NGINX = ("nginx-light", "curl", "pypi:cryptography")

CONFIGURATION = """\
daemon off;
worker_processes 1;
user root;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 16; }}
http {{
  access_log off;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{
{server}
    location / {{ default_type text/plain; return 200 "hello\\n"; }}
  }}
}}
"""


@contextmanager
def nginx(stage: Stage, port: int, server: str) -> Iterator[None]:
    """nginx with one `server` block; every page says hello."""
    directory = stage.lab.scratch_directory(f"nginx-{port}")
    configuration = directory / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(directory=directory, server=server))
    command = ["nginx", "-p", str(directory), "-e", "stderr", "-c", str(configuration)]
    with stage.lab.server(command, port):
        yield


def tls_server(files: Files, address: str, port: int, *, options: str = "") -> str:
    return (
        f"    listen {address}:{port} ssl{options};\n"
        f"    ssl_certificate {files.chain};\n    ssl_certificate_key {files.key};\n"
        "    ssl_protocols TLSv1.2 TLSv1.3;\n"
    )


def curl(stage: Stage, url: str, name: str, address: str, *options: str, client: str = CLIENTS[0]) -> str:
    """curl -v, verifying against the test root; returns its transcript."""
    port = url.split("/")[2].rpartition(":")[2]
    where = ["--interface", client, "--resolve", f"{name}:{port}:{address}"]
    return stage.lab.call("client", ["curl", "-sv", *where, "--cacert", str(stage.pki.root_file), *options, url])


def fetch(
    stage: Stage,
    name: str,
    port: int,
    *options: str,
    key: str = "ec",
    http2: bool = True,
    where: tuple[int, int] = (0, 0),
) -> str:
    """One page from nginx over TLS."""
    files = stage.pki.leaf(name, key=key).write(stage.lab.directory, name)
    address = SERVERS[where[1]]
    with nginx(stage, port, tls_server(files, address, port, options=" http2" if http2 else "")):
        return curl(stage, f"https://{name}:{port}/", name, address, *options, client=CLIENTS[where[0]])


@captured("tls13_h2.pcap", "HTTP/2 over TLS 1.3: nginx and curl, ALPN h2 (encrypted in TLS 1.3)", *NGINX)
def tls13_h2(stage: Stage) -> list[Flow]:
    return tls13_h2_at(stage, "shop.example.test")


def tls13_h2_at(stage: Stage, name: str, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    output = fetch(stage, name, 443, where=where)
    expect(output, "SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384", "server accepted h2", "hello")
    tls = facts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", sni=name, alpn_offered=["h2", "http/1.1"])
    return [tls_flow(443, tls, absent=["tls.alpn", "tls.certificates"])]


@captured("tls12_h2.pcap", "HTTP/2 over TLS 1.2: nginx and curl, ALPN h2 selected in clear", *NGINX)
def tls12_h2(stage: Stage) -> list[Flow]:
    return tls12_h2_at(stage, "api.example.test")


def tls12_h2_at(stage: Stage, name: str, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    output = fetch(stage, name, 443, "--tls-max", "1.2", where=where)
    cipher = "SSL connection using TLSv1.2 / ECDHE-ECDSA-AES256-GCM-SHA384"
    expect(output, cipher, "server accepted h2", "hello", "SSL certificate verify ok")
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    more = {"alpn": "h2", "alpn_offered": ["h2", "http/1.1"], "certificates": 2}
    return [tls_flow(443, facts("TLSv1.2", suite, "x25519", sni=name, **more), clean=["certificate.chain"])]


@captured("tls12_odd_port.pcap", "HTTPS over TLS 1.2 on port 22222: nginx and curl", *NGINX)
def tls12_odd_port(stage: Stage) -> list[Flow]:
    name = "odd.example.test"
    output = fetch(stage, name, 22222, "--tls-max", "1.2", "--http1.1", key="rsa2048", http2=False)
    expect(output, "SSL connection using TLSv1.2 / ECDHE-RSA-AES256-GCM-SHA384", "hello")
    suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    more = {"alpn": "http/1.1", "alpn_offered": ["http/1.1"], "certificates": 2}
    return [tls_flow(22222, facts("TLSv1.2", suite, "x25519", sni=name, **more), clean=["certificate.chain"])]
