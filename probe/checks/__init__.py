"""What can be found, one detector a file; the file's docstring is its page in the documentation.

A detector takes the facts of an observation and gives verdicts. Those here depend on the facts alone, so they are asked
once for each distinct set of facts; `certificate_chain` also depends on the time and is asked by the engine on its own.
"""

import importlib
from collections.abc import Callable
from typing import Final

from probe.checks import (
    dns_random_names,
    dns_tunnel,
    esp_null_encryption,
    plaintext_credentials,
    plaintext_protocol,
    plaintext_redirect,
    tls_keys,
)
from probe.model import Facts, Verdict

Detector = Callable[[Facts], list[Verdict]]

DETECTORS: Final[tuple[Detector, ...]] = (
    plaintext_credentials.judge,
    plaintext_protocol.judge,
    plaintext_redirect.judge,
    esp_null_encryption.judge,
    dns_random_names.judge,
    dns_tunnel.judge,
    tls_keys.judge,
)
PAGES: Final = {
    "certificate.chain": "certificate_chain",
    "dns.random_names": "dns_random_names",
    "dns.tunnel": "dns_tunnel",
    "esp.null_encryption": "esp_null_encryption",
    "plaintext.credentials": "plaintext_credentials",
    "plaintext.protocol": "plaintext_protocol",
    "plaintext.redirect": "plaintext_redirect",
    "tls.keys": "tls_keys",
}
"""Check to module. Checks of facts that only policies judge have no file here."""


def explain(check: str) -> str | None:
    """The page of a check, None if it has no detector of its own."""
    module = PAGES.get(check)
    return None if module is None else importlib.import_module(f"probe.checks.{module}").__doc__
