"""What can be found, one detector a file; the file's docstring is its page in the documentation.

A detector takes the facts of an observation and gives verdicts. Most depend on the facts alone, so they are asked once
for each distinct set of facts; those of `HISTORIES` look at what an endpoint showed over several observations; and
`certificate_chain` also depends on the time and is asked by the engine on its own.
"""

import importlib
from collections.abc import Callable
from typing import Final

from probe.checks import (
    by_rules,
    certificate_changed,
    certificate_key_reuse,
    dns_beacon,
    dns_case,
    dns_encrypted_resolver,
    dns_odd_port,
    dns_option,
    dns_port_53,
    dns_random_names,
    dns_tcp_volume,
    dns_tunnel,
    esp_cipher,
    esp_keys,
    esp_null_encryption,
    esp_one_way,
    esp_replay,
    esp_sequence,
    icmp_tunnel,
    ike_downgrade,
    ike_keys,
    ike_lifetime,
    ike_negotiation,
    ike_pfs,
    ike_psk_group,
    ike_psk_hash,
    ipsec_leak,
    mtls_requested,
    ntp_tunnel,
    plaintext_after_tls,
    plaintext_credentials,
    plaintext_protocol,
    plaintext_redirect,
    tls_dh_prime,
    tls_downgrade,
    tls_key_usage,
    tls_keys,
    tls_psk_mode,
    tls_sni,
    tls_starttls_stripped,
    vpn_options,
    vpn_tunnel,
)
from probe.model import Facts, Verdict

Detector = Callable[[Facts], list[Verdict]]

DETECTORS: Final[tuple[Detector, ...]] = (
    plaintext_credentials.judge,
    plaintext_protocol.judge,
    plaintext_redirect.judge,
    esp_null_encryption.judge,
    dns_beacon.judge,
    dns_case.judge,
    dns_option.judge,
    dns_encrypted_resolver.judge,
    dns_odd_port.judge,
    dns_port_53.judge,
    dns_tcp_volume.judge,
    icmp_tunnel.judge,
    ntp_tunnel.judge,
    esp_cipher.judge,
    esp_keys.judge,
    esp_one_way.judge,
    esp_replay.judge,
    esp_sequence.judge,
    ike_downgrade.judge,
    ike_keys.judge,
    ike_lifetime.judge,
    ike_negotiation.judge,
    ike_pfs.judge,
    ike_psk_group.judge,
    ike_psk_hash.judge,
    ipsec_leak.judge,
    dns_random_names.judge,
    dns_tunnel.judge,
    tls_keys.judge,
    tls_downgrade.judge,
    mtls_requested.judge,
    tls_dh_prime.judge,
    tls_psk_mode.judge,
    tls_key_usage.judge,
    tls_sni.judge,
    tls_starttls_stripped.judge,
    vpn_options.judge,
    vpn_tunnel.judge,
)
HISTORIES: Final[dict[str, tuple[Detector, ...]]] = {
    "certificates": (certificate_changed.judge,),
    "words": (plaintext_after_tls.judge,),
    "key": (certificate_key_reuse.judge,),
}
"""Who judges what is only to be seen over several observations, by the kind that the ledger gives."""
PAGES: Final = {
    "certificate.changed": "certificate_changed",
    "certificate.chain": "certificate_chain",
    "certificate.expiring": "certificate_expiring",
    "certificate.interception": "certificate_interception",
    "certificate.key_reuse": "certificate_key_reuse",
    "certificate.self_signed": "certificate_self_signed",
    "certificate.staple": "certificate_staple",
    "certificate.transparency": "certificate_transparency",
    "certificate.validity_length": "certificate_validity_length",
    "certificate.wildcard": "certificate_wildcard",
    "dns.beacon": "dns_beacon",
    "dns.case": "dns_case",
    "dns.encrypted_resolver": "dns_encrypted_resolver",
    "dns.odd_port": "dns_odd_port",
    "dns.option": "dns_option",
    "dns.port_53": "dns_port_53",
    "dns.random_names": "dns_random_names",
    "dns.resolver": "dns_resolver",
    "dns.tcp_volume": "dns_tcp_volume",
    "dns.tunnel": "dns_tunnel",
    "esp.cipher": "esp_cipher",
    "esp.keys": "esp_keys",
    "esp.null_encryption": "esp_null_encryption",
    "esp.one_way": "esp_one_way",
    "icmp.tunnel": "icmp_tunnel",
    "ntp.tunnel": "ntp_tunnel",
    "esp.replay": "esp_replay",
    "esp.sequence": "esp_sequence",
    "ike.downgrade": "ike_downgrade",
    "ike.keys": "ike_keys",
    "ike.lifetime": "ike_lifetime",
    "ike.negotiation": "ike_negotiation",
    "ike.pfs": "ike_pfs",
    "ike.psk_group": "ike_psk_group",
    "ike.psk_hash": "ike_psk_hash",
    "ipsec.leak": "ipsec_leak",
    "mtls.certificate": "mtls_certificate",
    "mtls.requested": "mtls_requested",
    "plaintext.after_tls": "plaintext_after_tls",
    "plaintext.credentials": "plaintext_credentials",
    "plaintext.protocol": "plaintext_protocol",
    "plaintext.redirect": "plaintext_redirect",
    "policy.contradiction": "policy_contradiction",
    "tls.keys": "tls_keys",
    "tls.dh_prime": "tls_dh_prime",
    "tls.sni": "tls_sni",
    "tls.starttls_stripped": "tls_starttls_stripped",
    "tls.downgrade": "tls_downgrade",
    "tls.key_usage": "tls_key_usage",
    "tls.psk_mode": "tls_psk_mode",
    "vpn.options": "vpn_options",
    "vpn.tunnel": "vpn_tunnel",
}
"""Check to module. The pages of facts that only policies judge are in `by_rules`."""


def explain(check: str) -> str | None:
    """The page of a check, None if there is no such check."""
    module = PAGES.get(check)
    if module is None:
        return by_rules.PAGES.get(check)
    return importlib.import_module(f"probe.checks.{module}").__doc__
