"""Fixtures shared by all tests."""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import config
from config import RunConfig
from data_processor import TRAIN, VALIDATION, GlyphDataset


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real handwriting; without it a test is skipped, but fails in CI, where it must be there."""
    named = os.environ.get(config.DATA_DIR_VARIABLE)
    if named:
        return Path(named)
    reason = f"needs real data: set {config.DATA_DIR_VARIABLE} to its folder"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def stripes() -> GlyphDataset:
    """Pictures of three classes that a bright stripe's height tells apart: 24 to train on, 24 for validation."""
    labels = np.arange(48, dtype=np.int32) % 3
    images = np.random.default_rng(0).integers(0, 40, (48, 28, 28, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[8 * label : 8 * label + 8] = 250
    split = np.repeat(np.array([TRAIN, VALIDATION], np.uint8), 24)
    return GlyphDataset("stripes", images, labels, "abc", tuple("abc"), split)


FEW = 40  # non-characters of each kind that a small reader is calibrated on: 500 take longer than its training


def train_once(preset: str, tmp_path_factory) -> RunConfig:
    """Trains a smoke preset on the embedded digits, once for all processes that share out the tests."""
    import train

    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / preset
    root.mkdir(exist_ok=True)
    places = {name: root / folder for name, folder in (
        ("logs_dir", "logs"), ("images_dir", "images"), ("models_dir", "modelh5"))}  # fmt: skip
    run = replace(config.PRESETS[preset][1], **places)
    with (root / "lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        patch.setattr("calibration.CALIBRATED", FEW)
        if not (run.logs_dir / run.name / "finished.json").exists():
            train.main(run)
    return run


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory) -> RunConfig:
    """A finished training run of a translator; its folders are shared, so tests leave them alone."""
    return train_once("translator-digits-smoke", tmp_path_factory)


@pytest.fixture(scope="session")
def smoke_model(smoke_run) -> Path:
    """The trained folder of that run."""
    return smoke_run.models_dir / smoke_run.name


@pytest.fixture(scope="session")
def smoke_reader_run(tmp_path_factory) -> RunConfig:
    """A finished training run of a reader; its folders are shared, so tests leave them alone."""
    return train_once("recogniser-digits-smoke", tmp_path_factory)


@pytest.fixture(scope="session")
def smoke_reader(smoke_reader_run) -> Path:
    """The trained folder of that run."""
    return smoke_reader_run.models_dir / smoke_reader_run.name


@pytest.fixture(scope="session")
def smoke_writer_run(tmp_path_factory) -> RunConfig:
    """A finished training run of a conditional VAE; its folders are shared, so tests leave them alone."""
    return train_once("cvae-digits-smoke", tmp_path_factory)


@pytest.fixture(scope="session")
def smoke_gan_run(tmp_path_factory) -> RunConfig:
    """A finished training run of a conditional GAN; its folders are shared, so tests leave them alone."""
    return train_once("cgan-digits-smoke", tmp_path_factory)


@pytest.fixture(scope="session")
def smoke_gan(smoke_gan_run) -> Path:
    """The trained folder of that run."""
    return smoke_gan_run.models_dir / smoke_gan_run.name


@pytest.fixture(scope="session")
def smoke_writer(smoke_writer_run) -> Path:
    """The trained folder of that run."""
    return smoke_writer_run.models_dir / smoke_writer_run.name
