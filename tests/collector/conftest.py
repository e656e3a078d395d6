"""A store of each kind."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from collector.store.store import Store

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


class Postgres:
    """A server of our own on loopback; raises pytest's Skipped where there can be none."""

    def __init__(self, name: str, *, fsync: bool = False) -> None:
        if not POSTGRES:
            pytest.skip("Debian package postgresql is not installed")
        if os.geteuid() != 0 or not any(user.pw_name == "postgres" for user in pwd.getpwall()):
            pytest.skip("PostgreSQL does not run as root, and only root can become another user")
        self._programs, self._folder = POSTGRES[-1].parent, Path("/tmp") / f"tp-{name}-{os.getpid()}"
        self._folder.mkdir()
        shutil.chown(self._folder, "postgres")
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        self.url = f"postgresql+pg8000://postgres@127.0.0.1:{port}"
        """Without the database's name."""
        self._data = str(self._folder / "data")
        self._run("initdb", "-A", "trust", "-N", "-D", self._data)
        safe = "" if fsync else " -c fsync=off"
        self._options = f"-p {port} -k {self._folder} -c listen_addresses=127.0.0.1{safe}"
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments], check=True, user="postgres", cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    def start(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-l", str(self._folder / "log"), "-o", self._options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def database(self, name: str) -> str:
        """A new one; its url."""
        engine = create_engine(f"{self.url}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return f"{self.url}/{name}"

    def end(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres("postgres")
    yield server
    server.end()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/collector.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database(f"t{abs(hash(str(tmp_path))) % 10**12}")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()
