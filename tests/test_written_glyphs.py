"""written_glyphs.py: a letter stays itself when it is written, but for what a pen cannot draw."""

import numpy as np

from handwriting import HandwritingGenerator
from readers import Recogniser
from written_glyphs import written_glyphs


def test_written_letters_are_read_as_what_they_were():
    characters = "0123456789ABCDEFGHIJKLMNOPRSTUVWXYZabdehkmnruwxyz"
    glyphs = HandwritingGenerator("cvae-ascii").sample(characters)
    reader = Recogniser.open("recogniser-ascii")
    before, after = ([reader.alphabet[k] for k in reader.recognise(each).probabilities.argmax(axis=1)]
                     for each in (glyphs, written_glyphs(glyphs, characters)))  # fmt: skip
    assert np.mean([one.lower() == other.lower() for one, other in zip(before, after, strict=True)]) > 0.8


def test_the_pen_is_finer_and_ink_is_framed():
    glyph = np.zeros((2, 28, 28, 1), np.uint8)
    glyph[0, 4:24, 11:17] = 255
    written = written_glyphs(glyph, "lx")
    assert written.shape == glyph.shape and written.dtype == np.uint8
    assert not written[1].any(), "a blank glyph stays blank"
    rows = np.flatnonzero(written[0, :, :, 0].max(axis=1) > 127)
    assert 18 <= len(rows) <= 21, "framed as glyphs are"
    assert 2 <= (written[0, 14, :, 0] / 255).sum() < 5.5


def test_a_letter_is_written_the_same_whatever_stands_beside_it():
    characters = "ab" * 150  # more than are written at once
    glyphs = HandwritingGenerator("cvae-ascii").sample(characters)
    written = written_glyphs(glyphs, characters)
    alone = written_glyphs(glyphs[299:], "b")
    np.testing.assert_allclose(written[299:].astype(float), alone, atol=2)
    assert written.mean() < 0.9 * glyphs.mean(), "the pen is finer"
