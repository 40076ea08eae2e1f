"""Letters get their natural size and strokes of one width, whatever size and stroke their glyphs have."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ink import labelled
from letterforms import form_of
from lettering import Letter, ink_letters, pen_of, stroke_widths
from unsteadiness import hand_of

FINE = 16  # subpixels a pixel side
BODY = 200


def drawn(shape: str, stroke: float, height: float = 20, size: int = 28) -> np.ndarray:
    """A ring, or an upright or slanted stroke: uint8 `(size, size)`."""
    paper = Image.new("L", (size * FINE, size * FINE))
    draw, middle, reach, width = ImageDraw.Draw(paper), size * FINE / 2, height * FINE / 2, stroke * FINE
    top, bottom = middle - reach, middle + reach
    if shape == "ring":
        draw.ellipse([top, top, bottom, bottom], outline=255, width=round(width))
    elif shape == "upright":
        draw.rectangle([middle - width / 2, top, middle + width / 2 - 1, bottom], fill=255)
    else:
        draw.line([top, bottom, bottom, top], fill=255, width=round(width))
    return np.asarray(paper.reduce(FINE))


def written(characters: str, glyphs: list[np.ndarray], pen: float = 0.07, room: float = 1000) -> list[Letter]:
    hand = hand_of(range(len(glyphs)), seed=0, body=BODY, slant=0, jitter=0)
    return list(ink_letters(np.stack(glyphs), characters, BODY, pen, hand, room))


def stroke_of(letter: Letter) -> float:
    return float(stroke_widths(np.pad(letter.ink / np.float32(255), 1)[None])[0])


@pytest.mark.parametrize("shape", ["ring", "upright", "slanted"])
@pytest.mark.parametrize("stroke", [2.0, 2.5, 3.0, 4.0])
def test_strokes_are_measured(shape, stroke):
    glyphs = np.stack([drawn(shape, stroke), drawn(shape, stroke) // 2]) / np.float32(255)
    full, pale = stroke_widths(glyphs)
    assert full == pytest.approx(stroke, rel=0.1)
    assert pale == pytest.approx(stroke, rel=0.1)  # paleness is not fineness


def test_a_blank_glyph_has_no_stroke():
    assert stroke_widths(np.zeros((1, 28, 28), np.float32)) == 0


def test_high_and_low_letters_of_one_glyph_are_written_with_one_pen():
    ring = drawn("ring", 2.5)
    high, low = written("Oo", [ring, ring])
    assert high.ink.shape[0] > 1.4 * low.ink.shape[0]
    assert stroke_of(low) == pytest.approx(stroke_of(high), rel=0.12)  # by scale alone it would be 0.7 of it


@pytest.mark.parametrize("shape", ["ring", "upright", "slanted"])
def test_broad_and_fine_strokes_become_more_alike(shape):
    broad, fine = (stroke_of(*written("O", [drawn(shape, stroke)])) for stroke in (4.0, 2.0))
    assert 0.9 * fine < broad < 1.4 * fine


@pytest.mark.parametrize("pen", [0.06, 0.08, 0.1])
def test_the_pen_has_the_width_that_is_asked_for(pen):
    assert stroke_of(*written("O", [drawn("ring", 2.5)], pen=pen)) == pytest.approx(pen * BODY, rel=0.15)


@pytest.mark.parametrize("stroke", [2.0, 2.5, 3.0])
def test_a_fine_pen_leaves_no_gaps(stroke):
    (letter,) = written("O", [drawn("ring", stroke)], pen=0.03)
    rows, columns = letter.ink.shape
    ink = letter.ink > 100
    for row in range(rows // 5, rows - rows // 5):
        assert ink[row, : columns // 2].any() and ink[row, columns // 2 :].any()
    for column in range(columns // 5, columns - columns // 5):
        assert ink[: rows // 2, column].any() and ink[rows // 2 :, column].any()


@pytest.mark.parametrize("character", ["x", "d", "p", "H", "7", ",", "'"])
def test_ink_has_the_height_and_place_of_the_form(character):
    form = form_of(character)
    (letter,) = written(character, [drawn("upright", 2.5)])
    assert -letter.top == pytest.approx(form.top * BODY, abs=3)
    assert len(letter.ink) == pytest.approx((form.top - form.bottom) * BODY, abs=4)


@pytest.mark.parametrize("height", [12, 20, 24])
@pytest.mark.parametrize("size", [28, 64])
def test_the_size_of_a_glyph_does_not_matter(height, size):
    unit = size / 28
    (letter,) = written("H", [drawn("ring", 2.5 * unit, height * unit, size)])
    assert len(letter.ink) == pytest.approx(form_of("H").top * BODY, abs=4)


def test_no_letter_is_wider_than_there_is_room():
    for room in (10, 40, 90):
        (letter,) = written("W", [drawn("slanted", 2.5)], room=room)
        assert letter.ink.shape[1] <= room


def test_a_hand_of_broad_strokes_has_a_broader_pen():
    fine, broad = (pen_of(np.stack([drawn("ring", stroke)] * 3)) for stroke in (2.0, 4.0))
    assert broad == pytest.approx(2 * fine, rel=0.15)
    assert pen_of(np.zeros((2, 28, 28), np.uint8)) > 0


def test_a_pale_glyph_is_written_in_full_ink():
    (letter,) = written("O", [drawn("ring", 2.5) // 2])
    assert letter.ink.max() == 255
    assert not letter.ink[len(letter.ink) // 2, letter.ink.shape[1] // 2]


@pytest.mark.parametrize("shape", ["ring", "upright", "slanted"])
def test_however_pale_a_glyph_is_none_grows_beyond_its_form(shape):
    levels = range(1, 256, 6)
    letters = written("O" * len(levels), [np.uint8(drawn(shape, 2.5) * (level / 255)) for level in levels])
    assert max(letter.ink.shape[0] for letter in letters) < 1.1 * BODY
    assert not letters[0].ink.any() and letters[-1].ink.any()


def test_noise_as_pale_as_the_palest_contour_grows_neither():
    rng = np.random.default_rng(0)
    glyphs = [rng.integers(0, most, (28, 28), dtype=np.uint8) for most in range(20, 140, 2)]
    assert max(letter.ink.shape[0] for letter in written("g" * len(glyphs), glyphs)) < 1.1 * BODY


def beside(glyph: np.ndarray, side: int) -> np.ndarray:
    """The glyph with a square of ink, of that side, in a corner."""
    spotted = glyph.copy()
    spotted[2 : 2 + side, 2 : 2 + side] = 200
    return spotted


def parts_of(letter: Letter) -> int:
    return len(labelled(letter.ink > 100)[1])


def test_a_dot_beside_a_letter_is_left_out_and_takes_no_room():
    upright = drawn("upright", 2.5)
    clean, spotted = written("ll", [upright, beside(upright, 2)])
    assert parts_of(spotted) == 1
    np.testing.assert_allclose(spotted.ink.shape, clean.ink.shape, atol=2)  # the dot tells a little of the pen


@pytest.mark.parametrize("character", list('ij!?:;"%='))
def test_a_dot_that_a_character_has_stays(character):
    assert parts_of(*written(character, [beside(drawn("upright", 2.5), 3)])) == 2


def test_a_letter_in_two_strokes_keeps_both():
    assert (
        parts_of(*written("k", [np.maximum(drawn("upright", 2.5), np.roll(drawn("upright", 2.5, 9), 9, axis=1))])) == 2
    )
