"""Encrypted protocols that are neither TLS nor IPsec: SSH and WireGuard."""

from __future__ import annotations

from pathlib import Path

from lab import CLIENTS, SERVERS, expect, run, wait_until
from scenario import Flow, Stage, captured, flow

SSHD_CONFIGURATION = """\
Port 22
ListenAddress {address}
HostKey {directory}/host
AuthorizedKeysFile {directory}/authorized
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
"""


@captured(
    "ssh.pcap", "An SSH login by key that runs one command: OpenSSH at both ends", "openssh-server", "openssh-client"
)
def ssh(stage: Stage) -> list[Flow]:
    return ssh_at(stage)


def ssh_at(stage: Stage, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    address = SERVERS[where[1]]
    directory = stage.lab.scratch_directory("sshd", mode=0o700)
    for key in ("host", "user"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{key}@example.test", "-f", str(directory / key)])
    (directory / "authorized").write_text((directory / "user.pub").read_text())
    configuration = directory / "sshd_config"
    configuration.write_text(SSHD_CONFIGURATION.format(address=address, directory=directory))
    # sshd wants its privilege separation directory whatever its configuration says.
    run(["mkdir", "-p", "/run/sshd"])
    login = ["ssh", "-F", "none", "-i", str(directory / "user"), "-b", CLIENTS[where[0]]]
    login += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={directory}/known", f"root@{address}"]
    with stage.lab.server(["/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)], 22):
        expect(stage.lab.call("client", [*login, "echo hello"]), "hello")
    return [flow("ssh", 22, "encrypted")]


@captured(
    "wireguard.pcap",
    "WireGuard with a ping inside: wireguard-go at both ends",
    "wireguard-go",
    "wireguard-tools",
    "iputils-ping",
)
def wireguard(stage: Stage) -> list[Flow]:
    lab = stage.lab
    directory = lab.scratch_directory("wireguard", mode=0o700)
    sides = {"client": ("wg-client", "203.0.113.1", CLIENTS[0]), "server": ("wg-server", "203.0.113.2", SERVERS[0])}
    public = {}
    for side in sides:
        private = run(["wg", "genkey"])
        (directory / side).write_text(private)
        public[side] = run(["wg", "pubkey"], stdin=private).strip()
    start = {side: ["wireguard-go", "-f", interface] for side, (interface, *_) in sides.items()}
    with lab.program("client", start["client"]), lab.program("server", start["server"]):
        for side, (interface, *_) in sides.items():
            wait_until(Path(f"/var/run/wireguard/{interface}.sock").exists, f"wireguard-go on the {side} side")
        for side, peer in (("client", "server"), ("server", "client")):
            interface, inner, _ = sides[side]
            _, peer_inner, peer_address = sides[peer]
            own = ["wg", "set", interface, "listen-port", "51820", "private-key", str(directory / side)]
            far = ["peer", public[peer], "allowed-ips", f"{peer_inner}/32", "endpoint", f"{peer_address}:51820"]
            lab.call(side, [*own, *far])
            lab.call(side, ["ip", "addr", "add", inner, "peer", peer_inner, "dev", interface])
            lab.call(side, ["ip", "link", "set", interface, "up"])
        ping = ["ping", "-q", "-c", "2", "-i", "0.2", "-W", "2", sides["server"][1]]
        expect(lab.call("client", ping), "2 received")
    return [flow("wireguard", 51820, "encrypted", transport="udp")]
