"""Certificates for a broker and its clients, made with trustme and cryptography."""

import datetime as dt
from pathlib import Path

import trustme

HOST = "127.0.0.1"


class Pki:
    """One authority; `broker`, and a client for each name."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.authority = trustme.CA()
        self.ca = folder / f"{name}.pem"
        self.authority.cert_pem.write_to_path(self.ca)

    def broker(self, name: str = "broker", *, host: str = HOST, ends: dt.datetime | None = None) -> tuple[Path, Path]:
        return self._write(name, self.authority.issue_cert(host, not_after=ends))

    def client(self, name: str) -> tuple[Path, Path]:
        return self._write(name, self.authority.issue_cert(f"{name}.test", common_name=name))

    def _write(self, name: str, made: trustme.LeafCert) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        made.private_key_pem.write_to_path(key)
        return certificate, key
