"""Limits: a rate a client in bounded memory, a time a request, answers kept in bounded memory."""

import pytest

import web_guard
from web_fields import Refusal
from web_guard import AnswerCache, Buckets, Deadline


@pytest.fixture
def clock(monkeypatch):
    """A clock that is moved by hand."""
    now = [100.0]
    monkeypatch.setattr(web_guard.time, "monotonic", lambda: now[0])
    return now


def test_a_client_may_ask_at_once_and_then_at_a_rate(clock):
    buckets = Buckets(rate=2, burst=3)
    for _ in range(3):
        buckets.take("a")
    with pytest.raises(Refusal, match="wait 1 s") as caught:
        buckets.take("a")
    assert caught.value.status == 429
    assert caught.value.headers == {"Retry-After": "1"}
    buckets.take("b")  # another client is not concerned
    clock[0] += 0.5
    buckets.take("a")
    with pytest.raises(Refusal):
        buckets.take("a")
    clock[0] += 1000
    for _ in range(3):  # no more than the burst was saved up
        buckets.take("a")
    with pytest.raises(Refusal):
        buckets.take("a")


def test_who_was_silent_longest_is_forgotten(clock):
    buckets = Buckets(rate=1, burst=1, most=3)
    for address in "abcad":
        try:
            buckets.take(address)
        except Refusal:
            assert address == "a"
    assert list(buckets._buckets) == ["c", "a", "d"]


def test_a_deadline_is_told_in_seconds(clock):
    deadline = Deadline(2)
    clock[0] += 1.5
    deadline.check()
    assert deadline.elapsed == 1.5
    clock[0] += 1
    with pytest.raises(Refusal, match="longer than 2 seconds") as caught:
        deadline.check()
    assert caught.value.status == 408


def test_answers_are_kept_in_so_many_bytes():
    cache = AnswerCache(most_bytes=10)
    for key in "abcde":
        cache.put(key, b"12")
    cache.put("a", b"12")  # is there already
    assert cache.get("a") == b"12"  # and is therefore the last to go
    cache.put("f", b"12")
    assert [key for key in "abcdef" if cache.get(key)] == ["a", "c", "d", "e", "f"]
    assert cache.bytes == 10
    cache.put("large", b"123")
    assert cache.get("large") is None
