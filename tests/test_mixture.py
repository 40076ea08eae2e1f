"""What somebody writes after --mix: every character can be said, and whatever else is one line."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config import ASCII
from mixture import parse_mixture, shares_of
from shell import UserError

WEIGHTS = st.floats(0, 1e308) | st.integers(0, 10**9).map(float)
PARTS = st.lists(st.tuples(st.sampled_from(ASCII), WEIGHTS), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("1+2+4", {"1": 1 / 3, "2": 1 / 3, "4": 1 / 3}),
        ("1*2+7", {"1": 2 / 3, "7": 1 / 3}),
        ("1*0.7 + 2*0.3", {"1": 0.7, "2": 0.3}),
        ("7", {"7": 1}),
        ("a*0+b", {"a": 0, "b": 1}),
        ("1+7+1", {"1": 2 / 3, "7": 1 / 3}),
        ("++*", {"+": 0.5, "*": 0.5}),
        ("+++", {"+": 1}),
        ("+*2+*", {"+": 2 / 3, "*": 1 / 3}),
        ("**3+2*1", {"*": 0.75, "2": 0.25}),
        ("1*2e-1+2*.8", {"1": 0.2, "2": 0.8}),
    ],
)  # fmt: skip
def test_shares_as_they_are_written(text, shares):
    assert parse_mixture(text) == pytest.approx(shares)


@given(PARTS.filter(lambda parts: any(weight for _, weight in parts)), st.sampled_from(["", " "]))
def test_whatever_can_be_mixed_can_be_written(parts, blank):
    text = f"{blank}+{blank}".join(f"{character}*{weight:f}" for character, weight in parts)
    written = [(character, float(f"{weight:f}")) for character, weight in parts]
    if not any(weight for _, weight in written):
        return
    shares = parse_mixture(text)
    assert shares == shares_of(written)
    assert list(shares) == list(dict.fromkeys(character for character, _ in parts))
    assert math.fsum(shares.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 + 1e-12 for share in shares.values())


@given(st.text(st.sampled_from("12+* .-e\u0663\n"), max_size=12) | st.text(max_size=12))
@example("1*1e400+2")
@example("1*5e-324")
def test_any_text_is_shares_or_one_line(text):
    try:
        shares = parse_mixture(text)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert math.fsum(shares.values()) == pytest.approx(1)
        assert all(len(character) == 1 and not character.isspace() for character in shares)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mix '': expected one character, then .* received none; try 1"),
        ("  ", "received none"),
        ("12", "received '12'"),
        ("1+", r"after '1\+', .* received none"),
        ("1++2", r"after '1\+', .* received '\+2'"),
        ("1*", r"a number after \*, received ''"),
        ("1*x+2", "received 'x'"),
        ("1**2", r"received '\*2'"),
        ("1*-2+3", "weight of '1': .* received -2.0"),
        ("1*nan", "weight of '1': .* received nan"),
        ("1*inf+2", "weight of '1': .* received inf"),
        ("1*0+2*0", "at least one above 0"),
    ],
)
def test_what_cannot_be_mixed_is_told(text, message):
    with pytest.raises(UserError, match=message):
        parse_mixture(text)


def test_weights_of_a_program_are_brought_to_a_sum_of_1():
    assert shares_of({"a": 3, "b": 1}.items()) == {"a": 0.75, "b": 0.25}
    for wrong in ({}, {"a": 0}, {"a": -1, "b": 2}, {"a": float("nan")}):
        with pytest.raises(UserError):
            shares_of(wrong.items())
