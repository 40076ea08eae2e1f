"""The reference typeface says how high a character is, and where it stands."""

import pytest

from config import ASCII, DIGITS, LOWER, UPPER
from letterforms import ascent, form_of


def test_every_character_is_within_the_body():
    for character in ASCII + "\u00e9\u00c5\u4e2d\u05d0":
        form = form_of(character)
        assert ascent() - 1 <= form.bottom < form.top <= ascent()
        assert 0 < form.width < 1.2


def test_the_body_spans_one():
    assert form_of("d").top - form_of("p").bottom == pytest.approx(1)


def test_letters_stand_hang_and_rise_as_they_should():
    lowest = {character: form_of(character).bottom for character in ASCII}
    assert all(abs(lowest[character]) < 0.03 for character in DIGITS + UPPER + LOWER if character not in "gjpqyJQ")
    assert all(lowest[character] < -0.2 for character in "gjpqy")
    assert lowest[","] < -0.1 < lowest["."]
    assert lowest["'"] > form_of("a").top - 0.05
    assert 0.1 < lowest["-"] < form_of("-").top < form_of("x").top
    assert form_of("x").top == pytest.approx(2 / 3 * form_of("H").top, abs=0.03)
