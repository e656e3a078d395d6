"""Which service issued a certificate: AWS Certificate Manager and AWS Private CA, told by names and addresses in it.

The same as parsers/flow/src/x509/issuer.rs. Nothing is verified here: a name is as good as the chain that holds it.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from cryptography import x509

CERTIFICATE_MANAGER: Final = "aws_certificate_manager"
"""Amazon Trust Services, which signs the public certificates of AWS Certificate Manager:
https://www.amazontrust.com/repository/"""
PRIVATE_CA: Final = "aws_private_ca"
"""By the OCSP responder or the revocation list that AWS Private CA writes into certificates, unless its owner gave it
addresses of his own: ocsp-customize.html and crl-planning.html of https://docs.aws.amazon.com/privateca/"""

_ADDRESS: Final = re.compile("https?://([^/]*)(.*)", re.DOTALL)
_LIST: Final = re.compile(r"/crl/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.crl|/.*)", re.DOTALL)


def service(issuer: str, extensions: dict[type, Any]) -> str | None:
    """The word of the certificate record; `issuer` as RFC 4514 writes it, `extensions` by the type of their values."""
    if any(is_of_private_ca(address) for address in _addresses(extensions)):
        return PRIVATE_CA
    return CERTIFICATE_MANAGER if "O=Amazon" in re.split("[,+]", issuer) else None


def is_of_private_ca(address: str) -> bool:
    """Whether an OCSP responder or a revocation list is at an address of AWS Private CA."""
    parts = _ADDRESS.fullmatch(address.lower())
    if parts is None:
        return False
    host, path = parts.groups()
    if host.startswith("acm-pca-ocsp."):
        return host.endswith(".api.aws")
    known = host.startswith("ocsp.acm-pca.") or (".s3." in host and _LIST.fullmatch(path) is not None)
    return known and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _addresses(extensions: dict[type, Any]) -> Iterator[str]:
    names = [access.access_location for access in extensions.get(x509.AuthorityInformationAccess, ())]
    for point in extensions.get(x509.CRLDistributionPoints, ()):
        names += point.full_name or ()
    return (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
