"""Values that a process remembers until they expire."""

from chalicelib.store.cache import Cache, put_latest


def test_value_is_there_until_it_expires() -> None:
    cache: Cache[str] = Cache()
    cache.put("key", 10, "value")

    assert cache.get("key", 9.9) == "value"
    assert cache.get("key", 10) is None


def test_full_cache_drops_the_oldest_value() -> None:
    cache: Cache[int] = Cache(size=2)
    for key in ("first", "second", "first", "third"):
        cache.put(key, 10, 1)

    assert [cache.get(key, 0) for key in ("first", "second", "third")] == [1, None, 1]
    assert len(cache.entries) == 2


def test_earlier_time_changes_nothing_and_keeps_nothing_longer() -> None:
    cache: Cache[int] = Cache()
    put_latest(cache, "key", 0, 10, 50)
    put_latest(cache, "key", 5, 15, 40)

    assert cache.get("key", 9) == 50
    assert cache.get("key", 10) is None
    put_latest(cache, "key", 10, 20, 40)
    assert cache.get("key", 11) == 40
