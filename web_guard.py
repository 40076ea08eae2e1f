"""What keeps the server going, whatever it is sent: limits, a rate a client, a time a request, bounded memory."""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from web_fields import Refusal

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Sent with every answer: a browser takes scripts, styles and data from this server alone, and frames it nowhere."""

ADDRESSES = 4096  # clients whose rate is remembered
CACHE_BYTES = 8 << 20
LARGEST_SHARE = 4  # of the cache: no single answer takes more than a fourth of it


@dataclass(frozen=True)
class Limits:
    """How much a client may ask for."""

    body: int = 5 << 20
    """Bytes of a request."""
    pixels: int = 25_000_000
    """Of all pictures of a request together."""
    rate: float = 60.0
    """Requests a second and client address, in the long run."""
    burst: int = 240
    """Requests at once, after a rest."""
    seconds: float = 30.0
    """A request may take; looked at between its steps, each of which is bounded by what it is given."""

    @property
    def too_long(self) -> str:
        """What is told of a longer body."""
        return f"expected at most {self.body / (1 << 20):g} MB, received more"


class Deadline:
    """The moment until which a request must be answered."""

    def __init__(self, seconds: float):
        self.seconds, self.started = seconds, time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the request came."""
        return time.monotonic() - self.started

    def check(self) -> None:
        """Refuses to go on once the time is over.

        A thread cannot be stopped from outside: whoever takes steps of some length calls this between them.
        """
        if self.elapsed > self.seconds:
            raise Refusal(408, f"the request took longer than {self.seconds:g} seconds; ask for less")


class Buckets:
    """A token bucket for each client address; that of who was silent longest is forgotten first.

    Args:
        rate: Tokens a second. burst: Tokens that a bucket holds. most: Addresses remembered.
    """

    def __init__(self, rate: float, burst: int, most: int = ADDRESSES):
        self.rate, self.burst, self.most = rate, burst, most
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when they were counted

    def take(self, address: str) -> None:
        """Takes a token.

        Raises:
            Refusal: There is none left.
        """
        now = time.monotonic()
        with self._lock:
            tokens, then = self._buckets.pop(address, (float(self.burst), now))
            tokens = min(self.burst, tokens + (now - then) * self.rate)
            self._buckets[address] = (tokens - 1 if tokens >= 1 else tokens, now)
            if len(self._buckets) > self.most:
                self._buckets.popitem(last=False)
        if tokens < 1:
            wait = math.ceil((1 - tokens) / self.rate)
            raise Refusal(429, f"too many requests; wait {wait} s", {"Retry-After": str(wait)})


class AnswerCache:
    """The answers that were asked for last, as many as fit into some bytes; shared by threads."""

    def __init__(self, most_bytes: int = CACHE_BYTES):
        self.most_bytes, self.bytes = most_bytes, 0
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """The answer of that key, if it is still there."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: str, answer: bytes) -> None:
        """Keeps an answer, and gives up those that were not asked for longest."""
        with self._lock:
            if key in self._answers or len(answer) > self.most_bytes // LARGEST_SHARE:
                return
            self._answers[key] = answer
            self.bytes += len(answer)
            while self.bytes > self.most_bytes:
                self.bytes -= len(self._answers.popitem(last=False)[1])
