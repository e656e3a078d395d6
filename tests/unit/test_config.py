"""The configuration: what is refused and where, what wins, what is shown."""

from pathlib import Path

import pytest

from probe import config
from probe.policy.load import PolicyError
from probe.values import AbsolutePath, Duration, Size


def _write(folder: Path, text: str, name: str = "transitproof.toml") -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[capture]\ninterface = ['a']\n",
            "2: interface: object contains unknown field `interface`; did you mean interf",
        ),
        ("# x\n\n[captur]\nx = 1\n", "3: captur: object contains unknown field `captur`; did you mean capture?"),
        (
            "[state]\n# y\ninterval = 3\n",
            "3: interval: 3 is no duration; write a number and ms, s, m, h or d in quotes",
        ),
        ('[state]\ninterval = "1ms"\n', "2: interval: less than 1s"),
        ('[capture]\nring = "64MB"\n', "2: ring: '64MB' is no size; write a number and B, KiB, MiB or GiB in quotes"),
        ('[capture]\nring = "1KiB"\n', "2: ring: less than the two blocks"),
        ("[capture]\ninterfaces = []\n", "2: interfaces: empty"),
        ("[capture]\nworkers = 0\n", "2: workers: 1 to 16 are possible"),
        ('[capture]\nwrite = "/x"\nworkers = 2\n', "3: workers: write wants one worker"),
        ('[judge]\n\ntrust = ["roots.pem"]\n', "3: trust: 'roots.pem' is no absolute path"),
        ('[judge]\npolicies = ["mine.toml"]\n', "2: policies: not an id and no absolute path"),
        ('[judge]\nhash_key = "credential:a/b"\n', "2: hash_key: 'credential:a/b' is no credential"),
        ('[health]\nmetrics = "0.0.0.0:9464"\n', "2: metrics: no port of the loopback"),
        ('[judge]\nprotect = ["0.0.0.0/0"]\n', "2: protect: no networks"),
        ('[judge]\nprotect = ["10.0.0.0/8,ten"]\n', "2: protect: no networks"),
        ('[identity]\nid = "a/b"\n', "2: id: no name"),
        ('[dns]\nresolvers = ["x"]\n', "1: dns: 'x' does not appear to be an IPv4 or IPv6 address"),
        (
            '[[dns.suppress]]\ndomain = "a"\nreason = "r"\nuntil = 2027-01-01\n[[dns.suppress]]\nunti = 1\n',
            "6: unti: object contains unknown field `unti`; did you mean until?",
        ),
        ("[capture\n", "1: file: Expected ']'"),
        ("x =\n", "1: file: Invalid value"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(PolicyError) as error:
        config.load(path)
    assert str(error.value).startswith(f"{path}:{said}"), error.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such file"):
        config.load(str(tmp_path / "none.toml"))


def test_drop_ins_win_key_by_key_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = _write(tmp_path, '[capture]\ninterfaces = ["a", "b"]\npromiscuous = true\n[state]\ninterval = "2m"\n')
    _write(tmp_path, '[capture]\ninterfaces = ["d"]\n', "conf.d/20.toml")
    _write(tmp_path, '[capture]\ninterfaces = ["c"]\nring = "8MiB"\n', "conf.d/10.toml")
    _write(tmp_path, "not = even TOML", "conf.d/30.conf")
    loaded = config.load(path)
    assert loaded.capture == config.Capture(interfaces=("d",), promiscuous=True, ring=Size(8 << 20))
    assert float(loaded.state.interval) == 120
    assert [file.name for file in config.files(path)] == ["transitproof.toml", "10.toml", "20.toml"]


def test_a_mistake_in_a_drop_in_names_the_drop_in(tmp_path: Path) -> None:
    path = _write(tmp_path, "")
    drop_in = _write(tmp_path, "[judge]\nexcept = []\n", "conf.d/10.toml")
    with pytest.raises(PolicyError) as error:
        config.load(path)
    assert str(error.value).startswith(f"{drop_in}:2: except: ")
    assert "did you mean expect?" in str(error.value)


def test_files_that_go_together_one_by_one_and_not_all(tmp_path: Path) -> None:
    path = _write(tmp_path, "[capture]\nworkers = 2\n")
    _write(tmp_path, '[capture]\nwrite = "/x"\n', "conf.d/10.toml")
    with pytest.raises(PolicyError, match=r"and its drop-ins: capture.workers: write wants one worker"):
        config.load(path)


def test_what_is_shown_reads_back_as_the_same(tmp_path: Path) -> None:
    text = """
[judge]
as_of = 2030-01-01
at = 2026-11-23T10:00:00Z
hash_key = "credential:hash.key"
trust = ["/etc/a\\"b.pem"]
stores = {corp = "/etc/corp.pem", "a b" = "/etc/b.pem"}
[dns]
bytes_a_day = 3000
[[dns.suppress]]
domain = "scan.example"
reason = "the scanner"
until = 2027-01-01
[state]
interval = "90s"
[rollup]
resolved_after = "36h"
"""
    loaded = config.load(_write(tmp_path, text))
    for effective in (True, False):
        shown = config.shown(loaded, effective=effective)
        assert config.load(_write(tmp_path, shown, "shown.toml")) == loaded
        assert ('ring = "32MiB"' in shown) is effective
    assert config.shown(config.Config(), effective=False) == ""
    assert config.load(_write(tmp_path, config.shown(config.Config(), effective=True))) == config.Config()


def test_which_files_are_configurations(tmp_path: Path) -> None:
    assert config.is_config(_write(tmp_path, "[capture]\n"))
    assert config.is_config(_write(tmp_path, ""))
    assert config.is_config(_write(tmp_path, "[[["))
    assert not config.is_config(_write(tmp_path, "[[rule]]\n", "policy.toml"))
    assert not config.is_config(_write(tmp_path, "", "policy.toml"))
    assert config.is_config(_write(tmp_path, "", "conf.d/x.toml"))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1.5m", 90), ("2h", 7200), ("1d", 86_400), ("250ms", 0.25)]
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration.read(text) == seconds
    assert Duration.read(str(Duration.read(text))) == seconds


@pytest.mark.parametrize(("text", "octets"), [("1B", 1), ("64MiB", 64 << 20), ("1.5KiB", 1536), ("2GiB", 2 << 30)])
def test_sizes(text: str, octets: int) -> None:
    assert Size.read(text) == octets
    assert Size.read(str(Size.read(text))) == octets


def test_credentials_are_where_systemd_puts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    path = AbsolutePath.read("credential:hash.key")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ValueError, match=r"LoadCredential=hash\.key:PATH"):
        path.resolve()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    assert path.resolve() == "/run/credentials/x/hash.key"
    assert AbsolutePath.read("/etc/x").resolve() == "/etc/x"
