"""Databases, directories, brokers and file shares in the clear."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab import SERVERS, expect, run
from plaintext_apps import PASSWORD, USER, plain
from scenario import Flow, Stage, captured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pki import Files

SERVER = SERVERS[0]
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
SLAPD_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {directory}/slapd.pid
{tls}
database mdb
suffix dc=example,dc=test
rootdn cn={user},dc=example,dc=test
rootpw {password}
directory {directory}
"""
SAMBA_CONFIGURATION = """\
[global]
  server role = standalone server
  netbios name = FILES
  map to guest = Bad User
  interfaces = {address}
  bind interfaces only = yes
  smb ports = 445
  disable spoolss = yes
  load printers = no
  private dir = {directory}
  lock directory = {directory}
  state directory = {directory}
  cache directory = {directory}
  pid directory = {directory}
  ncalrpc dir = {directory}/ncalrpc
[share]
  path = {directory}/share
  guest ok = yes
"""


@contextmanager
def postgresql(stage: Stage, files: Files | None = None, method: str = "password") -> Iterator[None]:
    """PostgreSQL on 5432 that asks for the password in clear (or by `method`), with TLS 1.2 if there are files."""
    directory = stage.lab.scratch_directory("postgresql", mode=0o700)
    password = stage.lab.scratch("postgresql-password", f"{PASSWORD}\n", everyone=True)
    shutil.chown(directory, "postgres", "postgres")
    become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    init = [str(POSTGRESQL / "initdb"), "-D", str(directory), "-U", USER, f"--pwfile={password}", "-A", method]
    run([*become, *init, "--no-sync"])
    settings = {"listen_addresses": SERVER, "unix_socket_directories": str(directory), "fsync": "off"}
    if files:
        for source, name in ((files.chain, "server.crt"), (files.key, "server.key")):
            shutil.copy(source, directory / name)
            shutil.chown(directory / name, "postgres", "postgres")
            (directory / name).chmod(0o600)
        settings |= {"ssl": "on", "ssl_max_protocol_version": "TLSv1.2"}
    (directory / "pg_hba.conf").write_text(f"host all all 0.0.0.0/0 {method}\n")
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    with stage.lab.server([*become, str(POSTGRESQL / "postgres"), "-D", str(directory), *options], 5432):
        yield


def psql(stage: Stage, name: str, tls: str) -> str:
    where = f"host={name} hostaddr={SERVER} dbname=postgres user={USER} password={PASSWORD} gssencmode=disable {tls}"
    return stage.lab.call("client", ["psql", "-X", "-A", "-t", where, "-c", "select 'hello'"])


@contextmanager
def mariadb(stage: Stage, files: Files | None = None) -> Iterator[None]:
    """MariaDB on 3306, with TLS 1.2 if there is a certificate."""
    directory = stage.lab.scratch_directory("mariadb", mode=0o755)
    shutil.chown(directory, "mysql", "mysql")
    data = ["--no-defaults", f"--datadir={directory}", "--user=mysql"]
    run(["mariadb-install-db", *data, "--skip-test-db", "--auth-root-authentication-method=normal"])
    start = stage.lab.scratch("mariadb.sql", f"create user {USER} identified by '{PASSWORD}';\n", everyone=True)
    options = [f"--bind-address={SERVER}", f"--socket={directory}/socket", "--skip-log-bin", f"--init-file={start}"]
    if files:
        for source, name in ((files.chain, "server.crt"), (files.key, "server.key")):
            shutil.copy(source, directory / name)
            shutil.chown(directory / name, "mysql", "mysql")
        tls = [f"--ssl-cert={directory}/server.crt", f"--ssl-key={directory}/server.key", "--tls-version=TLSv1.2"]
        options += tls
    with stage.lab.server(["mariadbd", *data, *options, "--innodb-fast-shutdown=2"], 3306):
        yield


def mysql(stage: Stage, *tls: str) -> str:
    login = ["-h", SERVER, "-u", USER, f"-p{PASSWORD}"]
    return stage.lab.call("client", ["mariadb", "--no-defaults", *login, *tls, "-N", "-e", "select 'hello'"])


@contextmanager
def slapd(stage: Stage, files: Files | None = None) -> Iterator[None]:
    """An LDAP server on 389, with StartTLS up to TLS 1.2 if there is a certificate."""
    directory = stage.lab.scratch_directory("slapd")
    tls = ""
    if files:
        # Debian's slapd uses GnuTLS; its priority string keeps to what the scenario expects.
        priority = "NORMAL:-VERS-TLS1.3:-GROUP-ALL:+GROUP-X25519"
        tls = f"TLSCertificateFile {files.chain}\nTLSCertificateKeyFile {files.key}\nTLSCipherSuite {priority}"
    text = SLAPD_CONFIGURATION.format(directory=directory, user=USER, password=PASSWORD, tls=tls)
    configuration = directory / "slapd.conf"
    configuration.write_text(text)
    with stage.lab.server(["slapd", "-d", "0", "-h", f"ldap://{SERVER}", "-f", str(configuration)], 389):
        yield


def ldapwhoami(stage: Stage, name: str, *options: str, env: dict[str, str] | None = None) -> str:
    simple_bind = ["-x", "-D", f"cn={USER},dc=example,dc=test", "-w", PASSWORD]
    return stage.lab.call("client", ["ldapwhoami", "-H", f"ldap://{name}", *simple_bind, *options], env=env)


@captured("postgresql.pcap", "PostgreSQL with the password in the clear", "postgresql-15", "postgresql-client-15")
def postgresql_clear(stage: Stage) -> list[Flow]:
    with postgresql(stage):
        expect(psql(stage, "db.example.test", "sslmode=disable"), "hello")
    return [plain("postgresql", 5432, credentials=True)]


@captured(
    "mysql.pcap", "MariaDB with a challenge-response login and a query in the clear", "mariadb-server", "mariadb-client"
)
def mysql_clear(stage: Stage) -> list[Flow]:
    with mariadb(stage):
        expect(mysql(stage, "--skip-ssl"), "hello")
    return [plain("mysql", 3306, credentials=True)]


@captured("ldap.pcap", "LDAP with a simple bind in the clear: slapd and ldapwhoami", "slapd", "ldap-utils")
def ldap(stage: Stage) -> list[Flow]:
    with slapd(stage):
        expect(ldapwhoami(stage, SERVER), f"dn:cn={USER}")
    return [plain("ldap", 389, credentials=True)]


@captured("redis.pcap", "Redis with AUTH in the clear: redis-server and redis-cli", "redis-server", "redis-tools")
def redis(stage: Stage) -> list[Flow]:
    options = ["--bind", SERVER, "--port", "6379", "--save", "", "--requirepass", PASSWORD, "--dir"]
    with stage.lab.server(["redis-server", *options, str(stage.lab.directory)], 6379):
        command = ["redis-cli", "-h", SERVER, "-a", PASSWORD, "--no-auth-warning", "set", "greeting", "hello"]
        expect(stage.lab.call("client", command), "OK")
    return [plain("redis", 6379, credentials=True)]


@captured("mqtt.pcap", "MQTT with user name and password in the clear: Mosquitto", "mosquitto", "mosquitto-clients")
def mqtt(stage: Stage) -> list[Flow]:
    configuration = stage.lab.scratch("mosquitto.conf", f"listener 1883 {SERVER}\nallow_anonymous true\nuser root\n")
    with stage.lab.server(["mosquitto", "-c", str(configuration)], 1883):
        login = ["-h", SERVER, "-u", USER, "-P", PASSWORD, "-i", "sensor-7"]
        stage.lab.call("client", ["mosquitto_pub", *login, "-q", "1", "-t", "site/temperature", "-m", "21.5"])
    return [plain("mqtt", 1883, credentials=True)]


@captured("smb.pcap", "SMB 3 as guest, unencrypted: Samba and smbclient", "samba", "smbclient")
def smb(stage: Stage) -> list[Flow]:
    directory = stage.lab.scratch_directory("samba")
    for name in ("share", "ncalrpc"):
        (directory / name).mkdir()
    (directory / "share" / "hello.txt").write_text("hello\n")
    configuration = directory / "smb.conf"
    configuration.write_text(SAMBA_CONFIGURATION.format(address=SERVER, directory=directory))
    log = ["-d", "1", f"--log-basename={directory}", f"--configfile={configuration}"]
    with stage.lab.server(["smbd", "--foreground", "--no-process-group", *log], 445):
        client = ["smbclient", "-U", "guest%", "-s", "/dev/null", f"//{SERVER}/share", "-c", "ls"]
        expect(stage.lab.call("client", client), "hello.txt")
    return [plain("smb", 445)]
