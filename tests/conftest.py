"""Fixtures shared by all tests."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

import config
from config import RunConfig


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


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory) -> RunConfig:
    """A finished training run of seconds on the embedded digits; its folders are shared, so tests leave them alone."""
    import train

    root = tmp_path_factory.mktemp("smoke")
    run = replace(
        config.PRESETS["translator-digits-smoke"][1],
        logs_dir=root / "logs",
        images_dir=root / "images",
        models_dir=root / "modelh5",
    )
    train.main(run)
    return run


@pytest.fixture(scope="session")
def smoke_model(smoke_run) -> Path:
    """The trained folder of that run."""
    return smoke_run.models_dir / smoke_run.name
