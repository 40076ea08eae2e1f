"""Traits of a hand, of strokes whose lean and width are known, and how much of them letters share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hand_metrics
from config import ASCII, DIGITS
from hand_metrics import TRAITS, letters_of, shared_trait, slant, stroke_width, trait_tables, width_to_height
from hand_metrics import writer_tables as tables_of


def bar(width: float, tangent: float = 0.0, turn: float = 0.0, size: int = 64) -> np.ndarray:
    """A stroke 36 pixels high through the middle, its edges smooth, moved aside by its height times `tangent`."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    across, along = width / 2 - np.abs(x + tangent * y), 18 - np.abs(y)
    return np.clip(np.minimum(across, along) + 0.5, 0, 1)[None, ..., None]


def ring(radius: float, width: float, size: int = 64) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.clip(width / 2 - np.abs(np.hypot(x, y) - radius) + 0.5, 0, 1)[None, ..., None]


@pytest.mark.parametrize("tangent", [-0.6, -0.2, 0.0, 0.3, 0.8])
def test_slant_is_the_angle_that_a_bar_was_sheared_by(tangent):
    assert slant(bar(4, tangent))[0] == pytest.approx(np.degrees(np.arctan(tangent)), abs=0.3)


def test_slant_is_positive_to_the_right_and_turns_over_in_the_mirror():
    leaning = np.zeros((1, 28, 28, 1), np.uint8)
    for row in range(20):
        leaning[0, 4 + row, 20 - row // 2] = 255  # its upper end is on the right, as of a slash
    assert slant(leaning)[0] > 20
    np.testing.assert_allclose(slant(leaning[:, :, ::-1]), -slant(leaning))


@pytest.mark.parametrize("turn", [0, 30, 45, 70])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_stroke_width_of_a_bar_however_it_is_turned(width, turn):
    expected, reach = 1 / (1 / width + 1 / 36), 0.11 if (width, turn) == (2, 45) else 0.04
    assert stroke_width(bar(width, turn=np.radians(turn)))[0] == pytest.approx(expected, rel=reach)


def test_stroke_width_of_a_ring_is_that_of_its_stroke():
    for width in (2, 3, 4):
        assert stroke_width(ring(14, width))[0] == pytest.approx(width, rel=0.08)


def test_stroke_width_of_edges_without_blur_and_at_the_margin():
    picture = np.zeros((2, 28, 28, 1), np.uint8)
    picture[0, 4:24, 12:15] = 255
    picture[1, :20, :3] = 255
    np.testing.assert_allclose(stroke_width(picture), 2 * 60 / 46, rtol=0.06)


def test_width_to_height_is_that_of_the_box_of_ink():
    picture = np.full((1, 28, 28, 1), 40, np.uint8)  # fainter than half the ink
    picture[0, 4:24, 10:15] = 200
    assert width_to_height(picture) == [0.25]


@pytest.mark.parametrize("trait", TRAITS.values(), ids=TRAITS)
def test_traits_do_not_depend_on_type_darkness_or_place(trait):
    crisp = np.where(bar(4, 0.3) > 0.5, 200, 0).astype(np.uint8)
    expected = trait(crisp)
    np.testing.assert_allclose(trait(crisp // 2), expected)
    np.testing.assert_allclose(trait(crisp / np.float32(255)), expected, rtol=1e-5)
    np.testing.assert_allclose(trait(np.roll(crisp, (5, -7), (1, 2))), expected)


@pytest.mark.parametrize("trait", TRAITS.values(), ids=TRAITS)
def test_a_picture_without_ink_has_no_traits(trait):
    values = trait(np.concatenate([np.zeros_like(bar(3)), bar(3)]))
    assert np.isnan(values).tolist() == [True, False]


def test_a_level_line_leans_nowhere():
    picture = np.zeros((1, 28, 28, 1), np.uint8)
    picture[0, 14, 4:24] = 255
    assert np.isnan(slant(picture))[0]


def test_pictures_that_are_none_are_refused():
    with pytest.raises(ValueError, match="Received"):
        slant(np.zeros((28, 28)))


def test_tables_put_every_picture_in_its_place(monkeypatch):
    monkeypatch.setattr(hand_metrics, "BLOCK", 2)
    pictures = np.concatenate([bar(width) for width in (2, 3, 4)])
    table = trait_tables(pictures, np.array([0, 1, 1]), np.array([1, 0, 1]))["stroke width"]
    np.testing.assert_allclose(table, [[np.nan, stroke_width(pictures)[0]], stroke_width(pictures)[1:]])


def test_tables_of_writers_take_the_first_picture_of_a_letter():
    pictures = np.concatenate([bar(width) for width in (2, 3, 4, 5, 6)])
    labels, writers = np.array([7, 7, 5, 9, 7]), np.array([30, 30, 30, 30, 10])
    table = tables_of(pictures, labels, writers, np.array([5, 7]))["stroke width"]
    widths = stroke_width(pictures)
    np.testing.assert_allclose(table, [[np.nan, widths[4]], [widths[2], widths[0]]])


def test_hands_are_told_by_letters_and_by_digits_where_there_are_none():
    every = np.arange(len(ASCII))
    assert "".join(ASCII[label] for label in letters_of(ASCII, every[8:13])) == "ABC"
    assert letters_of(DIGITS, np.arange(10)).tolist() == list(range(10))
    assert letters_of(ASCII, every[70:75]).tolist() == list(range(70, 75))


# --- what hands share -------------------------------------------------------------------------------------------------


def test_what_is_all_the_hands_own_is_shared_and_what_is_the_letters_is_not():
    hand = np.random.default_rng(0).normal(size=(50, 1))
    assert shared_trait(3 * hand + [[1, -2, 5]]) == pytest.approx(1)
    assert shared_trait(np.tile([[1.0, -2.0, 5.0]], (50, 1))) == 0
    assert shared_trait(hand * [[1, -1]]) == pytest.approx(-1)


@given(st.integers(3, 30), st.integers(2, 6), st.integers(0, 999))
def test_it_is_the_mean_correlation_of_all_pairs(hands, letters, seed):
    values = np.random.default_rng(seed).normal(size=(hands, letters)) + np.arange(hands)[:, None] / 5
    pairs = np.corrcoef(values.T)[np.triu_indices(letters, 1)]
    assert shared_trait(values) == pytest.approx(pairs.mean(), abs=1e-9)


def test_half_shared_and_not_shared_at_all():
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(2000, 8))
    assert shared_trait(apart) == pytest.approx(0, abs=0.02)
    assert shared_trait(apart + rng.normal(size=(2000, 1))) == pytest.approx(0.5, abs=0.03)


def test_what_is_missing_changes_little():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 8)) + rng.normal(size=(2000, 1))
    missing = np.where(rng.random(values.shape) < 0.4, np.nan, values)
    assert shared_trait(missing) == pytest.approx(shared_trait(values), abs=0.03)
    assert shared_trait(np.vstack([values, np.full((3, 8), np.nan)])) == pytest.approx(shared_trait(values))


def test_a_letter_that_nobody_wrote_counts_for_nothing():
    values = np.random.default_rng(0).normal(size=(20, 1)) * [[1, 2]]
    assert shared_trait(np.hstack([values, np.full((20, 1), np.nan)])) == pytest.approx(1)


def test_letters_of_no_two_are_refused():
    with pytest.raises(ValueError, match="Received"):
        shared_trait(np.array([[1.0, np.nan], [np.nan, 2.0]]))
