"""The trained folders that come with the project: whole, small, and as good as ever."""

import numpy as np
import pytest

from config import ASCII, DIGITS
from data_processor import TEST, load
from runtime import MODELS_DIR, Translator
from synthetic_image_generator import render_alphabet

SHIPPED = {"translator-digits": DIGITS, "translator-ascii": ASCII}
LARGEST = 6_000_000  # bytes of a whole folder


@pytest.mark.parametrize("name", SHIPPED)
def test_the_folder_is_whole_and_small(name):
    translator = Translator.open(name, MODELS_DIR)
    assert translator.alphabet == SHIPPED[name]
    assert sum(file.stat().st_size for file in translator.folder.iterdir()) <= LARGEST
    assert not {"data_dir", "logs_dir", "images_dir", "models_dir"} & set(translator.card["config"])


@pytest.mark.parametrize("name", SHIPPED)
def test_every_character_of_every_font_is_drawn_right(name):
    translator = Translator.open(name, MODELS_DIR)
    blank = np.zeros((1, 28, 28, 1), np.uint8)
    for font in translator.card["fonts"]:
        right = render_alphabet(font, translator.alphabet).astype(np.float32) / 255
        for character, target in zip(translator.alphabet, right, strict=True):
            glyphs, _ = translator.translate(blank, font, allowed=character)
            assert np.abs(glyphs[0] - target).max() < 0.1, (font, character)


@pytest.mark.parametrize("name", SHIPPED)
def test_digits_of_mnist_are_read(name, data_dir):
    images, labels = load("mnist", data_dir).part(TEST)
    translator = Translator.open(name, MODELS_DIR)
    _, probabilities = translator.translate(images[:1000], translator.card["fonts"][0], allowed=DIGITS)
    assert (probabilities.argmax(axis=1) == labels[:1000]).mean() > 0.985
