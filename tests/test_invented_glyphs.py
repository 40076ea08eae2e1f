"""Characters of a generator: as it is told, between several, in one hand; or whichever its noise makes."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from toy_generators import SIDE, type_of, write_generator
from trained_folders import change_card

from config import DIGITS
from generators import Generator
from invented_glyphs import InventedGlyphs, UntoldGlyphs
from readers import Reading
from shell import UserError


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with two generators of digits, the second of which is told nothing."""
    folder = tmp_path_factory.mktemp("generators")
    write_generator(folder, "told")
    write_generator(folder, "untold", labelled=False)
    return folder


@pytest.fixture(scope="module")
def told(models) -> Generator:
    return Generator.open("told", models)


@pytest.fixture(scope="module")
def untold(models) -> UntoldGlyphs:
    return UntoldGlyphs(Generator.open("untold", models), TypeReader)


def test_what_chooses_a_cluster_is_drawn_as_it_comes_at_any_temperature(models):
    change_card(models / "untold", clusters=3)
    try:
        generator = Generator.open("untold", models)
    finally:
        change_card(models / "untold", clusters=None)
    cool, warm = (UntoldGlyphs(generator, TypeReader, temperature).noise(4, 0) for temperature in (0.5, 1.0))
    np.testing.assert_array_equal(cool[:, 0], warm[:, 0])
    np.testing.assert_allclose(cool[:, 1:], warm[:, 1:] / 2)


class TypeReader:
    """Reads type, whichever its shade; of a shuffled alphabet, as a reader need not be of the generator's."""

    image_size, alphabet = SIDE, DIGITS[::-1]

    def recognise(self, images, allowed):
        likeness = images.reshape(len(images), -1) / 255 @ _unit(type_of(self.alphabet)).T
        read = np.eye(len(self.alphabet), dtype=np.float32)[likeness.argmax(axis=1)]
        return Reading(read, likeness.max(axis=1), np.ones(len(images), bool), likeness)


def _unit(glyphs: np.ndarray) -> np.ndarray:
    flat = glyphs.reshape(len(glyphs), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def shades(images: np.ndarray) -> np.ndarray:
    """The noise that tells how dark pictures uint8 `(N, S, S, 1)` are, `(N,)`."""
    dark = np.clip(images.max(axis=(1, 2, 3)) / 255, 0.002, 0.998)
    return np.log(dark / (1 - dark))


def test_what_is_asked_for_is_drawn(told):
    drawn = InventedGlyphs(told).draw(np.arange(10), 3)
    assert (drawn.dtype, drawn.shape) == (np.uint8, (10, SIDE, SIDE, 1))
    likeness = _unit(drawn.astype(np.float32)) @ _unit(type_of(DIGITS)).T
    assert likeness.argmax(axis=1).tolist() == list(range(10))


def test_noise_is_a_hand_whatever_the_character(told):
    glyphs = InventedGlyphs(told)
    labels = np.arange(10).repeat(40)
    held, free = (shades(glyphs.draw(labels, 1, 0, hand)) for hand in (glyphs.hand(6), None))
    assert free.std() > 2 * held.std() > 0
    assert held.mean() == pytest.approx(glyphs.hand(6).vector[0], abs=0.15)


def test_temperature_zero_draws_one_hand(told):
    drawn = InventedGlyphs(told, temperature=0).draw(np.full(5, 4), 1)
    np.testing.assert_array_equal(drawn, drawn[:1].repeat(5, axis=0))


def test_a_mixture_holds_its_shares(told):
    drawn = InventedGlyphs(told).draw_mixture({"1": 0.75, "7": 0.25}, 6, 2)
    one, seven = type_of(DIGITS)[[1, 7]]
    shade = 1 / (1 + np.exp(-InventedGlyphs(told).noise(6, 2)[:, 0]))
    expected = shade[:, None, None, None] * (0.75 * one + 0.25 * seven)
    np.testing.assert_allclose(drawn / 255, expected, atol=1 / 255)


def test_mixtures_are_numbered_and_keep_a_hand(told):
    draw = partial(InventedGlyphs(told).draw_mixture, {"3": 0.5, "8": 0.5}, seed=9)
    whole, hand = draw(300), InventedGlyphs(told).hand(4)
    np.testing.assert_array_equal(draw(20, start=250), whole[250:270])
    assert shades(draw(200, hand=hand)).std() < 0.5 * shades(whole).std()


def test_one_character_alone_is_a_mixture_too(told):
    glyphs = InventedGlyphs(told)
    np.testing.assert_array_equal(glyphs.draw_mixture({"5": 1.0}, 4, 7), glyphs.draw(np.full(4, 5), 7))


# ------------------------------------------------------------------------------------------------------ told nothing


def test_what_became_of_the_noise_is_read(untold):
    read = untold.read(2500, 5)
    noise = untold.noise(2500, 5)
    assert read == "".join(DIGITS[label] for label in noise.argmax(axis=1))
    assert untold.read(30, 5, 1990) == read[1990:2020]
    assert set(read) == set(DIGITS)


def test_labels_and_hands_change_nothing(untold):
    assert untold.hand(3) is None
    np.testing.assert_array_equal(untold.draw(np.zeros(9, int), 2), untold.draw(np.arange(9), 2))


def test_a_reader_of_other_pictures_is_refused(untold):
    other = SimpleNamespace(image_size=64, card={"name": "wide"})
    with pytest.raises(UserError, match="'wide'.*28 pixels.*received one of 64"):
        UntoldGlyphs(untold.generator, lambda: other).read(3, 0)
