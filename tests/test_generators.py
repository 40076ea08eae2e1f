"""generators.py: what trained models draw, and that they say what they lack."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from trained_folders import card_of, change_card

from gan_model import build_gan
from generators import Generator, Writer
from runtime import MODELS_DIR
from shell import UserError


def test_a_writer_draws_and_knows_the_noise_that_its_styles_come_from(smoke_writer):
    writer, labels = Writer.open(smoke_writer.name, smoke_writer.parent), np.array([3, 1, 4])
    noise = np.random.default_rng(0).standard_normal((3, writer.latent_size), np.float32)
    styles = writer.styles(noise, labels)
    told, log_density = writer.noise(styles, labels)
    np.testing.assert_allclose(told, noise, atol=1e-3)
    assert log_density.shape == (3,)
    drawn = writer.decode(styles, labels)
    assert drawn.shape == (3, 28, 28, 1)
    mean, log_variance = writer.encode(np.round(255 * drawn).astype(np.uint8), labels)
    assert mean.shape == log_variance.shape == styles.shape


@pytest.mark.parametrize(
    "changes", [{"latent_size": 0}, {"latent_size": None}, {"latent_size": 24.0}, {"likelihood": "gaussian"}]
)
def test_a_card_that_no_writer_has_is_refused(smoke_writer, tmp_path, changes):
    change_card(Path(shutil.copytree(smoke_writer, tmp_path / smoke_writer.name)), **changes)
    with pytest.raises(UserError, match="with a latent_size and a likelihood of bernoulli, continuous"):
        Writer.open(smoke_writer.name, tmp_path)


@pytest.fixture
def generator(smoke_gan) -> Generator:
    return Generator.open(smoke_gan.name, smoke_gan.parent)


def test_a_trained_folder_invents_shows_its_layers_and_scores(generator, smoke_gan, smoke_gan_run):
    noise = np.random.default_rng(0).standard_normal((5, generator.noise_size), np.float32)
    weights = generator.label_weights(np.array([3, 1, 4, 1, 5]))
    drawn = generator.invent(noise, weights)
    assert drawn.shape == (5, 28, 28, 1)
    layers = generator.layers(noise, weights)
    assert list(layers)[::13] == ["01_code", "14_image"]
    np.testing.assert_allclose(layers["14_image"], drawn, atol=1e-6)
    model = build_gan(smoke_gan_run)
    model.load_weights(smoke_gan / f"{smoke_gan.name}.weights.h5")
    images = np.round(255 * drawn).astype(np.uint8)
    expected, _ = model.discriminator([images / np.float32(255), weights])
    np.testing.assert_allclose(generator.score(images, weights), expected, atol=1e-4)


def test_a_card_names_the_reader_that_chose_the_epoch(smoke_gan, smoke_gan_run):
    reader = card_of(MODELS_DIR / smoke_gan_run.reader)
    named = card_of(smoke_gan)["data"]
    assert named["reader_sha256"] == reader["files"]["recogniser.onnx"]
    assert named["reader_temperature"] == str(reader["temperature"])


def test_whoever_is_not_told_the_character_says_so(generator):
    with pytest.raises(UserError, match="expected the characters to draw, received none"):
        generator.invent(np.zeros((1, generator.noise_size), np.float32))


@pytest.mark.parametrize(("changes", "told"), [({"noise_size": "8"}, "noise_size"), ({"labelled": 1}, "labelled"),
                                               ({"noise_size": 9}, "noise of shape")])  # fmt: skip
def test_a_card_that_does_not_fit_is_refused(smoke_gan, tmp_path, changes, told):
    folder = Path(shutil.copytree(smoke_gan, tmp_path / smoke_gan.name))
    change_card(folder, **changes)
    with pytest.raises(UserError, match=told):
        Generator.open(smoke_gan.name, tmp_path).session


def test_a_model_without_its_layers_says_so(smoke_gan, tmp_path):
    folder = Path(shutil.copytree(smoke_gan, tmp_path / smoke_gan.name))
    change_card(folder, files={"generator.onnx": card_of(folder)["files"]["generator.onnx"]})
    one = Generator.open(smoke_gan.name, tmp_path)
    with pytest.raises(UserError, match=r"expected layers.onnx"):
        one.layers(np.zeros((1, one.noise_size), np.float32), one.label_weights(np.array([0])))
