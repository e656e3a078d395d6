"""The bounded map."""

from probe.bounded import Lru


def test_the_least_recently_used_goes_first_and_is_counted() -> None:
    cache: Lru[str, int] = Lru(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    assert cache.put("c", 3) == 3
    assert (cache.get("b"), cache.get("a"), cache.get("c")) == (None, 1, 3)
    assert (len(cache), cache.dropped) == (2, 1)
