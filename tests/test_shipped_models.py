"""The trained folders that come with the project: whole, small, and as good as ever."""

import numpy as np
import pytest

from config import ASCII, DIGITS
from data_processor import TEST, load
from generators import Generator, Writer
from non_characters import CALIBRATED, non_characters
from readers import Recogniser, Translator
from runtime import MODELS_DIR, TrainedModel
from synthetic_image_generator import render_alphabet

TRANSLATORS = {"translator-digits": DIGITS, "translator-ascii": ASCII}
READERS = {"recogniser-digits": DIGITS, "recogniser-ascii": ASCII, "judge-digits": DIGITS, "judge-ascii": ASCII}
WRITERS = {"cvae-digits": DIGITS, "cvae-ascii": ASCII}
INVENTORS = {"cgan-digits": DIGITS, "gan-digits": DIGITS, "cgan-ascii": ASCII}
LARGEST = dict.fromkeys(INVENTORS, 8_000_000)  # bytes of a whole folder
LARGEST_OTHERS = 6_000_000


@pytest.mark.parametrize(("name", "alphabet"), (TRANSLATORS | READERS | WRITERS | INVENTORS).items())
def test_the_folder_is_whole_small_and_measured(name, alphabet):
    model = TrainedModel.open(name, MODELS_DIR)
    assert model.alphabet == alphabet
    assert sum(file.stat().st_size for file in model.folder.iterdir()) <= LARGEST.get(name, LARGEST_OTHERS)
    assert not {"data_dir", "logs_dir", "images_dir", "models_dir"} & set(model.card["config"])
    assert model.card["quality"]


@pytest.mark.parametrize("name", TRANSLATORS)
def test_every_character_of_every_font_is_drawn_right(name):
    translator = Translator.open(name, MODELS_DIR)
    blank = np.zeros((1, 28, 28, 1), np.uint8)
    for font in translator.card["fonts"]:
        right = render_alphabet(font, translator.alphabet).astype(np.float32) / 255
        for character, target in zip(translator.alphabet, right, strict=True):
            glyphs, _ = translator.translate(blank, font, allowed=character)
            assert np.abs(glyphs[0] - target).max() < 0.1, (font, character)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_digits_of_mnist_are_read(name, data_dir):
    images, labels = load("mnist", data_dir).part(TEST)
    translator = Translator.open(name, MODELS_DIR)
    _, probabilities = translator.translate(images[:1000], translator.card["fonts"][0], allowed=DIGITS)
    assert (probabilities.argmax(axis=1) == labels[:1000]).mean() > 0.985


LEAST_READ = {"recogniser-digits": 0.99, "judge-digits": 0.99, "recogniser-ascii": 0.985, "judge-ascii": 0.98}


@pytest.mark.parametrize(("name", "least"), LEAST_READ.items())
def test_digits_are_read_and_scribbles_refused(name, least, data_dir):
    images, labels = load("mnist", data_dir).part(TEST)
    reader = Recogniser.open(name, MODELS_DIR)
    reading = reader.recognise(images[:1000], DIGITS)
    assert (reading.probabilities.argmax(axis=1) == labels[:1000]).mean() > least
    assert reading.is_character.mean() > 0.97
    for kind, strays in non_characters(images[:200], 50, first=CALIBRATED).items():
        assert (~reader.recognise(strays).is_character).mean() > 0.7, kind


LEAST_LEGIBLE = {"cvae-digits": 0.975, "cvae-ascii": 0.93}


@pytest.mark.parametrize(("name", "least"), LEAST_LEGIBLE.items())
def test_digits_are_written_so_that_the_judge_can_read_them(name, least):
    writer, judge = Writer.open(name, MODELS_DIR), Recogniser.open("judge-digits", MODELS_DIR)
    labels = np.tile(np.arange(10, dtype=np.int32), 60)
    noise = np.random.default_rng(0).standard_normal((len(labels), writer.latent_size), np.float32)
    drawn = np.round(255 * writer.decode(writer.styles(noise, labels), labels)).astype(np.uint8)
    assert (judge.recognise(drawn).probabilities.argmax(axis=1) == labels).mean() > least


def drawn_by(name: str, characters: str | None, count: int) -> np.ndarray:
    """Pictures `(N, 28, 28, 1)`, `count` of each character; of a network that is told none, `count` in all."""
    generator = Generator.open(name, MODELS_DIR)
    noise = np.random.default_rng(0).standard_normal((count, generator.noise_size), np.float32)
    if characters is None:
        return np.round(255 * generator.invent(noise, None)).astype(np.uint8)
    labels = [np.full(count, generator.alphabet.index(character)) for character in characters]
    drawn = [generator.invent(noise, generator.label_weights(label)) for label in labels]
    return np.round(255 * np.concatenate(drawn)).astype(np.uint8)


@pytest.mark.parametrize(("name", "least"), {"cgan-digits": 0.97, "cgan-ascii": 0.9}.items())
def test_digits_are_invented_as_asked_and_no_two_are_alike(name, least):
    drawn, judge = drawn_by(name, DIGITS, 60), Recogniser.open("judge-digits", MODELS_DIR)
    assert (judge.recognise(drawn).probabilities.argmax(axis=1) == np.repeat(np.arange(10), 60)).mean() > least
    assert len({picture.tobytes() for picture in drawn}) == 600


def test_all_digits_are_invented_without_asking():
    drawn, judge = drawn_by("gan-digits", None, 600), Recogniser.open("judge-digits", MODELS_DIR)
    read = judge.recognise(drawn).probabilities.argmax(axis=1)
    assert np.bincount(read, minlength=10).min() > 0.05 * len(read)
    assert len({picture.tobytes() for picture in drawn}) == 600
