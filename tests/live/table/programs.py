"""Sessions of other programs: GnuTLS, nginx, HAProxy, stunnel, curl."""

from typing import Final

from .case import HIDDEN, Case, called, tls12, tls13

_GNUTLS: Final = "gnutls-serv --echo --quiet -p {port} --x509certfile={papers}/rsa.pem --x509keyfile={papers}/rsa.key"


def _gnutls(name: str, priority: str, facts: dict[str, object], *findings: str) -> Case:
    """GnuTLS at both ends with one priority string."""
    client = f"gnutls-cli {{at}} -p {{port}} --sni-hostname {{name}} --x509cafile={{papers}}/root.pem --verify-hostname {{name}} --priority {priority}"
    return Case(f"gnutls_{name}", f"{_GNUTLS} --priority {priority}", client, facts, findings)


GNUTLS: Final = (
    _gnutls("tls13", "NORMAL", {"version": "TLSv1.3", "established": True}, HIDDEN),
    _gnutls("tls12", "NORMAL:-VERS-ALL:+VERS-TLS1.2", {"version": "TLSv1.2", "established": True}),
    _gnutls("tls10", "LEGACY:-VERS-ALL:+VERS-TLS1.0", {"version": "TLSv1.0", "established": True}, "tls.version/BCP195-VERSION"),
    _gnutls("rc4", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+ARCFOUR-128", {"version": "TLSv1.2", "established": True}, "tls.suite/BCP195-RC4"),
    _gnutls("3des", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC", {"version": "TLSv1.2", "established": True}, "tls.suite/BCP195-UNDER-128"),
    _gnutls("null", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL", {"version": "TLSv1.2", "established": True}, "tls.suite/BCP195-NULL"),
    _gnutls("without_ems", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH", {"version": "TLSv1.2", "established": True},
            "tls.extended_master_secret/BCP195-EXTENDED-MASTER-SECRET"),
    _gnutls("without_renegotiation_info", "NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION", {"version": "TLSv1.2", "established": True},
            "tls.renegotiation/BCP195-RENEGOTIATION"),
)  # fmt: skip

_CURL: Final = "curl -s -o /dev/null --connect-to {name}::{at}:{port} --cacert {papers}/root.pem"
_NGINX: Final = "nginx -c {config} -e stderr"
_HAPROXY: Final = "haproxy -db -q -f {config}"
_STUNNEL: Final = "stunnel {config}"


def _nginx(inside: str) -> str:
    paths = "".join(f"{kind}_temp_path <papers>; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return (
        "daemon off; pid <papers>/nginx-<port>.pid; error_log stderr; events {} "
        f"http {{ access_log off; {paths} server {{ server_name www.case.test; {inside} }} }}"
    )


_TLS: Final = "ssl_protocols TLSv1.2 TLSv1.3; listen <at>:<port> ssl http2; ssl_certificate <papers>/good.pem; ssl_certificate_key <papers>/good.key; "
_PAGE: Final = 'return 200 "a page that everybody may read";'
_HAPROXY_CONFIG: Final = """
global
  log stderr local0 emerg
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend tls
  bind <at>:<port> ssl crt <papers>/both.pem {0}
  http-request return status 200 content-type text/plain string hello
"""
_STUNNEL_CONFIG: Final = """
foreground = yes
pid =
[service]
accept = <at>:<port>
cert = <papers>/good.pem
key = <papers>/good.key
exec = /bin/sh
execArgs = sh <papers>/{0}.sh
{1}
"""

SERVERS: Final = (
    Case("nginx", _NGINX, f"{_CURL} https://{{name}}/", tls13(alpn=None), (HIDDEN,), config=_nginx(_TLS + _PAGE)),
    Case("nginx_tls12", _NGINX, f"{_CURL} --tls-max 1.2 https://{{name}}/", tls12(alpn="h2"), config=_nginx(_TLS + _PAGE)),
    Case("nginx_redirect", _NGINX, "curl -s http://{at}:{port}/", {}, ("plaintext.redirect",), {"class": "plaintext", "protocol": "http"},
         config=_nginx("listen <at>:<port>; return 301 https://$server_name$request_uri;")),
    Case("nginx_clear", _NGINX, "curl -s http://{at}:{port}/", {}, ("plaintext.protocol",), {"class": "plaintext", "protocol": "http"},
         config=_nginx(f"listen <at>:<port>; {_PAGE}")),
    Case("haproxy", _HAPROXY, f"{_CURL} https://{{name}}/", tls13(), (HIDDEN,), config=_HAPROXY_CONFIG.format("")),
    Case("haproxy_tls12", _HAPROXY, f"{_CURL} https://{{name}}/", tls12(), config=_HAPROXY_CONFIG.format("ssl-max-ver TLSv1.2")),
    Case("stunnel", _STUNNEL, called(), tls13(), (HIDDEN,), config=_STUNNEL_CONFIG.format("echo", "")),
    Case("stunnel_smtp", _STUNNEL, called("-tls1_2 -starttls smtp"), tls12(), (), {"starttls": "smtp"},
         config=_STUNNEL_CONFIG.format("smtp", "protocol = smtp")),
    Case("stunnel_pop3", _STUNNEL, called("-tls1_2 -starttls pop3"), tls12(), (), {"starttls": "pop3"},
         config=_STUNNEL_CONFIG.format("pop3", "protocol = pop3")),
)  # fmt: skip

LIBRARIES: Final = (
    Case("mlkem", "{python} {speak}/pyopenssl.py serve {at} {port} {papers}/good.pem {papers}/good.key",
         "{python} {speak}/pyopenssl.py connect {at} {port} {name} {papers}/root.pem", tls13(group="X25519MLKEM768"), (HIDDEN,)),
    Case("quic", "{python} {speak}/quic.py serve {at} {port} {papers}/good.pem {papers}/good.key",
         "{python} {speak}/quic.py connect {at} {port} {name} {papers}/root.pem", {"version": "TLSv1.3", "alpn_offered": ["hq-interop"]}, (HIDDEN,),
         {"protocol": "quic"}, udp=True),
    Case("quic_v2", "{python} {speak}/quic.py serve {at} {port} {papers}/good.pem {papers}/good.key",
         "{python} {speak}/quic.py connect {at} {port} {name} {papers}/root.pem 6b3343cf AES_128_GCM_SHA256 {papers}/quic.log",
         {"version": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256"}, (HIDDEN,), {"protocol": "quic", "quic": {"version": "0x6b3343cf"}}, udp=True),
)  # fmt: skip
