"""tls.dh_prime"""

import pytest

from probe.checks.tls_dh_prime import judge


@pytest.mark.parametrize(
    ("name", "bits", "expected"),
    [
        ("apache_512", 512, ("precomputed", "fail", "critical")),
        ("java_768", 768, ("precomputed", "fail", "high")),
        ("nginx_1024", 1024, ("precomputed", "fail", "high")),
        ("rfc5114_1024_160", 1024, ("precomputed", "fail", "high")),
        ("rfc5114_2048_224", 2048, ("subgroups", "warn", "low")),
    ],
)
def test_primes_that_matter(name: str, bits: int, expected: tuple[str, str, str]) -> None:
    [verdict] = judge({"class": "tls", "tls.dh_bits": bits, "tls.dh_prime": name})
    assert (verdict.observed["reason"], verdict.status, verdict.severity) == expected
    assert name in verdict.title


def test_long_shared_primes_and_unknown_ones_are_no_matter() -> None:
    assert judge({"class": "tls", "tls.dh_bits": 2048, "tls.dh_prime": "rfc3526_2048"}) == []
    assert judge({"class": "tls", "tls.dh_bits": 512}) == []
    assert judge({"class": "tls", "tls.group": "ffdhe2048"}) == []
