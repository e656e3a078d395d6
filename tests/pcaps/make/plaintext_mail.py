"""Mail and file transfer in the clear, each with a login: SMTP, IMAP, POP3, FTP."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab import SERVERS, expect
from plaintext_apps import PASSWORD, USER, plain, speaker
from scenario import Flow, Stage, captured
from tls_web import curl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pki import Files

MAIL = "From: alice@example.test\r\nTo: bob@example.test\r\nSubject: test\r\n\r\nhello\r\n"
DOVECOT_CONFIGURATION = """\
base_dir = {directory}/run
state_dir = {directory}/run
log_path = /dev/stderr
protocols = imap pop3
listen = {address}
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
mail_location = maildir:{directory}/mail
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={directory}/mail
}}
"""


@contextmanager
def dovecot(stage: Stage, files: Files | None = None, mechanisms: str = "plain login") -> Iterator[None]:
    """IMAP on 143 and POP3 on 110, with STARTTLS if there is a certificate."""
    directory = stage.lab.scratch_directory("dovecot")
    for name, owner in (("run", "root"), ("mail", "mail")):
        (directory / name).mkdir()
        stage.lab.call("server", ["chown", owner, str(directory / name)])
    text = DOVECOT_CONFIGURATION.format(
        directory=directory, address=SERVERS[0], password=PASSWORD, mechanisms=mechanisms
    )
    text += f"ssl = yes\nssl_cert = <{files.chain}\nssl_key = <{files.key}\n" if files else "ssl = no\n"
    configuration = directory / "dovecot.conf"
    configuration.write_text(text)
    with stage.lab.server(["dovecot", "-F", "-c", str(configuration)], 143, 110):
        yield


def login(stage: Stage, url: str, *options: str) -> str:
    """curl's transcript of a session with the login of the tests; the name in the URL leads to the server."""
    name = url.split("/")[2].rpartition(":")[0]
    return curl(stage, url, name, SERVERS[0], "-u", f"{USER}:{PASSWORD}", *options)


def send_mail(stage: Stage, name: str, *options: str) -> str:
    mail = stage.lab.scratch("mail.txt", MAIL)
    envelope = ("--mail-from", "alice@example.test", "--mail-rcpt", "bob@example.test", "-T", str(mail))
    return login(stage, f"smtp://{name}:25/client.example.test", *envelope, *options)


def ftp_server(stage: Stage, files: Sequence[str] = ()) -> list[str]:
    directory = stage.lab.scratch_directory("ftp")
    (directory / "hello.txt").write_text("hello\n")
    return speaker("ftp_server", SERVERS[0], "21", str(directory), USER, PASSWORD, *files)


@captured("smtp.pcap", "SMTP with AUTH PLAIN in the clear: aiosmtpd and curl", "pypi:aiosmtpd", "curl")
def smtp(stage: Stage) -> list[Flow]:
    with stage.lab.server(speaker("smtp_server", SERVERS[0], "25"), 25):
        output = send_mail(stage, "mail.example.test", "--login-options", "AUTH=PLAIN")
        expect(output, "AUTH PLAIN", "235 2.7.0", "250 OK")
    return [plain("smtp", 25, credentials=True)]


@captured("imap.pcap", "IMAP with LOGIN in the clear: Dovecot and Python", "dovecot-imapd", "dovecot-pop3d")
def imap(stage: Stage) -> list[Flow]:
    with dovecot(stage):
        client = speaker("mail_login", "imap", SERVERS[0], USER, PASSWORD)
        expect(stage.lab.call("client", client), "Logged in")
    return [plain("imap", 143, credentials=True)]


@captured("pop3.pcap", "POP3 with USER and PASS in the clear: Dovecot and Python", "dovecot-imapd", "dovecot-pop3d")
def pop3(stage: Stage) -> list[Flow]:
    with dovecot(stage):
        client = speaker("mail_login", "pop3", SERVERS[0], USER, PASSWORD)
        expect(stage.lab.call("client", client), "Logged in")
    return [plain("pop3", 110, credentials=True)]


@captured("ftp.pcap", "An FTP login in the clear, no data connection: pyftpdlib and curl", "pypi:pyftpdlib", "curl")
def ftp(stage: Stage) -> list[Flow]:
    with stage.lab.server(ftp_server(stage), 21):
        expect(login(stage, "ftp://ftp.example.test:21/hello.txt", "--head"), f"USER {USER}", "230 Login successful")
    return [plain("ftp", 21, credentials=True)]
