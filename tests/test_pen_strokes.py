"""pen_strokes.py: whose point is whose, characters taken out in any order, and files that are what they should be."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hostile_files import altered, only_user_errors
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_strokes import strokes_of

from pen_strokes import Strokes, bounds, load_strokes, read_strokes, sha256_of
from shell import UserError

CHARACTERS = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=3), min_size=1, max_size=6)


def counted(characters: list[list[int]]) -> Strokes:
    """Characters by the numbers of points of their strokes; point k lies at (k, -k)."""
    ends = np.cumsum([size for character in characters for size in character])
    lines = iter(np.split(np.stack([np.arange(ends[-1]), -np.arange(ends[-1])], axis=1), ends[:-1]))
    return strokes_of(*[[next(lines) for _ in character] for character in characters])


def lines_of(strokes: Strokes) -> list[list[list[float]]]:
    """The first coordinates of every character's strokes."""
    offsets = strokes.character_offsets
    lines = [part[:, 0].tolist() for part in np.split(strokes.points, strokes.stroke_offsets[1:-1])]
    return [lines[first:behind] for first, behind in pairwise(offsets)]


@given(characters=CHARACTERS, draw=st.data())
def test_characters_are_taken_whole_in_any_order_and_more_than_once(characters, draw):
    whole = counted(characters)
    numbers = draw.draw(st.lists(st.integers(0, len(characters) - 1), min_size=1, max_size=8))
    assert lines_of(whole.take(np.array(numbers))) == [lines_of(whole)[number] for number in numbers]


def test_no_character_can_be_taken():
    taken = counted([[2], [3, 1]]).take(np.array([], int))
    assert (len(taken.points), taken.stroke_offsets.tolist(), taken.character_offsets.tolist()) == (0, [0], [0])


@given(characters=CHARACTERS)
def test_every_point_knows_its_stroke_and_its_character(characters):
    strokes = counted(characters)
    expected = [(number, line) for number, character in enumerate(characters)
                for line, size in enumerate(character) for _ in range(size)]  # fmt: skip
    assert strokes.character_of_points().tolist() == [number for number, _ in expected]
    own = strokes.stroke_of_points() - strokes.character_offsets[strokes.character_of_points()]
    assert own.tolist() == [line for _, line in expected]
    assert strokes.character_starts().tolist() == [lines[0][0] for lines in lines_of(strokes)]


def test_boxes_hold_their_points():
    points = np.array([[0, 0], [4, 2], [1, 1], [5, -3], [3, 0]], np.float32)
    middle, extent = bounds(points, np.array([0, 2]))
    np.testing.assert_array_equal(middle, [[2, 1], [3, -1]])
    np.testing.assert_array_equal(extent, [[4, 2], [4, 4]])


def test_a_hash_names_the_strokes_and_not_how_they_are_stored():
    strokes = counted([[3, 2], [4]])
    as_others = Strokes(strokes.points.astype(np.float64), *(held.astype(np.int32) for held in strokes[1:]))
    assert sha256_of({0: as_others}) == sha256_of({0: strokes})
    assert sha256_of({0: counted([[2, 3], [4]])}) != sha256_of({0: strokes})


# --- files -----------------------------------------------------------------------------------------------------------


def write_strokes(path: Path, **changes) -> Path:
    arrays = {
        "points": np.arange(12, dtype=np.float32).reshape(6, 2),
        "stroke_offsets": np.array([0, 2, 3, 6]),
        "char_offsets": np.array([0, 2, 3]),
    } | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def write_pictures(path: Path, count: int) -> Path:
    np.savez(path, images=np.zeros((count, 28, 28), np.uint8), labels=np.zeros(count, int), classes=np.array(["a"]))
    return path


def test_strokes_are_read_with_y_downwards(tmp_path):
    held = read_strokes(write_strokes(tmp_path / "set_strokes.npz"))
    assert held.points.dtype == np.float32
    np.testing.assert_array_equal(held.points[1], [2, -3])
    np.testing.assert_array_equal(held.stroke_offsets, [0, 2, 3, 6])
    np.testing.assert_array_equal(held.character_offsets, [0, 2, 3])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"points": None}, "'points'"),
        ({"char_offsets": None}, "'char_offsets'"),
        ({"points": np.zeros((6, 3), np.float32)}, r"\(6, 3\)"),
        ({"points": np.zeros((6, 2), int)}, "points of floats"),
        ({"points": np.array(0.5)}, "points of floats"),
        ({"points": np.full((6, 2), np.nan)}, "point 0 is"),
        ({"points": np.array([[0, 0]] * 5 + [[0, 1e300]])}, "point 5 is"),
        ({"points": np.array([[0, 0]] * 5 + [[0, 3e38]], np.float32)}, "point 5 is"),
        ({"stroke_offsets": np.array([0, 2, 3, 7])}, "stroke_offsets that rise from 0 to 6; received 0 to 7"),
        ({"stroke_offsets": np.array([0, 3, 3, 6])}, "least step being 0"),
        ({"stroke_offsets": np.array([0.0, 2, 3, 6])}, "float64"),
        ({"stroke_offsets": np.zeros((2, 2), int)}, r"\(2, 2\)"),
        ({"stroke_offsets": np.array(6)}, r"stroke_offsets as two whole numbers or more; received int64 \(\)"),
        ({"stroke_offsets": np.zeros(0, int)}, "stroke_offsets as two"),
        ({"char_offsets": np.array([0, 2])}, "char_offsets that rise from 0 to 3"),
        ({"char_offsets": np.array([1, 2, 3])}, "char_offsets that rise"),
    ],
)
def test_strokes_whose_arrays_do_not_fit_are_refused(tmp_path, changes, complaint):
    with pytest.raises(UserError, match=complaint):
        read_strokes(write_strokes(tmp_path / "set_strokes.npz", **changes))


@settings(max_examples=150)
@given(
    cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8)
)
def test_cut_and_altered_strokes(tmp_path_factory, cut, flips):
    path = write_strokes(tmp_path_factory.getbasetemp() / "set_strokes.npz")
    only_user_errors(read_strokes, altered(path.read_bytes(), cut, flips), tmp_path_factory)


def test_strokes_lie_beside_their_pictures_and_are_of_as_many(tmp_path):
    pictures = str(write_pictures(tmp_path / "mine.npz", 2))
    assert load_strokes(pictures) is None
    write_strokes(tmp_path / "mine_strokes.npz")
    assert len(load_strokes(pictures).character_offsets) == 3
    write_pictures(tmp_path / "mine.npz", 3)
    with pytest.raises(UserError, match="strokes of 3 characters, as mine.npz holds; received those of 2;.*redrawn 0"):
        load_strokes(pictures)


def test_unipen_without_its_strokes_is_told_where_they_belong(tmp_path):
    write_pictures(tmp_path / "unipen94.npz", 1)
    with pytest.raises(UserError, match="unipen94_strokes.npz: expected the pen strokes.*put it there, or.*redrawn 0"):
        load_strokes("unipen94", tmp_path)


@pytest.mark.parametrize("name", ["mnist", "digits", "folder:letters", "sd19"])
def test_sets_of_pictures_alone_have_no_strokes(name, tmp_path):
    assert load_strokes(name, tmp_path) is None
