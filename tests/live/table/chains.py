"""Sessions whose certificates are the point: TLS 1.2, so that they can be seen."""

from typing import Final

from .case import HIDDEN, LEGACY, Case, called, openssl, served, tls12


def _chain(paper: str, *reasons: str, client: str = "-tls1_2", **facts: object) -> Case:
    findings = tuple(reason if "." in reason else f"certificate.chain/{reason}" for reason in reasons)
    told = {"version": "TLSv1.2", "established": True, **facts}
    return openssl(f"chain_{paper}", told, *findings, paper=paper, client=client, server=LEGACY)


CHAINS: Final = (
    _chain("p384"),
    _chain("ed25519"),
    _chain("ed448"),
    _chain("wildcard"),
    _chain("wildcard_deep", "wrong_name", "certificate.wildcard"),
    _chain("expired", "expired"),
    _chain("future", "not_yet_valid"),
    _chain("expiring", "certificate.expiring"),
    _chain("wrong_name", "wrong_name"),
    _chain("no_name", "wrong_name"),
    _chain("weak_key", "weak_key", client="-tls1_2 -cipher ALL:@SECLEVEL=0"),
    _chain("sha1", "weak_signature", client="-tls1_2 -cipher ALL:@SECLEVEL=0"),
    _chain("usage", "wrong_usage"),
    _chain("missing", "missing_intermediate"),
    _chain("self_signed", "self_signed"),
    _chain("unknown", "unknown_root"),
    _chain("not_a_ca", "not_a_ca"),
    Case("by_address", served("address"), called("-tls1_2", name="-noservername"), tls12(sni=None)),
    Case("by_address_wrong", served("good"), called("-tls1_2", name="-noservername"), tls12(sni=None)),
    Case("other_name_tls13", served("wrong_name"), called(), {"version": "TLSv1.3"}, (HIDDEN,)),
)
