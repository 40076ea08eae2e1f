"""What the web server costs: start to first answer, time an answer, memory; under a load of all routes, some wrong.

python benchmarks/bench_app.py                                    half a minute at 30 requests a second
python benchmarks/bench_app.py --seconds 600                      the long run
python benchmarks/bench_app.py --requests 2000 --rate 50          for its memory
python benchmarks/bench_app.py --by-route                         memory that 200 requests of each route leave behind
"""

import base64
import http.client
import io
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np
import tyro
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from report import Row, as_markdown, yes
from shell import UserError, parse, run_script

START_SECONDS, MEGABYTES, GROWTH = 1.2, 350.0, 0.05  # wanted: at most
SETTLED = 500  # requests after which memory should hardly grow
WANTED = {"read": (10, 60), "write": (60, None), "layers": (60, None)}  # milliseconds at most: median, 99 %
LINE = "Dear Ada, call me at 9:30 (room 007), yes"
SHARES = {"read": 10, "typeset": 4, "write": 4, "sample": 2, "layers": 2, "mix": 1, "models": 1, "health": 1, "page": 1}
PEOPLE = {"mnist": 1, "unipen94": 1}  # shares of real characters, where the server has them
TIMEOUT = 30  # seconds after which an answer counts as lost


@dataclass(frozen=True)
class Arguments:
    """Starts the web server and measures it."""

    seconds: float = 30.0
    """Length of the load."""
    requests: int | None = None
    """So many requests instead."""
    rate: float = 30.0
    """Requests a second, of all clients together; at more than 60 the server asks for patience."""
    clients: int = 4
    """Clients that ask at the same time."""
    malformed: float = 0.05
    """Share of requests that are wrong."""
    starts: int = 3
    """Starts that are measured."""
    by_route: tyro.conf.FlagCreatePairsOff[bool] = False
    """Measure what 200 requests of each route leave behind in memory instead."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5."""

    def __post_init__(self):
        for name, fits in (("rate", self.rate > 0), ("clients", self.clients > 0), ("starts", self.starts > 0),
                           ("malformed", 0 <= self.malformed <= 1)):  # fmt: skip
            if not fits:
                raise ValueError(f"`{name}` is out of its range. Received: {name}={getattr(self, name)}")


class Call(NamedTuple):
    """A request that is to be sent."""

    route: str
    path: str
    body: bytes | None = None
    kind: str = "application/json"
    wrong: bool = False


class Answered(NamedTuple):
    """What came of it."""

    route: str
    wrong: bool
    status: int
    """0: no answer came."""
    milliseconds: float
    """From when it was to be sent, so that a server that falls behind is not spared."""


# ------------------------------------------------------------------------------------------------------------ requests


def picture_url(rng: np.random.Generator) -> str:
    """A seven on a pad of 400 pixels, of any place, size and pen, as a data URL."""
    size, pen = rng.uniform(60, 280), int(rng.integers(12, 41))
    left, top = rng.uniform(20, 380 - size, 2)
    pad = Image.new("L", (400, 400), 255)
    points = [(left + size * x, top + size * y) for x, y in ((0.1, 0.02), (0.8, 0.0), (0.4, 1.0))]
    ImageDraw.Draw(pad).line(points, fill=0, width=pen, joint="curve")
    file = io.BytesIO()
    pad.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def posted(route: str, **fields: object) -> Call:
    return Call(route, f"/api/{route}", json.dumps(fields).encode())


def asked(route: str, **fields: object) -> Call:
    return Call(route, f"/api/{route}?{urlencode(fields)}" if fields else f"/api/{route}")


def right_call(route: str, rng: np.random.Generator) -> Call:
    """A request of a route, another each time."""
    seed = int(rng.integers(2**32))
    makers: dict[str, Callable[[], Call]] = {
        "read": lambda: posted("read", image=picture_url(rng), alphabet="digits"),
        "typeset": lambda: posted("typeset", image=picture_url(rng)),
        "write": lambda: asked("write", text=LINE, seed=seed),
        "sample": lambda: asked("sample", random=40, seed=seed),
        "layers": lambda: asked("layers", model="recogniser-ascii", character="g", seed=seed),
        "mix": lambda: asked("mix", weights="1*2+7", count=12, seed=seed),
        "models": lambda: asked("models"),
        "health": lambda: asked("health"),
        "page": lambda: Call("page", "/"),
    }
    if route in PEOPLE:
        return asked("sample", random=40, seed=seed, source=route)._replace(route=route)
    return makers[route]()


def wrong_call(rng: np.random.Generator) -> Call:
    """A request that must be refused."""
    calls = (
        Call("wrong", "/api/read", b""),
        Call("wrong", "/api/read", b'{"image": 3}'),
        Call("wrong", "/api/read", b'{"image": "data:image/png;base64,AAAA"}'),
        Call("wrong", "/api/read", b"x" * (6 << 20)),
        Call("wrong", "/api/write", b"a=b", "text/plain"),
        Call("wrong", "/api/write?text=a&seed=-1"),
        Call("wrong", "/api/layers?model=..%2F..%2Fetc%2Fpasswd"),
        Call("wrong", "/models/cvae-ascii/..%2Fcard.json"),
        Call("wrong", "/nothing"),
    )
    return calls[rng.integers(len(calls))]._replace(wrong=True)


def call_number(number: int, malformed: float, shares: dict[str, int]) -> Call:
    """Request k, a function of k, the share of wrong ones and those of the routes."""
    rng = np.random.default_rng([0, number])
    if rng.random() < malformed:
        return wrong_call(rng)
    weights = np.array(list(shares.values())) / sum(shares.values())
    return right_call(str(rng.choice(list(shares), p=weights)), rng)


def shares_for(port: int) -> dict[str, int]:
    """Shares of the routes, with the data sets that the server has; those are read now, which takes seconds, once."""
    connection = connect(port)
    have = [name for name in PEOPLE if send(connection, right_call(name, np.random.default_rng(0))) == 200]
    return SHARES | {name: PEOPLE[name] for name in have}


# ---------------------------------------------------------------------------------------------------------- the server


@contextmanager
def serving(models_dir: Path | None) -> Iterator[tuple[subprocess.Popen, int]]:
    """A running server, and its port."""
    options = ["--models-dir", str(models_dir)] if models_dir else []
    command = [sys.executable, str(ROOT / "app.py"), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        found = re.search(r":(\d+) ", process.stdout.readline())
        if not found:
            raise UserError("app.py: expected a server that starts, received none; see what it says")
        try:
            yield process, int(found[1])
        finally:
            process.terminate()


def megabytes(process: subprocess.Popen) -> float:
    """Memory that the process holds now, in 10^6 bytes."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], check=True, capture_output=True, text=True)
    return int(said.stdout) * 1024 / 1e6


def send(connection: http.client.HTTPConnection, call: Call) -> int:
    """Sends a request, and gives the status of its answer; 0: none came."""
    try:
        headers = {"Content-Type": call.kind} if call.body is not None else {}
        connection.request("GET" if call.body is None else "POST", call.path, call.body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0


def start_seconds(models_dir: Path | None) -> float:
    """From the start of the process to the first character that is read."""
    started = time.perf_counter()
    with serving(models_dir) as (_, port):
        status = send(connect(port), right_call("read", np.random.default_rng(0)))
        if status != 200:
            raise UserError(f"app.py: expected an answer with status 200, received {status}; see what it says")
        return time.perf_counter() - started


def connect(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)


class Load:
    """Clients that ask, each in a thread of its own.

    Args:
        watch: Called with the number of requests that are done, after each.
    """

    def __init__(self, port: int, arguments: Arguments, watch: Callable[[int], None]):
        self.port, self.arguments, self.watch = port, arguments, watch
        self.shares = shares_for(port)
        self.answers: list[Answered] = []
        self.started = time.perf_counter()

    def run(self) -> list[Answered]:
        """Runs all of it."""
        threads = [threading.Thread(target=self._client, args=(k,)) for k in range(self.arguments.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.answers

    def _client(self, first: int) -> None:
        connection, number = connect(self.port), first
        while not self._is_over(number):
            call = call_number(number, self.arguments.malformed, self.shares)
            due = self.started + number / self.arguments.rate
            time.sleep(max(0.0, due - time.perf_counter()))
            status = send(connection, call)
            taken = 1000 * (time.perf_counter() - due)
            self.answers.append(Answered(call.route, call.wrong, status, taken))
            self.watch(len(self.answers))
            number += self.arguments.clients

    def _is_over(self, number: int) -> bool:
        if self.arguments.requests is not None:
            return number >= self.arguments.requests
        return number >= self.arguments.rate * self.arguments.seconds


# ---------------------------------------------------------------------------------------------------------- the tables


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that a share of all does not exceed."""
    return sorted(values)[max(0, -(-round(share * len(values) * 1000) // 1000) - 1)]


def load_rows(answers: Sequence[Answered]) -> list[Row]:
    """How long answers took by route, and what came of all of them."""
    rows = []
    for route in dict.fromkeys(sorted(answer.route for answer in answers if not answer.wrong)):
        taken = [answer.milliseconds for answer in answers if answer.route == route]
        for share, most in zip((0.5, 0.99), WANTED.get(route, (None, None)), strict=True):
            value = percentile(taken, share)
            target = ("", "") if most is None else (f"at most {most} ms", yes(value <= most))
            rows.append(Row(f"{route}, {share:.0%} of {len(taken):,} within", f"{value:.1f} ms", "", *target))
    statuses = Counter(answer.status for answer in answers)
    failures = sum(count for status, count in statuses.items() if status >= 500)
    lost = sum(answer.status == 0 and not answer.wrong for answer in answers)
    unlike = sum((answer.status == 200) == answer.wrong for answer in answers if answer.status)
    told = ", ".join(f"{count:,} of {status or 'closed'}" for status, count in sorted(statuses.items()))
    return [
        *rows,
        Row("answers by status", told),
        Row("answers with status 500 and more", str(failures), "", "0", yes(not failures)),
        Row("right requests without an answer", str(lost), "", "0", yes(not lost)),
        Row("right ones refused, wrong ones accepted", str(unlike), "", "0", yes(not unlike)),
    ]


def memory_rows(settled: float | None, last: float) -> list[Row]:
    """Memory at the end, and by how much it grew since it should have settled."""
    rows = [Row("memory at the end", f"{last:.0f} MB", "", f"at most {MEGABYTES:.0f} MB", yes(last <= MEGABYTES))]
    if settled is not None:
        growth = last / settled - 1
        rows.append(Row(f"growth since request {SETTLED}", f"{growth:.1%}", "", f"at most {GROWTH:.0%}",
                        yes(growth <= GROWTH)))  # fmt: skip
    return rows


def route_rows(models_dir: Path | None, count: int = 200) -> list[Row]:
    """What requests of one route after the other leave behind."""
    rows = []
    with serving(models_dir) as (process, port):
        connection = connect(port)
        for route in shares_for(port):
            marks = []
            for number in range(count):
                send(connection, right_call(route, np.random.default_rng([1, number])))
                if number in (count // 4, count - 1):
                    marks.append(megabytes(process))
                time.sleep(1 / 50)  # else the server would ask for patience
            grown = marks[1] - marks[0]
            rows.append(Row(f"{route}, {count} requests", f"{marks[1]:.0f} MB, {grown:+.1f} MB after a fourth of them"))
    return rows


def main(arguments: Arguments) -> None:
    """Measures and prints the tables.

    Raises:
        UserError: The server does not start.
    """
    if arguments.by_route:
        print(as_markdown("app.py: memory by route", route_rows(arguments.models_dir)))
        return
    starts = [start_seconds(arguments.models_dir) for _ in range(arguments.starts)]
    middle, marks = statistics.median(starts), {}
    with serving(arguments.models_dir) as (process, port):

        def watch(done: int) -> None:
            if done == SETTLED:
                marks[SETTLED] = megabytes(process)

        answers = Load(port, arguments, watch).run()
        rows = [
            Row("start to first answer, median", f"{middle:.2f} s ({min(starts):.2f} to {max(starts):.2f})", "",
                f"at most {START_SECONDS} s", yes(middle <= START_SECONDS)),
            *load_rows(answers),
            *memory_rows(marks.get(SETTLED), megabytes(process)),
        ]  # fmt: skip
    title = f"app.py: {len(answers):,} requests of {arguments.clients} clients, {arguments.rate:g} a second"
    print(as_markdown(title, rows))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
