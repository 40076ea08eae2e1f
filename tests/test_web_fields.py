"""Fields of requests: what their schemas say is what passes, and whatever else comes is refused in one sentence."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web_fields import Field, Refusal, choice, from_address, listed, number, parse_json, record, taken, text, whole

FIELDS = (
    Field("seed", whole(0, 9), "Draws it."),
    Field("share", number(0, 1), "How much.", 0.5),
    Field("kind", choice("a", "b"), "Which.", "a"),
    Field("word", text(5, 1, pattern="^[a-z]*$"), "What.", required=True),
    Field("pair", listed(number(-5, 5), 2, 2), "Least and most."),
    Field("shape", record({"x": whole(0, 9)}, y=text(3)), "Where."),
    Field("one", text(1, 1), "A character."),
    Field("flag", {"type": "boolean"}, "Whether.", False),
    Field("long", text(99), "Only in a body.", in_body_only=True),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([field.name for field in FIELDS] + ["sed", ""])


def test_values_pass_and_what_is_left_out_has_its_default():
    given_values = {"word": "abc", "seed": 3.0, "pair": [1, 2.5], "shape": {"x": 1}, "share": None}
    values = taken(FIELDS, given_values)
    assert values == {"seed": 3, "share": 0.5, "kind": "a", "word": "abc", "pair": [1, 2.5], "shape": {"x": 1},
                      "one": None, "flag": False, "long": None}  # fmt: skip
    assert isinstance(values["seed"], int)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": 10}, r"seed: expected a whole number in \[0, 9\], received 10"),
        ({"seed": True}, "received true"),
        ({"seed": 1.5}, "received 1.5"),
        ({"seed": "3"}, "received '3'"),
        ({"share": math.nan}, "share: .* received nan"),
        ({"share": math.inf}, "received inf"),
        ({"share": 10**400}, "share: expected"),
        ({"kind": "c"}, "kind: expected one of a, b, received 'c'"),
        ({"word": ""}, "word: expected 1 to 5 characters, received 0"),
        ({"one": "ab"}, "one: expected 1 character, received 2"),
        ({"shape": {"x": 1, "y": "1234"}}, r"shape\.y: expected at most 3 characters, received 4"),
        ({"word": "abc\n"}, "word: expected text of the pattern"),
        ({"pair": [1]}, "pair: expected 2 items, received 1"),
        ({"pair": [1, "x"]}, r"pair\[1\]: expected a number"),
        ({"shape": {}}, "shape: expected x, received no x"),
        ({"shape": {"x": 1, "z": 2}}, "shape: expected the fields x, y, received 'z'"),
        ({"shape": {"x": -1}}, r"shape\.x: "),
        ({"flag": "true"}, "flag: expected true or false"),
        ({"sead": 1}, r"received 'sead' \(did you mean 'seed'\?\)"),
        ({"word": None}, "word: expected text, received none"),
    ],
)
def test_wrong_values_are_named(wrong, said):
    with pytest.raises(Refusal, match=said) as caught:
        taken(FIELDS, {"word": "abc"} | wrong)
    assert caught.value.status == 400
    assert "\n" not in str(caught.value)


@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_anything_passes_or_is_refused(received):
    try:
        values = taken(FIELDS, received)
    except Refusal as refusal:
        assert refusal.status == 400 and len(str(refusal)) < 300
    else:
        assert set(values) == {field.name for field in FIELDS}
        json.dumps(values, allow_nan=False)


@given(st.lists(st.tuples(NAMES, st.text(max_size=12) | st.integers().map(str) | st.floats().map(str)), max_size=4))
def test_any_address_passes_or_is_refused(given_pairs):
    try:
        taken(FIELDS, from_address(FIELDS, given_pairs))
    except Refusal as refusal:
        assert refusal.status == 400


def test_addresses_tell_numbers_lists_and_objects():
    read = from_address(FIELDS, [("seed", "7"), ("share", "1e-1"), ("pair", "-2,5.5"), ("shape", '{"x": 1}'),
                                 ("flag", "true"), ("word", "7")])  # fmt: skip
    assert read == {"seed": 7, "share": 0.1, "pair": [-2, 5.5], "shape": {"x": 1}, "flag": True, "word": "7"}
    for wrong in ([("seed", "1"), ("seed", "1")], [("long", "x")], [("share", "inf")], [("seed", "1_0")],
                  [("flag", "1")], [("pair", "1,")], [("shape", "{")], [("seed", "٣")]):  # fmt: skip
        with pytest.raises(Refusal):
            from_address(FIELDS, wrong)


@pytest.mark.parametrize("content", [b"", b"{", b"NaN", b"[" * 100_000, b"1" * 5000, b"\xff", b'{"a": Infinity}'])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(Refusal, match="expected JSON"):
        parse_json(content, "body")


def test_optional_fields_are_described_with_null_and_their_default():
    kind = FIELDS[2].described()
    assert kind == {"type": ["string", "null"], "enum": ["a", "b", None], "description": "Which.", "default": "a"}
    assert FIELDS[3].described()["type"] == "string"
