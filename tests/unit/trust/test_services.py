"""Issuers at AWS, told by what is in the certificate; test_core_x509.py holds the core to the same."""

import json
from collections import Counter

import der

from probe import _parsers
from probe.trust import services


def test_what_aws_issues_and_what_only_looks_like_it() -> None:
    records = [_parsers.certificate_record(certificate) for certificate in der.of_services()]
    words = [json.loads(record).get("issuer_service") for record in records if record is not None]
    assert Counter(words) == {
        services.CERTIFICATE_MANAGER: 1,
        services.PRIVATE_CA: 2 * 5,  # in either extension
        None: len(words) - 11,
    }
    assert words[0] == services.CERTIFICATE_MANAGER
