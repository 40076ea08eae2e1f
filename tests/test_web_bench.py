"""The arithmetic of the web server's benchmark; what it times is its own."""

import numpy as np
import pytest

from benchmarks.bench_app import (
    SHARES,
    Answered,
    Arguments,
    call_number,
    load_rows,
    memory_rows,
    percentile,
    right_call,
    wrong_call,
)
from web_routes import ROUTES


def test_percentiles_are_values_that_were_measured():
    assert [percentile([4.0, 1.0, 3.0, 2.0], share) for share in (0.25, 0.5, 0.51, 0.99, 1)] == [1, 2, 3, 4, 4]


def test_answers_are_held_against_what_is_wanted():
    answers = [Answered("read", False, 200, 5.0)] * 98 + [Answered("read", False, 200, 90.0)] * 2
    answers += [Answered("wrong", True, 400, 1.0), Answered("wrong", True, 0, 1.0)]
    assert [row.met for row in load_rows(answers)] == ["yes", "**no**", "", "yes", "yes", "yes"]
    spoilt = [
        *answers,
        Answered("page", False, 0, 1.0),
        Answered("page", True, 200, 1.0),
        Answered("page", False, 500, 1),
    ]
    rows = load_rows(spoilt)
    assert [row.met for row in rows[-3:]] == ["**no**"] * 3
    assert rows[-4].measured == "2 of closed, 101 of 200, 1 of 400, 1 of 500"


def test_memory_is_held_against_its_bounds():
    assert [row.met for row in memory_rows(200, 209)] == ["yes", "yes"]
    assert [row.met for row in memory_rows(300, 360)] == ["**no**", "**no**"]
    assert len(memory_rows(None, 100)) == 1


def test_requests_are_made_of_their_number_alone():
    calls = [call_number(number, 0.5, SHARES) for number in range(40)]
    assert calls == [call_number(number, 0.5, SHARES) for number in range(40)]
    assert 10 < sum(call.wrong for call in calls) < 30
    assert wrong_call(np.random.default_rng(0)).wrong


def test_every_route_that_models_answer_is_asked():
    assert {route.name for route in ROUTES} <= set(SHARES)
    for route in SHARES:
        assert right_call(route, np.random.default_rng(0)).route == route


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="Received: rate=0"):
        Arguments(rate=0)
