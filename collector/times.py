"""Times of the contract (RFC 3339) as seconds since 1970, and back."""

import datetime as dt


def seconds(text: object, default: float) -> float:
    """`default` for what is no time: a probe's clock and a poisoned record are not trusted."""
    if not isinstance(text, str):
        return default
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return default
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def rfc3339(when: float) -> str:
    """With microseconds, in UTC."""
    return dt.datetime.fromtimestamp(when, dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
