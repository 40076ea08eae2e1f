"""redrawing.py: another hand, but the same character, as large as it was, in whatever unit it was written."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_strokes import strokes_of

from data_processor import TEST, TRAIN, GlyphDataset, load
from pen_strokes import Strokes, bounds, load_strokes
from redrawing import ink_spans, redraw, with_redrawn, written_otherwise

SEVEN = [[(0, 0), (10, 0), (4, 15)], [(2, 8), (8, 7)]]
RING = [[(10 * np.cos(turn), 14 * np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 40)]]
DOT = [[(3, 3)]]


def squares(*sides: int) -> np.ndarray:
    """Pictures whose ink is a square of that side."""
    images = np.zeros((len(sides), 28, 28, 1), np.uint8)
    for image, side in zip(images, sides, strict=True):
        image[2 : 2 + side, 2 : 2 + side] = 200
    return images


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_same_state_draws_the_same_and_another_does_not():
    strokes, images = strokes_of(SEVEN, RING), squares(22, 22)
    first = redraw(strokes, images, rng())
    assert first.shape == images.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, redraw(strokes, images, rng()))
    assert (first != redraw(strokes, images, rng(1))).any(axis=(1, 2, 3)).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 999), side=st.integers(4, 26))
def test_ink_stays_as_large_as_it_was_in_the_middle_of_the_picture(seed, side):
    drawn = redraw(strokes_of(SEVEN, RING), squares(side, side), rng(seed))
    assert (abs(ink_spans(drawn) - side) <= 0.06 * side + 2).all()
    assert (abs(middles_of(drawn) - 13.5) <= 0.5).all()


def test_on_the_whole_redrawn_ink_lies_in_the_middle():
    drawn = redraw(strokes_of(*[SEVEN, RING] * 200), squares(*[20] * 400), rng())
    np.testing.assert_allclose(middles_of(drawn).mean(axis=0), 13.5, atol=0.05)


def middles_of(images: np.ndarray) -> np.ndarray:
    """The middle `(N, 2)` of the box around each picture's ink, in pixels."""
    inked = images[..., 0] > 60
    return np.stack([(side.argmax(axis=1) + 27 - side[:, ::-1].argmax(axis=1)) / 2
                     for side in (inked.any(axis=2), inked.any(axis=1))], axis=1)  # fmt: skip


def test_a_line_is_as_thick_at_its_ends_as_between_them(monkeypatch):
    monkeypatch.setattr("redrawing.written_otherwise", lambda strokes, rng: strokes.points)
    drawn = redraw(strokes_of(*[[[(-0.5, 0), (0.5, 0)]]] * 30), squares(*[20] * 30), rng())[..., 0].astype(float)
    thickness = drawn.sum(axis=1) / 255  # (N, columns)
    assert abs(thickness[:, 5:23].max(axis=1) - thickness[:, 13]).max() < 0.1
    assert thickness[:, 13].min() > 1.5 and thickness[:, 13].max() < 3.7


def test_edges_are_as_soft_as_those_of_written_pictures(monkeypatch):
    monkeypatch.setattr("redrawing.written_otherwise", lambda strokes, rng: strokes.points)
    drawn = redraw(strokes_of(*[[[(-0.5, 0), (0.5, 0)]]] * 200), squares(*[20] * 200), rng())[:, :, 14, 0] / 255
    pens, rows = drawn.sum(axis=1), np.arange(28)
    middles = drawn @ rows / pens
    spreads = (drawn * (rows - middles[:, None]) ** 2).sum(axis=1) / pens  # of the pen, the blur and the pixel
    blurs = np.sqrt(np.maximum(spreads - pens**2 / 12 - 1 / 12, 0))
    assert 0.4 < np.median(blurs) < 0.55 and 0.3 < np.quantile(blurs, 0.02) < np.quantile(blurs, 0.98) < 0.65


def test_a_dot_stays_a_dot():
    drawn = redraw(strokes_of(*[DOT] * 20), squares(*[4] * 20), rng())
    assert drawn.any(axis=(1, 2, 3)).all()
    assert ink_spans(drawn).max() <= 4


def test_it_matters_neither_where_nor_in_what_unit_a_character_was_written():
    near = strokes_of(SEVEN, RING)
    far = near._replace(points=near.points * 64 + np.float32([4096, -512]))
    np.testing.assert_allclose(written_otherwise(near, rng()), written_otherwise(far, rng()), atol=1e-4)


def test_hands_differ_and_characters_fill_their_frame():
    strokes = strokes_of(*[SEVEN] * 200)
    points = written_otherwise(strokes, rng())
    middle, extent = bounds(points, strokes.character_starts())
    np.testing.assert_allclose(middle, 0, atol=1e-5)
    np.testing.assert_allclose(extent.max(axis=1), 1, atol=1e-5)
    assert extent.min(axis=1).std() > 0.05  # some are narrower than others
    crossed = points.reshape(200, 5, 2)[:, 3:].mean(axis=1) - points.reshape(200, 5, 2)[:, :3].mean(axis=1)
    assert (crossed.std(axis=0) > 0.01).all()  # and the bar is not always at one place


def a_part() -> tuple[GlyphDataset, Strokes]:
    """Pictures of two sets; the second's strokes are known, and its pictures come in another order than they."""
    images = squares(10, 10, 20, 24, 3)
    labels, source = np.array([0, 1, 0, 1, 2], np.int32), np.array([0, 0, 1, 1, 1], np.uint8)
    part = GlyphDataset("joined", images, labels, "7o.", tuple("7o."), np.full(5, TRAIN, np.uint8), None, source,
                        np.array([0, 1, 2, 0, 1], np.int32))  # fmt: skip
    return part, strokes_of(RING, DOT, SEVEN)


def test_pictures_whose_strokes_are_known_are_joined_by_others_of_their_label():
    part, strokes = a_part()
    joined = with_redrawn(part, 7, {1: strokes}, 3, 5)
    assert joined.labels.tolist() == part.labels.tolist() + [0, 1, 2] * 3
    assert joined.source.tolist() == part.source.tolist() + [7] * 9
    np.testing.assert_array_equal(joined.images[:5], part.images)
    sevens, rings, dots = (joined.images[5 + k :: 3, ..., 0] for k in range(3))
    assert rings[:, :, 4:24].any(axis=2).sum(axis=1).min() > 15 and not rings[:, 12:16, 12:16].any()
    assert sevens[:, 10:18, 10:18].any(axis=(1, 2)).all() and (ink_spans(dots[..., None]) <= 4).all()
    assert len(np.unique(joined.images[5:11], axis=0)) == 6
    again = with_redrawn(part, 7, {1: strokes}, 3, 5)
    np.testing.assert_array_equal(again.images, joined.images)
    assert (with_redrawn(part, 7, {1: strokes}, 3, 6).images[5:] != joined.images[5:]).any()


def test_writers_are_those_of_the_pictures():
    part, strokes = a_part()
    known = replace(part, writers=np.array([4, 5, 6, 7, 8], np.int32))
    assert with_redrawn(known, 2, {1: strokes}, 1, 0).writers.tolist() == [4, 5, 6, 7, 8, 6, 7, 8]


def test_a_set_without_a_picture_left_is_left_out():
    part, strokes = a_part()
    alone = part.take(np.array([0, 1]))
    assert len(with_redrawn(alone, 2, {1: strokes}, 3, 0).labels) == 2


@pytest.fixture(scope="module")
def real(data_dir) -> tuple[GlyphDataset, Strokes]:
    return load("unipen94", data_dir), load_strokes("unipen94", data_dir)


def test_real_strokes_are_those_of_the_real_pictures(real):
    """Redrawn characters lie nearer to their own pictures than to others of their class."""
    data, strokes = real
    chosen = np.flatnonzero((data.split != TEST) & (data.labels == data.alphabet.index("A")))[::40]
    drawn = redraw(strokes.take(chosen), data.images[chosen], rng()).reshape(len(chosen), -1).astype(float)
    pictures = data.images[chosen].reshape(len(chosen), -1).astype(float)
    alike = np.corrcoef(drawn, pictures)[: len(chosen), len(chosen) :]
    assert np.diag(alike).mean() > alike.mean() + 0.1
    larger = ink_spans(drawn.reshape(-1, 28, 28, 1)) - ink_spans(data.images[chosen])
    assert abs(larger.mean()) < 0.3 and larger.std() < 2
