"""Fixtures shared by all tests."""

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from config import DATA_DIR_VARIABLE, RunConfig
from data_processor import TRAIN, VALIDATION, GlyphDataset
from presets import PRESETS

# All processes that share out the tests, and those that they start, round alike; on two cores two are faster so, too.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

# Speed is for benchmarks/ to tell; here machines are shared.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real handwriting; without it a test is skipped, but fails in CI, where it must be there."""
    named = os.environ.get(DATA_DIR_VARIABLE)
    if named:
        return Path(named)
    reason = f"needs real data: set {DATA_DIR_VARIABLE} to its folder"
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
    run = replace(PRESETS[preset][1], **places)
    with (root / "lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        patch.setattr("calibration.CALIBRATED", FEW)
        if not (run.logs_dir / run.name / "finished.json").exists():
            train.main(run)
    return run


def smoke_fixtures(preset: str):
    """Two fixtures that tests leave alone, as all share them: a finished run of a preset, and its trained folder."""

    @pytest.fixture(scope="session")
    def run(tmp_path_factory) -> RunConfig:
        return train_once(preset, tmp_path_factory)

    @pytest.fixture(scope="session")
    def folder(tmp_path_factory) -> Path:
        run = train_once(preset, tmp_path_factory)
        return run.models_dir / run.name

    return run, folder


smoke_run, smoke_model = smoke_fixtures("translator-digits-smoke")
smoke_reader_run, smoke_reader = smoke_fixtures("recogniser-digits-smoke")
smoke_writer_run, smoke_writer = smoke_fixtures("cvae-digits-smoke")
smoke_gan_run, smoke_gan = smoke_fixtures("cgan-digits-smoke")
