"""Connections that begin in the clear and go over to TLS 1.2, so that the certificates are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import SERVERS, expect
from plaintext_apps import PASSWORD, USER, speaker
from plaintext_mail import dovecot, ftp_server, login, send_mail
from plaintext_stores import ldapwhoami, mariadb, mysql, postgresql, psql, slapd
from scenario import Flow, Stage, captured
from tls_versions import facts, tls_flow

if TYPE_CHECKING:
    from pki import Files

SUITE = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
CIPHER = "SSL connection using TLSv1.2 / ECDHE-ECDSA-AES256-GCM-SHA384"
CURL = ("--ssl-reqd", "--tls-max", "1.2")


def leaf(stage: Stage, name: str) -> Files:
    return stage.pki.leaf(name).write(stage.lab.directory, name)


def upgraded(protocol: str, port: int, name: str | None, group: str = "x25519") -> list[Flow]:
    """The expectation: TLS with a good chain, begun as `protocol`; a client without SNI has no name."""
    tls = facts("TLSv1.2", SUITE, group, certificates=2)
    del tls["sni"]
    if name:
        tls["sni"] = name
    return [tls_flow(port, tls, starttls=protocol, clean=["certificate.chain", "plaintext.credentials"])]


@captured("starttls_smtp.pcap", "SMTP with STARTTLS: aiosmtpd and curl", "pypi:aiosmtpd", "pypi:cryptography", "curl")
def starttls_smtp(stage: Stage) -> list[Flow]:
    name = "mail.example.test"
    files = leaf(stage, name)
    with stage.lab.server(speaker("smtp_server", SERVERS[0], "25", str(files.chain), str(files.key)), 25):
        expect(send_mail(stage, name, *CURL), "> STARTTLS", CIPHER, "250 OK")
    return upgraded("smtp", 25, name)


@captured("starttls_imap.pcap", "IMAP with STARTTLS: Dovecot and curl", "dovecot-imapd", "dovecot-pop3d", "curl")
def starttls_imap(stage: Stage) -> list[Flow]:
    name = "imap.example.test"
    with dovecot(stage, leaf(stage, name)):
        expect(login(stage, f"imap://{name}:143/", *CURL), "STARTTLS", CIPHER, "Logged in")
    return upgraded("imap", 143, name)


@captured("starttls_pop3.pcap", "POP3 with STLS: Dovecot and curl", "dovecot-imapd", "dovecot-pop3d", "curl")
def starttls_pop3(stage: Stage) -> list[Flow]:
    name = "pop.example.test"
    with dovecot(stage, leaf(stage, name)):
        expect(login(stage, f"pop3://{name}:110/", *CURL), "STLS", CIPHER, "Logged in")
    return upgraded("pop3", 110, name)


@captured("starttls_ftp.pcap", "FTP with AUTH TLS: pyftpdlib and Python", "pypi:pyftpdlib", "pypi:pyOpenSSL")
def starttls_ftp(stage: Stage) -> list[Flow]:
    name = "ftp.example.test"
    files = leaf(stage, name)
    client = speaker("ftp_login", SERVERS[0], name, USER, PASSWORD, str(stage.pki.root_file))
    with stage.lab.server(ftp_server(stage, (str(files.chain), str(files.key))), 21):
        output = stage.lab.call("client", client)
    expect(output, "TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384", "230 Login successful")
    return upgraded("ftp", 21, name)


@captured(
    "starttls_postgresql.pcap",
    "PostgreSQL with SSLRequest: sslmode=verify-full",
    "postgresql-15",
    "postgresql-client-15",
)
def starttls_postgresql(stage: Stage) -> list[Flow]:
    name = "db.example.test"
    with postgresql(stage, leaf(stage, name)):
        expect(psql(stage, name, f"sslmode=verify-full sslrootcert={stage.pki.root_file}"), "hello")
    return upgraded("postgresql", 5432, name, "secp256r1")  # the server's ssl_ecdh_curve by default


@captured("starttls_mysql.pcap", "MariaDB with TLS asked for in the login", "mariadb-server", "mariadb-client")
def starttls_mysql(stage: Stage) -> list[Flow]:
    with mariadb(stage, leaf(stage, SERVERS[0])):
        options = ("--ssl", f"--ssl-ca={stage.pki.root_file}", "--ssl-verify-server-cert")
        expect(mysql(stage, *options), "hello")
    return upgraded("mysql", 3306, None)


@captured("starttls_ldap.pcap", "LDAP with StartTLS: slapd and ldapwhoami", "slapd", "ldap-utils")
def starttls_ldap(stage: Stage) -> list[Flow]:
    with slapd(stage, leaf(stage, SERVERS[0])):
        trust = {"LDAPTLS_CACERT": str(stage.pki.root_file)}
        expect(ldapwhoami(stage, SERVERS[0], "-ZZ", env=trust), "dn:cn=alice")
    return upgraded("ldap", 389, None)
