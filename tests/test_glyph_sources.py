"""Characters of a model and of real people: the same whatever else is asked for, in the hand that was asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import ASCII, DIGITS
from data_processor import TRAIN
from glyph_sources import BLOCK, ModelGlyphs, RealGlyphs, numbered, training_part
from style import Style

SIZE, LATENTS = 28, 4
CENTRES = np.array([[8, 8], [8, 18], [18, 8], [18, 18]])  # of the spots that a style's numbers shade


class SpotWriter:
    """A writer in closed form: each number of a style is the shade of a spot, so that the encoder can tell it."""

    alphabet, image_size, latent_size, has_prior = "0123abcd", SIZE, LATENTS, False
    uncertainty = 0.05  # variance that the encoder claims

    def __init__(self, decoder: str = "one"):
        self.card = {"name": "spots", "files": {"encoder.onnx": "e", "decoder.onnx": decoder}}

    def styles(self, noise, labels):
        return noise

    def noise(self, styles, labels):
        return styles, np.zeros(len(styles), np.float32)

    def decode(self, styles, labels):
        images = np.zeros((len(labels), SIZE, SIZE, 1), np.float32)
        images[:, 4:24, 4] = (0.3 + 0.08 * np.asarray(labels))[:, None, None]  # a bar, of the character's shade
        for number, (y, x) in enumerate(CENTRES):
            images[:, y - 2 : y + 3, x - 2 : x + 3, 0] = (1 / (1 + np.exp(-styles[:, number])))[:, None, None]
        return images

    def encode(self, images, labels):
        shades = np.clip(images[:, CENTRES[:, 0], CENTRES[:, 1], 0] / 255, 0.002, 0.998)
        mean = np.log(shades / (1 - shades)).astype(np.float32)
        return mean, np.full_like(mean, np.log(self.uncertainty))


class BentWriter(SpotWriter):
    """The same with a prior: a style is twice its noise and one more."""

    has_prior = True

    def styles(self, noise, labels):
        return 2 * noise + 1

    def noise(self, styles, labels):
        return (styles - 1) / 2, np.zeros(len(styles), np.float32)


@given(st.integers(0, 3 * BLOCK), st.integers(0, 600), st.integers(0, 600))
def test_a_numbered_row_is_the_same_in_any_window(start, before, count):
    def rows(first, many):
        return numbered([3, 5], first, many, lambda rng: rng.random((BLOCK, 2)))

    window = rows(start + before, count)
    assert window.shape == (count, 2)
    np.testing.assert_array_equal(rows(start, before + count)[before:], window)


# ---------------------------------------------------------------------------------------------------------- a model


def shades(images: np.ndarray) -> np.ndarray:
    """What noise the spots of pictures `(N, S, S, 1)` tell, `(N, LATENTS)`."""
    return SpotWriter().encode(images, None)[0]


def test_a_character_somebody_wrote_is_written_so_and_others_in_the_common_hand():
    glyphs = ModelGlyphs(SpotWriter())
    noise = np.array([[1, 1, -1, 0], [1, 0.5, -1, 0], [0.5, 1, -1, -2]], np.float32)
    images = np.round(255 * SpotWriter().decode(noise, [4, 5, 6])).astype(np.uint8)
    style = glyphs.style_of(images, np.array([4, 5, 6]))
    assert list(style.own) == ["a", "b", "c"]
    drawn = [shades(glyphs.draw(np.full(400, label), 0, 0, style)).mean(axis=0) for label in (4, 5, 6, 7)]
    np.testing.assert_allclose(drawn[:3], noise, atol=0.25)
    np.testing.assert_allclose(drawn[3], style.vector, atol=0.15)
    assert np.linalg.norm(style.vector[:3] - noise[:, :3].mean(axis=0)) < 0.4


def test_a_character_of_its_own_is_as_lively_as_others():
    glyphs = ModelGlyphs(SpotWriter())
    style = glyphs.hand(3)
    own = Style(style.vector, style.model, style.fingerprint, {"a": np.zeros(LATENTS, np.float32)})
    labels = np.array([4, 5] * 300)
    spread = [shades(glyphs.draw(labels, 1, 0, own)[first::2]).std(axis=0).mean() for first in (0, 1)]
    assert spread[0] == pytest.approx(spread[1], rel=0.1)
    np.testing.assert_array_equal(glyphs.draw(labels, 1, 0, own)[1::2], glyphs.draw(labels, 1, 0, style)[1::2])


def test_pictures_of_one_character_are_taken_together():
    glyphs = ModelGlyphs(SpotWriter())
    noise = np.array([[1, 1, -1, 0], [0, 1, -1, 1]], np.float32)
    images = np.round(255 * SpotWriter().decode(noise, [4, 4])).astype(np.uint8)
    style = glyphs.style_of(images, np.array([4, 4]))
    np.testing.assert_allclose(style.own["a"], noise.mean(axis=0), atol=0.15)
    swapped = glyphs.style_of(images[::-1], np.array([4, 4]))
    np.testing.assert_allclose(swapped.own["a"], style.own["a"], atol=1e-6)


# ----------------------------------------------------------------------------------------------------- real characters


@pytest.fixture(scope="module")
def people(data_dir) -> RealGlyphs:
    return RealGlyphs("unipen94", data_dir)


def test_a_hand_of_real_characters_is_one_writers(people):
    hand = people.hand(3)
    drawn = people.draw(np.arange(94), 3, 0, hand)
    written = {image.tobytes() for image in people.images[people.writers == hand[0]]}
    assert sum(image.tobytes() in written for image in drawn) == 94
    assert people.hand(4)[0] != hand[0] or people.hand(5)[0] != hand[0]


def test_real_characters_are_the_right_ones_and_none_of_the_test_part(people, data_dir):
    data, _ = training_part("unipen94", data_dir)
    known = {(image.tobytes(), int(label)) for image, label in zip(*data.part(TRAIN), strict=True)}
    labels = np.random.default_rng(0).integers(0, 94, 300)
    for hand in (None, people.hand(0)):
        drawn = people.draw(labels, 1, 5, hand)
        np.testing.assert_array_equal(drawn[7:], people.draw(labels[7:], 1, 12, hand))
        assert all((image.tobytes(), label) in known for image, label in zip(drawn, labels.tolist(), strict=True))


def test_alphabets_of_the_sources(people, data_dir):
    assert set(people.alphabet) == set(ASCII)
    assert RealGlyphs("mnist", data_dir).alphabet == DIGITS
