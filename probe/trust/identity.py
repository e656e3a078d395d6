"""Names and wildcards of certificates after RFC 9525, by service_identity: no wildcard code of our own.

A name that no client could have checked (neither a DNS name nor an address) gives no verdict. Imported by names.py when
a name has to be looked at closely.
"""

import ipaddress

from cryptography import x509
from service_identity.exceptions import CertificateError, VerificationError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    verify_service_identity,
)

from probe.trust.certificates import extension


def matches(certificate: x509.Certificate, name: str) -> bool | None:
    """True or False; None if `name` cannot be checked.

    Raises ValueError if the certificate's extensions are malformed.
    """
    wanted = _identity(name)
    if wanted is None:
        return None
    patterns = _patterns(certificate)
    if not patterns:
        return False
    try:
        verify_service_identity(cert_patterns=patterns, obligatory_ids=[wanted], optional_ids=[])
    except (VerificationError, CertificateError):
        return False
    return True


def _identity(name: str) -> DNS_ID | IPAddress_ID | None:
    try:
        return IPAddress_ID(str(ipaddress.ip_address(name)))
    except ValueError:
        pass
    try:
        return DNS_ID(name.removesuffix("."))
    except (ValueError, TypeError):
        return None


def _patterns(certificate: x509.Certificate) -> list[CertificatePattern]:
    """Every alternative name that is well-formed: one bad pattern does not spoil its neighbours, as in browsers."""
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return []
    patterns: list[CertificatePattern] = []
    for value in names.get_values_for_type(x509.DNSName):
        try:
            patterns.append(DNSPattern.from_bytes(value.encode("utf-8")))
        except (CertificateError, ValueError):
            continue
    addresses = names.get_values_for_type(x509.IPAddress)
    hosts = (address for address in addresses if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address))
    patterns.extend(IPAddressPattern(address) for address in hosts)
    return patterns
