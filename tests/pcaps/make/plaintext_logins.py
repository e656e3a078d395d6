"""Logins in the clear by other means than a password as it is, and HTTP that only redirects."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from lab import CLIENTS, SERVERS, expect, run
from plaintext_apps import PASSWORD, USER, plain, speaker
from plaintext_mail import dovecot, login
from plaintext_stores import postgresql, psql
from scenario import Flow, Stage, captured, finding, flow
from tls_web import curl, nginx

if TYPE_CHECKING:
    from pathlib import Path

SERVER, CLIENT = SERVERS[0], CLIENTS[0]
REALM = "EXAMPLE.TEST"
RADIUS_SECRET = "example-radius-secret"
TOKEN = "example-token"
REDIRECT = (
    "    listen {address}:80;\n    server_name shop.example.test;\n"
    '    add_header Strict-Transport-Security "max-age=31536000" always;\n'
    '    location /serves {{ default_type text/plain; return 200 "hello\\n"; }}\n'
    "    location /moved {{ return 301 https://$host$request_uri; }}\n"
)
KRB5_CONFIGURATION = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  allow_weak_crypto = true
  allow_rc4 = true
  default_tkt_enctypes = arcfour-hmac
  default_tgs_enctypes = arcfour-hmac
  permitted_enctypes = arcfour-hmac
  udp_preference_limit = 4096
[realms]
  {realm} = {{
    kdc = {address}:88
  }}
[kdcdefaults]
  kdc_listen = {address}:88
  kdc_tcp_listen = ""
"""
KDC_CONFIGURATION = """\
[realms]
  {realm} = {{
    database_name = {directory}/principal
    key_stash_file = {directory}/stash
    kdc_listen = {address}:88
    kdc_tcp_listen = ""
    supported_enctypes = arcfour-hmac:normal
    master_key_type = arcfour-hmac
  }}
"""
RADIUS_CONFIGURATION = """\
prefix = /usr
name = radiusd
raddbdir = {directory}
logdir = {directory}
run_dir = {directory}
libdir = /usr/lib/freeradius
pidfile = {directory}/radiusd.pid
max_requests = 64
client lab {{
  ipaddr = {client}
  secret = {secret}
}}
modules {{
  pap {{
  }}
  chap {{
  }}
  files {{
    filename = {directory}/users
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = {address}
    port = 1812
  }}
  authorize {{
    files
    chap
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
    Auth-Type CHAP {{
      chap
    }}
  }}
}}
"""


def shown(protocol: str, port: int, kind: str, account: str | None = USER, **more: object) -> Flow:
    """A plaintext flow with a login of this kind."""
    who = {} if account is None else {"plaintext.account": account}
    credentials = {"kind": kind} | ({} if account is None else {"account": account})
    checks = [finding("plaintext.protocol"), finding("plaintext.credentials", **{"plaintext.credentials": kind}, **who)]
    return flow(protocol, port, "plaintext", credentials=[credentials], findings=checks, **more)


@captured("http_logins.pcap", "HTTP logins by Digest, Bearer and form: curl against a small server", "curl")
def http_logins(stage: Stage) -> list[Flow]:
    name, flows = "intranet.example.test", []
    ways = {
        "http_digest": ("digest", "--digest", "-u", f"{USER}:{PASSWORD}"),
        "http_bearer": ("bearer", "--oauth2-bearer", TOKEN),
        "http_form": (
            "form",
            "--data-urlencode",
            f"username={USER}",
            "--data-urlencode",
            "password=example password & more",
        ),
    }
    with stage.lab.server(speaker("http_logins", SERVER, "8080", USER, PASSWORD, TOKEN), 8080):
        for kind, (page, *options) in ways.items():
            expect(curl(stage, f"http://{name}:8080/{page}", name, SERVER, *options), "200 OK", "hello")
            account = None if kind == "http_bearer" else USER
            flows.append(shown("http", 8080, kind, account, http={"host": f"{name}:8080"}))
    return flows


@captured(
    "http_redirect.pcap",
    "HTTP that redirects to HTTPS, and a page that is served: nginx and curl",
    "nginx-light",
    "curl",
)
def http_redirect(stage: Stage) -> list[Flow]:
    name = "shop.example.test"

    def get(path: str, *options: str) -> str:
        return curl(stage, f"http://{name}:80/{path}", name, SERVER, *options)

    redirect = {"http": {"status": 301, "redirect_to_https": True, "hsts": True, "host": name}}
    with nginx(stage, 80, REDIRECT.format(address=SERVER)):
        expect(get("moved"), "301 Moved Permanently", f"Location: https://{name}/moved")
        expect(get("moved", "-b", "session=example"), "Cookie: session", "301 Moved Permanently")
        # Two requests on one connection: a redirect, then a page.
        twice = get("serves", f"http://{name}:80/moved")
        expect(twice, "301 Moved Permanently", "Re-using existing connection", "200 OK")
    return [
        flow(
            "http", 80, "plaintext", findings=[finding("plaintext.redirect")], clean=["plaintext.protocol"], **redirect
        ),
        flow(
            *("http", 80, "plaintext"),
            findings=[finding("plaintext.redirect", **{"http.request_carries": ["cookie"]})],
            **redirect,
        ),
        plain("http", 80, http={"status": 301}, absent=["http.redirect_to_https"]),
    ]


@captured(
    "imap_cram_md5.pcap", "IMAP with CRAM-MD5 in the clear: Dovecot and curl", "dovecot-imapd", "dovecot-pop3d", "curl"
)
def imap_cram_md5(stage: Stage) -> list[Flow]:
    with dovecot(stage, mechanisms="cram-md5"):
        url = "imap://mail.example.test:143/"
        expect(login(stage, url, "--login-options", "AUTH=CRAM-MD5"), "AUTHENTICATE CRAM-MD5", "Logged in")
    return [shown("imap", 143, "imap_auth_cram_md5")]


@captured("postgresql_md5.pcap", "PostgreSQL with an MD5 login", "postgresql-15", "postgresql-client-15")
def postgresql_md5(stage: Stage) -> list[Flow]:
    with postgresql(stage, method="md5"):
        expect(psql(stage, "db.example.test", "sslmode=disable"), "hello")
    return [shown("postgresql", 5432, "postgresql_md5")]


@captured("sip_digest.pcap", "SIP registration with Digest over UDP: SIPp at both ends", "sip-tester")
def sip_digest(stage: Stage) -> list[Flow]:
    scenarios = {side: str(speaker_file(f"sip_register_{side}.xml")) for side in ("server", "client")}
    common = ["-m", "1", "-nostdin", "-p", "5060"]
    server = ["sipp", "-sf", scenarios["server"], "-i", SERVER, *common]
    with stage.lab.server(server, 5060, udp=True):
        # What the keyword [authentication] of the scenario sends.
        who = ["-s", USER, "-au", USER, "-ap", PASSWORD]
        call = ["sipp", "-sf", scenarios["client"], "-i", CLIENT, *who, *common, f"{SERVER}:5060"]
        stage.lab.call("client", call)
    return [shown("sip", 5060, "sip_digest", transport="udp")]


def speaker_file(name: str) -> Path:
    from plaintext_apps import SPEAKERS

    return SPEAKERS / name


@captured("radius.pcap", "RADIUS logins by PAP and CHAP: FreeRADIUS and radclient", "freeradius", "freeradius-utils")
def radius(stage: Stage) -> list[Flow]:
    directory = stage.lab.scratch_directory("radius")
    configuration = RADIUS_CONFIGURATION.format(
        directory=directory, address=SERVER, client=CLIENT, secret=RADIUS_SECRET
    )
    (directory / "radiusd.conf").write_text(configuration)
    (directory / "users").write_text(f'{USER} Cleartext-Password := "{PASSWORD}"\n')
    shutil.copy("/etc/freeradius/3.0/dictionary", directory / "dictionary")
    flows = []
    with stage.lab.server(["freeradius", "-f", "-l", "stdout", "-d", str(directory)], 1812, udp=True):
        for kind, attribute in (("radius_password", "User-Password"), ("radius_chap", "CHAP-Password")):
            request = f'User-Name = "{USER}", {attribute} = "{PASSWORD}", NAS-IP-Address = {CLIENT}\n'
            command = ["radclient", "-x", f"{SERVER}:1812", "auth", RADIUS_SECRET]
            expect(stage.lab.call("client", command, stdin=request), "Received Access-Accept")
            flows.append(shown("radius", 1812, kind, transport="udp"))
    return flows


@captured(
    "kerberos_rc4.pcap",
    "A Kerberos login and a service ticket with RC4: MIT kinit and kvno",
    "krb5-kdc",
    "krb5-admin-server",
    "krb5-user",
)
def kerberos_rc4(stage: Stage) -> list[Flow]:
    directory = stage.lab.scratch_directory("kerberos")
    where = {"realm": REALM, "address": SERVER, "directory": directory}
    files = {"KRB5_CONFIG": "krb5.conf", "KRB5_KDC_PROFILE": "kdc.conf", "KRB5CCNAME": "cache"}
    env = {variable: str(directory / name) for variable, name in files.items()}
    (directory / "krb5.conf").write_text(KRB5_CONFIGURATION.format(**where))
    (directory / "kdc.conf").write_text(KDC_CONFIGURATION.format(**where))
    run(["kdb5_util", "create", "-s", "-r", REALM, "-P", "example-master-key"], env=env)
    # -nokey would need no password; requires_preauth makes kinit prove its key.
    for query in (f"addprinc +requires_preauth -pw {PASSWORD} {USER}", "addprinc -randkey http/intranet.example.test"):
        run(["kadmin.local", "-r", REALM, "-q", query], env=env)
    with stage.lab.server(["krb5kdc", "-n", "-r", REALM, "-P", str(directory / "pid")], 88, udp=True, env=env):
        stage.lab.call("client", ["kinit", USER], stdin=f"{PASSWORD}\n", env=env)
        expect(stage.lab.call("client", ["kvno", "http/intranet.example.test"], env=env), "kvno = 1")
    service = "http/intranet.example.test"
    return [
        flow("kerberos", 88, "plaintext", transport="udp", findings=[finding("plaintext.protocol")]),
        shown("kerberos", 88, "kerberos_preauth_rc4", transport="udp"),
        shown("kerberos", 88, "kerberos_tgs_rep_rc4", service, transport="udp"),
    ]
