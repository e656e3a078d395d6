"""Who may read and who may change: tokens with roles, sessions as cookies, changes only from our own pages."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from typing import Final, Literal

from msgspec import Struct

from collector.settings import SettingsError
from probe import files

Role = Literal["viewer", "operator"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "operator")
SESSION: Final = 12 * 3600.0  # seconds
MAX_SESSIONS: Final = 10_000
RATE: Final = 50.0  # requests a second for one client, in the long run
BURST: Final = 200.0
MAX_CLIENTS: Final = 10_000
MAX_BYTES: Final = 1 << 20  # of the file of tokens: some 15,000
_TOKEN_BYTES: Final = 24  # least length of a token


class Who(Struct, frozen=True):
    """A person or a program, and what it may do."""

    name: str
    role: Role

    @property
    def may_change(self) -> bool:
        """Acknowledge, suppress, resolve."""
        return self.role == "operator"


LOCAL: Final = Who("local", "operator")
"""Whoever sits at this host, where no tokens are configured."""


class Access:
    """Tokens by their hash; without any everybody who reaches us is `LOCAL`, which settings allow on loopback only."""

    def __init__(self, tokens: dict[str, Who] | None) -> None:
        self._tokens = tokens
        self._key = secrets.token_bytes(32)
        self._sessions: OrderedDict[str, tuple[Who, float]] = OrderedDict()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def is_open(self) -> bool:
        """Whether nobody has to log in."""
        return self._tokens is None

    def by_token(self, token: str) -> Who | None:
        """Hashes are compared, in which the time tells nothing about the token."""
        return LOCAL if self._tokens is None else self._tokens.get(_hash(token))

    def begin(self, who: Who) -> str:
        """A session for a browser: the value of its cookie."""
        session = secrets.token_urlsafe(32)
        self._sessions[_hash(session)] = (who, time.monotonic() + SESSION)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def by_session(self, session: str) -> Who | None:
        """None if there is none or it is over."""
        if self._tokens is None:
            return LOCAL
        who, end = self._sessions.get(_hash(session), (None, 0.0))
        return who if end > time.monotonic() else None

    def end(self, session: str) -> None:
        """Log out."""
        self._sessions.pop(_hash(session), None)

    def form_key(self, session: str) -> str:
        """What a form of ours carries and a foreign page cannot know."""
        return hmac.new(self._key, session.encode(), "sha256").hexdigest()

    def is_ours(self, session: str, given: str) -> bool:
        """Whether a form came from our page of this session."""
        return hmac.compare_digest(self.form_key(session), given)

    def may_ask(self, client: str, now: float) -> bool:
        """A token bucket for each client's address."""
        level, last = self._buckets.pop(client, (BURST, now))
        level = min(BURST, level + (now - last) * RATE)
        self._buckets[client] = (max(0.0, level - 1), now)
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return level >= 1


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def load(path: str) -> dict[str, Who]:
    """A file of lines `ROLE NAME TOKEN`; # begins a comment. Raises SettingsError, which never shows a token."""
    try:
        lines = files.text(path, MAX_BYTES).splitlines()
    except files.UnreadableError as error:
        raise SettingsError(str(error)) from None
    tokens = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        role = next((role for role in ROLES if role == words[0]), None)
        if len(words) != 3 or role is None or len(words[2]) < _TOKEN_BYTES:
            wanted = f"ROLE NAME TOKEN, the role viewer or operator, the token of {_TOKEN_BYTES} characters or more"
            raise SettingsError(f"{path}:{number}: not {wanted}")
        tokens[_hash(words[2])] = Who(words[1], role)
    if not tokens:
        raise SettingsError(f"{path}: no token in it; add a line: operator NAME {'$'}(openssl rand -hex 24)")
    return tokens
