"""Verdicts on NIST's test suite for path validation (PKITS 1.0.1), beside its expectation and `openssl verify`.

    python benchmarks/pkits.py [--list]

The suite is in the package cryptography-vectors (pip install cryptography-vectors==VERSION OF cryptography; 126 MB, so
nothing else here needs it). A test is a certificate whose name begins with Valid or Invalid, judged with all
certificates that may stand above it, and all lists of revoked ones, at a moment when all are valid. Prints the
agreement and, by reason, every test whose expectation is not met; ends with 1 if one is not explained below.
"""

import argparse
import datetime as dt
import re
import ssl
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from probe import _parsers
from probe.trust.chain import Chains
from probe.trust.store import Store

WHEN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
ROOT = "TrustAnchorRootCertificate.crt"

_POLICIES = (
    "certificate policies are not evaluated, as no client of the web does (openssl verify: with -policy_check only)"
)
_LISTS = "a chain without a list that applies is not refused: lists are what the operator happens to have"
_INDIRECT = "indirect and partial lists, and those with extensions that are not understood, are passed over"
_DELTA = "delta lists are passed over"
_INHERITED = "a DSA key without its parameters is refused by the library (openssl verify refuses it too)"
EXPLAINED = {
    "(Invalid|Valid).*(Policy|Mapping)": _POLICIES,
    "InvalidMissingCRL|InvalidWrongCRL|InvalidBadCRLIssuerName|InvalidkeyUsage.*cRLSign|InvalidSeparate": _LISTS,
    "InvalidBasicSelfIssued": _LISTS,
    "InvalidIDPwithindirect|InvalidcRLIssuer|InvaliddistributionPoint|InvalidonlyContains|InvalidonlySome": _INDIRECT,
    "InvalidUnknownCRLExtension": _INDIRECT,
    "(Invalid|Valid)delta": _DELTA,
    "ValidDSAParameterInheritance": _INHERITED,
}
"""Why an expectation is not met, by a pattern for the names of tests."""


def main() -> int:
    """Judge, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print every test with both verdicts")
    options = parser.parse_args()
    found = find_spec("cryptography_vectors")
    if found is None or found.origin is None:
        print("cryptography-vectors is not installed: pip install cryptography-vectors", file=sys.stderr)
        return 2
    suite = Suite(Path(found.origin).parent / "x509" / "PKITS_data")
    met, theirs, unmet = 0, 0, defaultdict(list)
    for name, leaf in suite.tests():
        expected = name.startswith("Valid")
        reasons, code = suite.judge(leaf), suite.openssl(leaf)
        accepted = reasons == ["ok"]
        met, theirs = met + (accepted == expected), theirs + ((code == "0") == expected)
        if accepted != expected:
            why = next((why for names, why in EXPLAINED.items() if re.match(names, name)), "NOT EXPLAINED")
            unmet[why].append(f"{name}: {', '.join(reasons)}; openssl {code}")
        if options.list:
            print(name, ",".join(reasons), code)
    total = met + sum(map(len, unmet.values()))
    print(f"{met} of {total} as PKITS expects ({theirs} by openssl verify -crl_check_all)")
    for why, tests in unmet.items():
        print(f"\n{why} ({len(tests)})", *tests, sep="\n  ")
    return int("NOT EXPLAINED" in unmet)


class Suite:
    """The suite's certificates and lists."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._work = Path(tempfile.mkdtemp())
        every = {path.name: _read(path) for path in sorted((folder / "certs").glob("*.crt"))}
        self._leaves = {name: der for name, der in every.items() if re.match("Valid|Invalid", name)}
        self._above: dict[int, list[bytes]] = defaultdict(list)
        for name, der in every.items():
            if name not in self._leaves and name != ROOT:
                self._above[_names(der)[0]].append(der)
        (self._work / "root.pem").write_bytes(_pem(every[ROOT]))
        lists = [path.read_bytes() for path in sorted((folder / "crls").glob("*.crl"))]
        pems = (x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) for der in lists)
        (self._work / "crls.pem").write_bytes(b"".join(pems))
        store = Store((str(self._work / "root.pem"),), host=False, crls=(str(self._work / "crls.pem"),))
        self._chains = Chains(store, parsers=_parsers)

    def tests(self) -> Iterator[tuple[str, bytes]]:
        """Name and certificate of each test that says what is expected."""
        yield from ((name.removesuffix("EE.crt"), der) for name, der in self._leaves.items())

    def judge(self, leaf: bytes) -> list[str]:
        """Our reasons, those for weakness aside: the suite is of a time when SHA-1 and RSA 1024 were usual."""
        ders = [leaf, *self._issuers(leaf)]
        hashes = tuple(sha256(der).hexdigest() for der in ders)
        for one, der in zip(hashes, ders, strict=True):
            self._chains.add(one, der)
        judged = self._chains.judge(hashes, None, int(WHEN.timestamp()) * 10**9)
        against = {one.reason for one in judged if "." not in one.reason} - {"ok", "weak_signature", "weak_key"}
        return sorted(against) or ["ok"]

    def openssl(self, leaf: bytes) -> str:
        """The first error's number, 0 if the chain is accepted."""
        (self._work / "leaf.pem").write_bytes(_pem(leaf))
        (self._work / "others.pem").write_bytes(b"".join(map(_pem, self._issuers(leaf))))
        command = ["openssl", "verify", "-crl_check_all", "-auth_level", "0", "-CAfile", "root.pem"]
        command += ["-CRLfile", "crls.pem", "-attime", str(int(WHEN.timestamp())), "-untrusted", "others.pem"]
        done = subprocess.run([*command, "leaf.pem"], cwd=self._work, capture_output=True, text=True, check=False)
        error = re.search(r"error (\d+) at", done.stdout + done.stderr)
        return error[1] if error else str(done.returncode)

    def _issuers(self, leaf: bytes) -> list[bytes]:
        """Everything that its names lead to."""
        found: list[bytes] = []
        waiting = [leaf]
        while waiting:
            for der in self._above.get(_names(waiting.pop())[1], ()):
                if der not in found:
                    found.append(der)
                    waiting.append(der)
        return found


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _names(der: bytes) -> tuple[int, int]:
    """Hashes of subject and issuer as OpenSSL compares them: without regard to case and spaces."""
    certificate = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
    return certificate.subject_name_hash(), certificate.get_issuer().hash()


def _pem(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode()


if __name__ == "__main__":
    sys.exit(main())
