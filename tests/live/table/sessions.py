"""Sessions of OpenSSL: versions, suites, groups, resumption, refusals, clients with certificates."""

from typing import Final

from .case import HIDDEN, LEGACY, Case, called, openssl, served, tls12, tls13

_OLD: Final = {"suite": "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "group": "x25519", "established": True}
_REV: Final = "-rev"
_DTLS: Final = "-dtls1_2 -listen"

VERSIONS: Final = (
    openssl("tls13", tls13(), HIDDEN),
    openssl("tls13_chacha", tls13(suite="TLS_CHACHA20_POLY1305_SHA256"), HIDDEN, client="-ciphersuites TLS_CHACHA20_POLY1305_SHA256"),
    openssl("tls13_aes128", tls13(suite="TLS_AES_128_GCM_SHA256"), HIDDEN, client="-ciphersuites TLS_AES_128_GCM_SHA256"),
    openssl("tls13_ccm", tls13(suite="TLS_AES_128_CCM_SHA256"), HIDDEN, client="-ciphersuites TLS_AES_128_CCM_SHA256",
            server="-ciphersuites TLS_AES_128_CCM_SHA256"),
    openssl("tls13_ccm8", tls13(suite="TLS_AES_128_CCM_8_SHA256"), HIDDEN, client="-ciphersuites TLS_AES_128_CCM_8_SHA256",
            server="-ciphersuites TLS_AES_128_CCM_8_SHA256"),
    openssl("tls12", tls12(), client="-tls1_2"),
    openssl("tls11", {"version": "TLSv1.1", **_OLD}, "tls.version/BCP195-VERSION", paper="rsa",
            server=f"-tls1_1 {LEGACY}", client="-tls1_1 -cipher ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
    openssl("tls10", {"version": "TLSv1.0", **_OLD}, "tls.version/BCP195-VERSION", paper="rsa",
            server=f"-tls1 {LEGACY}", client="-tls1 -cipher ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
    openssl("tls10_without_etm", {"version": "TLSv1.0", **_OLD}, "tls.version/BCP195-VERSION", "tls.suite/BCP195-CBC", paper="rsa",
            server=f"-tls1 {LEGACY} -no_etm", client="-tls1 -cipher ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
)  # fmt: skip


def _suite(name: str, cipher: str, suite: str, *findings: str, paper: str = "rsa", **facts: object) -> Case:
    """TLS 1.2 with one suite, however weak."""
    told = {"version": "TLSv1.2", "suite": suite, "established": True, **facts}
    return openssl(name, told, *findings, paper=paper, server=LEGACY, client=f"-tls1_2 -cipher {cipher}:@SECLEVEL=0")


SUITES: Final = (
    _suite("ecdhe_rsa", "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", group="x25519"),
    _suite("chacha", "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", group="x25519"),
    _suite("cbc_etm", "ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", group="x25519"),
    _suite("ccm8", "ECDHE-ECDSA-AES128-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", paper="good", group="x25519"),
    _suite("camellia", "ECDHE-RSA-CAMELLIA256-SHA384", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384", group="x25519"),
    _suite("static_rsa", "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", "tls.suite/BCP195-STATIC-RSA", group=None),
    _suite("static_rsa_cbc", "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "tls.suite/BCP195-STATIC-RSA", group=None),
    _suite("dhe", "DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "tls.suite/BCP195-DHE"),
    _suite("anonymous", "AECDH-AES256-SHA", "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", "tls.suite/BCP195-ANON", group="x25519", certificates=None),
    _suite("anonymous_dh", "ADH-AES128-GCM-SHA256", "TLS_DH_anon_WITH_AES_128_GCM_SHA256", "tls.suite/BCP195-ANON", "tls.suite/BCP195-DHE",
           "tls.group/BCP195-DH-SIZE", "tls.dh_prime/precomputed", certificates=None, dh_bits=1024),
    _suite("null", "ECDHE-RSA-NULL-SHA", "TLS_ECDHE_RSA_WITH_NULL_SHA", "tls.suite/BCP195-NULL", group="x25519"),
    _suite("null_static", "NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256", "tls.suite/BCP195-NULL", "tls.suite/BCP195-STATIC-RSA"),
)  # fmt: skip


def _group(name: str, group: str, told: str, *, version: str = "") -> Case:
    facts = tls12(group=told) if version else tls13(group=told)
    return openssl(
        f"group_{name}",
        facts,
        *(() if version else (HIDDEN,)),
        server=f"-groups {group}",
        client=f"-groups {group} {version}",
    )


GROUPS: Final = (
    _group("p256", "P-256", "secp256r1"),
    _group("p384", "P-384", "secp384r1"),
    _group("p521", "P-521", "secp521r1"),
    _group("x448", "X448", "x448"),
    _group("ffdhe2048", "ffdhe2048", "ffdhe2048"),
    _group("ffdhe3072", "ffdhe3072", "ffdhe3072"),
    _group("p256_tls12", "P-256", "secp256r1", version="-tls1_2"),
    openssl("group_p521_tls12", {"version": "TLSv1.2", "group": "secp521r1"}, paper="rsa", server="-groups P-521", client="-groups P-521 -tls1_2"),
    openssl("hello_retry", tls13(hello_retry_request=True), HIDDEN, server="-groups X25519", client="-groups P-256:X25519"),
    openssl("dh_1024", {"version": "TLSv1.2", "suite": "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "group": None, "dh_bits": 1024, "established": True},
            "tls.suite/BCP195-DHE", "tls.group/BCP195-DH-SIZE", paper="rsa",
            server=f"-dhparam {{papers}}/dh1024.pem {LEGACY}", client="-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"),
    openssl("secp224r1", {"version": "TLSv1.2", "group": "secp224r1", "established": True}, paper="rsa",
            server=f"-groups P-224 {LEGACY}", client="-tls1_2 -groups P-224 -cipher ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"),
    openssl("secp192r1", {"version": "TLSv1.2", "group": "secp192r1", "established": True}, "tls.group/BCP195-CURVE-SIZE", paper="rsa",
            server=f"-groups P-192 {LEGACY}", client="-tls1_2 -groups P-192 -cipher ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"),
)  # fmt: skip

_ASKS: Final = "-Verify 2 -verify_return_error -CAfile {papers}/root.pem"
_SHOWS: Final = "-cert {{papers}}/{0}.pem -key {{papers}}/{0}.key -cert_chain {{papers}}/{0}.above.pem"

CLIENTS: Final = (
    openssl("mutual", tls12(client_certificate="accepted"), client=f"-tls1_2 {_SHOWS.format('client')}", server=_ASKS),
    openssl("mutual_refused", tls12(client_certificate="refused", established=False), "mtls.requested", "mtls.certificate/missing_intermediate",
            client="-tls1_2 -cert {papers}/client_unknown.pem -key {papers}/client_unknown.key", server=_ASKS),
    openssl("mutual_absent", {"version": "TLSv1.2", "established": False}, "mtls.requested", client="-tls1_2", server=_ASKS),
    openssl("mutual_optional", tls12(client_certificate="absent"), client="-tls1_2", server="-verify 2 -CAfile {papers}/root.pem"),
    openssl("mutual_tls13", tls13(), HIDDEN, client=_SHOWS.format("client"), server=_ASKS),
    openssl("mutual_wrong_usage", tls12(client_certificate="refused", established=False), "mtls.requested", "mtls.certificate/wrong_usage",
            client=f"-tls1_2 {_SHOWS.format('good')}", server=_ASKS),
)  # fmt: skip


def _resumed(name: str, options: str, facts: dict[str, object], *findings: str) -> Case:
    """A full session and one that resumes it; the session is kept in a file."""
    first = called(f"{options} -sess_out {{papers}}/{name}.session")
    second = called(f"{options} -sess_in {{papers}}/{name}.session")
    return Case(name, served(), f"sh -c '(sleep 0.2; echo ping) | {first}; {second}'", facts, findings, calls=2)


RESUMED: Final = (
    _resumed("resumed_ticket", "-tls1_2", {"version": "TLSv1.2", "resumed": True, "certificates": None}),
    _resumed("resumed_id", "-tls1_2 -no_ticket", {"version": "TLSv1.2", "resumed": True, "certificates": None}),
    _resumed("resumed_tls13", "-tls1_3", tls13(resumed=True), HIDDEN),
)

STAPLES: Final = (
    *(
        openssl(f"staple_{kind}", tls12(ocsp_staple=True), *findings, client="-tls1_2 -status", server=f"-status_file {{papers}}/{kind}.ocsp")
        for kind, findings in (("good", ()), ("revoked", ("certificate.chain/revoked",)), ("stale", ("certificate.staple",)),
                               ("stranger", ("certificate.staple",)))
    ),
    openssl("staple_tls13", tls13(), HIDDEN, client="-status", server="-status_file {papers}/revoked.ocsp"),
)  # fmt: skip

ENDS: Final = (
    openssl("no_shared_suite", {"version": None, "established": False, "alert": "handshake_failure", "alert_from": "server"}, HIDDEN,
            client="-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", server="-cipher ECDHE-ECDSA-AES256-GCM-SHA384"),
    openssl("version_refused", {"version": None, "established": False, "alert": "protocol_version", "alert_from": "server"}, HIDDEN,
            client="-tls1_2", server="-tls1_3"),
    openssl("not_trusted", tls12(established=False, alert="unknown_ca", alert_from="client"), client="-tls1_2 -verify_return_error -CAfile {papers}/unknown.pem"),
    openssl("fallback_refused", {"established": False, "alert": "inappropriate_fallback"}, "tls.downgrade/fallback_refused", HIDDEN,
            client="-tls1_2 -fallback_scsv"),
    openssl("fallback_taken", tls12(fallback_scsv=True), "tls.downgrade/fallback", client="-tls1_2 -fallback_scsv", server="-tls1_2"),
    openssl("alpn", tls12(alpn="h2"), client="-tls1_2 -alpn h2,http/1.1", server="-alpn h2"),
    Case("dtls12", served(options=_DTLS), called("-dtls1_2"), {"version": "DTLSv1.2", "group": "x25519", "established": True}, udp=True),
    Case("dtls10", served("rsa", f"-dtls1 -listen {LEGACY}"), called("-dtls1 -cipher ECDHE-RSA-AES256-SHA:@SECLEVEL=0"),
         {"version": "DTLSv1.0", "established": True}, ("tls.version/BCP195-VERSION",), udp=True),
)  # fmt: skip
