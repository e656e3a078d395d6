#!/usr/bin/env python3
"""Records the handshakes that the tests follow: openssl s_server and s_client on loopback, with a relay between them.

record.py        writes NAME.txt beside itself, one line a segment: `>` from the client, `<` from the server, then hex.
"""

import pathlib
import select
import socket
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
CERTIFICATE = "-cert cert.pem -key key.pem"
LEGACY = "-cipher ALL:@SECLEVEL=0"
# name: (s_server options, s_client options, connections)
HANDSHAKES = {
    "tls12_ecdhe": ("-tls1_2 -curves X25519 -alpn h2", "-tls1_2 -servername pay.example -alpn h2,http/1.1", 1),
    "tls12_resumed": ("-tls1_2", "-tls1_2 -sess_out session -sess_in session", 2),
    "tls12_mutual": ("-tls1_2 -Verify 1", f"-tls1_2 {CERTIFICATE}", 1),
    "tls12_ffdhe": (
        f"-tls1_2 -dhparam ffdhe.pem {LEGACY}",
        "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256:DHE-PSK-AES128-GCM-SHA256",
        1,
    ),
    "tls10_dhe2048": (f"-tls1 {LEGACY}", "-tls1 -cipher DHE-RSA-AES128-SHA:@SECLEVEL=0", 1),
    "tls12_refused": ("-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", 1),
    "tls13_retry": ("-tls1_3 -groups P-384", "-tls1_3 -groups X25519:P-384 -servername retry.example", 1),
    "tls13_resumed": ("-tls1_3", "-tls1_3 -sess_out session -sess_in session", 2),
    "tls13_rejected": ("-tls1_3", "-tls1_3 -verify_return_error -verify_hostname other.example -CAfile cert.pem", 1),
    "dtls12": ("-dtls1_2 -mtu 300", "-dtls1_2 -mtu 300 -servername pay.example", 1),
    "dtls12_srtp": (
        "-dtls1_2 -use_srtp SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80",
        "-dtls1_2 -use_srtp SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32",
        1,
    ),
    "dtls10_cookie": (f"-dtls1 -listen {LEGACY}", f"-dtls1 {LEGACY}", 1),
}
SETUP = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=pay.example -days 3650
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out ffdhe.pem
"""


def relay(
    front: socket.socket, server: tuple[str, int], datagram: bool, lines: list[str], client: subprocess.Popen
) -> None:
    """Passes one connection on, and notes what passes, until the client is gone."""
    kind = socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM
    back = socket.socket(type=kind)
    back.connect(server)
    if datagram:
        client_end, peer = front, None
    else:
        client_end, _ = front.accept()
    ended = None
    while ended is None or time.monotonic() < ended + 0.3:
        for end in select.select([client_end, back], [], [], 0.1)[0]:
            if end is client_end:
                data, peer = end.recvfrom(65536) if datagram else (end.recv(65536), None)
            else:
                data = end.recv(65536)
            if not data:
                continue
            lines.append(("> " if end is client_end else "< ") + data.hex())
            if end is client_end:
                back.send(data)
            elif datagram:
                front.sendto(data, peer)
            else:
                client_end.sendall(data)
        if ended is None and client.poll() is not None:
            ended = time.monotonic()
    back.close()
    if not datagram:
        client_end.close()


def record(name: str, server_options: str, client_options: str, connections: int, folder: str) -> None:
    datagram = "dtls" in name
    with socket.socket(type=socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM) as front:
        front.bind(("127.0.0.1", 0))
        if not datagram:
            front.listen()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(
            f"openssl s_server -accept 127.0.0.1:{port} -quiet {CERTIFICATE} {server_options}".split(),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.4)
        for attempt in range(connections):
            options = client_options if attempt else client_options.replace("-sess_in session", "")
            client = subprocess.Popen(
                f"openssl s_client -connect 127.0.0.1:{front.getsockname()[1]} {options}".split(),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            lines: list[str] = []

            def finish(client: subprocess.Popen = client) -> None:
                time.sleep(0.7)
                try:
                    client.stdin.write(b"Q\n")
                    client.stdin.close()
                except BrokenPipeError:
                    pass

            threading.Thread(target=finish, daemon=True).start()
            relay(front, ("127.0.0.1", port), datagram, lines, client)
        server.terminate()
        server.wait()
    (HERE / f"{name}.txt").write_text("".join(line + "\n" for line in lines))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for line in SETUP.strip().splitlines():
            subprocess.run(line.split(), cwd=folder, check=True, stderr=subprocess.DEVNULL)
        for name, (server, client, connections) in HANDSHAKES.items():
            record(name, server, client, connections, folder)
        certificate = subprocess.run(
            ["openssl", "x509", "-in", "cert.pem", "-outform", "DER"], cwd=folder, capture_output=True, check=True
        )
        (HERE / "certificate.txt").write_text(certificate.stdout.hex() + "\n")


if __name__ == "__main__":
    main()
