"""pen_strokes.py: whose point is whose, and characters taken out in any order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pen_strokes import Strokes, bounds


def strokes_of(characters: list[list[int]]) -> Strokes:
    """Characters by the numbers of points of their strokes; point k lies at (k, -k)."""
    sizes = [size for character in characters for size in character]
    count = np.arange(sum(sizes), dtype=np.float32)
    offsets = [np.concatenate([[0], np.cumsum(each)]) for each in (sizes, [len(one) for one in characters])]
    return Strokes(np.stack([count, -count], axis=1), *offsets)


CHARACTERS = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=3), min_size=1, max_size=6)


def lines_of(strokes: Strokes) -> list[list[list[float]]]:
    """The first coordinates of every character's strokes."""
    lines = [part[:, 0].tolist() for part in np.split(strokes.points, strokes.strokes[1:-1])]
    return [lines[first:behind] for first, behind in zip(strokes.characters, strokes.characters[1:], strict=False)]


@given(characters=CHARACTERS, draw=st.data())
def test_characters_are_taken_whole_in_any_order_and_more_than_once(characters, draw):
    whole = strokes_of(characters)
    numbers = draw.draw(st.lists(st.integers(0, len(characters) - 1), max_size=8))
    taken = whole.take(np.array(numbers, int))
    assert lines_of(taken)[: len(numbers)] == [lines_of(whole)[number] for number in numbers]
    assert len(taken.characters) == len(numbers) + 1


@given(characters=CHARACTERS)
def test_every_point_knows_its_stroke_and_its_character(characters):
    strokes = strokes_of(characters)
    expected = [(number, line) for number, character in enumerate(characters)
                for line, size in enumerate(character) for _ in range(size)]  # fmt: skip
    assert strokes.character_of_points().tolist() == [number for number, _ in expected]
    own = strokes.stroke_of_points() - strokes.characters[strokes.character_of_points()]
    assert own.tolist() == [line for _, line in expected]
    assert strokes.character_starts().tolist() == [lines[0][0] for lines in lines_of(strokes)]


def test_boxes_hold_their_points():
    points = np.array([[0, 0], [4, 2], [1, 1], [5, -3], [3, 0]], np.float32)
    middle, extent = bounds(points, np.array([0, 2]))
    np.testing.assert_array_equal(middle, [[2, 1], [3, -1]])
    np.testing.assert_array_equal(extent, [[4, 2], [4, 4]])


def test_a_hash_names_the_strokes_and_not_how_they_are_stored():
    strokes = strokes_of([[3, 2], [4]])
    as_others = Strokes(strokes.points.astype(np.float64), *(held.astype(np.int32) for held in strokes[1:]))
    assert as_others.sha256 == strokes.sha256
    assert strokes_of([[2, 3], [4]]).sha256 != strokes.sha256
