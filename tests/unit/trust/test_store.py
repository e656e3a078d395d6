"""Roots from files, and what is said about files that hold none."""

from pathlib import Path
from typing import Any

import pki
import pytest

from probe.trust import store
from probe.trust.store import Store, TrustError


def test_extra_roots_come_besides_the_host(authority: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    host = pki.issue("Host Root", ca=True)
    (tmp_path / "host.crt").write_bytes(b"# a comment\n" + host.pem + host.pem)
    monkeypatch.setattr(store, "HOST_BUNDLES", ("/nonexistent/bundle.crt", str(tmp_path / "host.crt")))
    both = Store((authority.pem,))
    assert [root.subject.rfc4514_string() for root in both.roots] == ["CN=Host Root", "CN=Test Root"]
    assert both.sources == (str(tmp_path / "host.crt"), authority.pem)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (None, "no such file"),
        (b"", "no PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----", "export it again"),
    ],
)
def test_unusable_files_are_refused_when_they_are_named(tmp_path: Path, content: bytes | None, remedy: str) -> None:
    path = tmp_path / "roots.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrustError, match=remedy) as caught:
        Store((str(path),))
    assert str(caught.value).startswith(str(path))


def test_a_root_that_cannot_be_parsed_is_left_out(authority: Any, tmp_path: Path) -> None:
    path = tmp_path / "roots.pem"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n" + authority.root.pem)
    assert len(Store((str(path),), host=False).roots) == 1


def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(TrustError, match=f"/dev/zero: larger than {store.MAX_BYTES} bytes; --trust"):
        Store(("/dev/zero",))
