"""The certificates of the table: one good authority, and each way in which a chain can be bad, on the day of the test."""

import datetime as dt
import ipaddress
from pathlib import Path
from typing import Any, Final

import pki
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

NAME: Final = "www.case.test"
ALONE: Final = ("missing", "self_signed")  # kinds whose server sends the leaf only
_DAY: Final = dt.timedelta(days=1)


def _private(key: Any) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem


class Papers:
    """PEM files in a folder: `root.pem`, and for each kind of server `KIND.pem` (chain, leaf first) and `KIND.key`."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.root = self._issue("Case Root", ca=True)
        self.above = self._issue("Case Intermediate", self.root, ca=True)
        (folder / "root.pem").write_bytes(self.root.pem)
        (folder / "above.pem").write_bytes(self.above.pem)
        self.stranger = self._issue("Stranger Root", ca=True)
        leaves = self._leaves(address)
        for kind, leaf in leaves.items():
            above = self.stranger if "unknown" in kind else self.above
            self._write(kind, leaf, () if kind in ALONE else (above,))
        for program, greeting in (
            ("echo", ""),
            ("smtp", "220 mail.case.test ESMTP\\r\\n"),
            ("pop3", "+OK ready\\r\\n"),
        ):
            (folder / f"{program}.sh").write_text(f"printf '{greeting}'; exec cat\n")  # what stunnel stands in front of
        (folder / "both.pem").write_bytes((folder / "good.pem").read_bytes() + (folder / "good.key").read_bytes())
        self._write("not_a_ca", *self._below_a_leaf())
        for kind, response in self._staples(leaves["good"]).items():
            (folder / f"{kind}.ocsp").write_bytes(response)
        self._write("sha1", pki.sha1_leaf(NAME, self.above, self._scratch("sha1"), self.now), (self.above,))

    def _scratch(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir()
        return path

    def _write(self, kind: str, leaf: pki.Issued, above: tuple[pki.Issued, ...]) -> None:
        (self.folder / f"{kind}.pem").write_bytes(leaf.pem + b"".join(issued.pem for issued in above))
        (self.folder / f"{kind}.above.pem").write_bytes(b"".join(issued.pem for issued in above))
        (self.folder / f"{kind}.key").write_bytes(_private(leaf.key))

    def _issue(
        self, name: str, by: pki.Issued | None = None, *, days: tuple[int, int] = (-30, 60), **spoilt: Any
    ) -> pki.Issued:
        begin, end = (self.now + count * _DAY for count in days)
        if spoilt.get("ca"):
            begin, end = self.now - 400 * _DAY, self.now + 3650 * _DAY
        return pki.issue(name, by, begin=begin, end=end, **spoilt)

    def _leaves(self, address: str) -> dict[str, pki.Issued]:
        above, rsa = self.above, pki.rsa_key(2048)
        client = (ExtendedKeyUsageOID.CLIENT_AUTH,)
        return {
            "good": self._issue(NAME, above),
            "rsa": self._issue(NAME, above, key=rsa),
            "p384": self._issue(NAME, above, key=ec.generate_private_key(ec.SECP384R1())),
            "ed25519": self._issue(NAME, above, key=ed25519.Ed25519PrivateKey.generate()),
            "ed448": self._issue(NAME, above, key=ed448.Ed448PrivateKey.generate()),
            "wildcard": self._issue("wild", above, sans=("*.case.test",)),
            "wildcard_deep": self._issue("wild", above, sans=("*.test",)),
            "address": self._issue(address, above, sans=(x509.IPAddress(ipaddress.ip_address(address)),)),
            "expired": self._issue(NAME, above, days=(-60, -5)),
            "future": self._issue(NAME, above, days=(5, 60)),
            "expiring": self._issue(NAME, above, days=(-50, 4)),
            "wrong_name": self._issue("other.case.test", above),
            "no_name": self._issue(NAME, above, sans=()),
            "weak_key": self._issue(NAME, above, key=pki.rsa_key(1024)),
            "usage": self._issue(NAME, above, usages=client),
            "missing": self._issue(NAME, above),
            "self_signed": self._issue(NAME),
            "unknown": self._issue(NAME, self.stranger),
            "client": self._issue("device.case.test", above, usages=client),
            "client_unknown": self._issue("device.case.test", self.stranger, usages=client),
        }

    def _staples(self, leaf: pki.Issued) -> dict[str, bytes]:
        def made(by: pki.Issued, hours: int, revoked: dt.datetime | None = None) -> bytes:
            status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
            begin = self.now + dt.timedelta(hours=hours)
            answer = ocsp.OCSPResponseBuilder().add_response(
                leaf.certificate, self.above.certificate, hashes.SHA1(), status, begin, begin + _DAY, revoked, None
            )
            answer = answer.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
            return answer.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

        return {
            "good": made(self.above, -1),
            "revoked": made(self.above, -1, self.now - _DAY),
            "stale": made(self.above, -48),
            "stranger": made(self.stranger, -1),
        }

    def _below_a_leaf(self) -> tuple[pki.Issued, tuple[pki.Issued, ...]]:
        """A leaf that was signed with the key of another leaf."""
        signer = self._issue("signer.case.test", self.above)
        return self._issue(NAME, signer), (signer, self.above)
