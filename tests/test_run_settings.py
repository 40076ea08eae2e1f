"""Settings of runs: read back from JSON as they were written, refused where they are damaged."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from config import AugmentConfig
from presets import PRESETS
from run_settings import from_settings, to_settings


@pytest.mark.parametrize("preset", PRESETS)
def test_settings_survive_json(preset):
    run = PRESETS[preset][1]
    assert from_settings(json.loads(json.dumps(to_settings(run)))) == run


def test_changed_settings_survive_json():
    run = replace(PRESETS["translator-digits"][1], data_dir=Path("a/b"), limit=7, augment=AugmentConfig(zoom=0.5))
    assert from_settings(to_settings(run)) == run


@pytest.mark.parametrize(
    "change", [{"kind": "Unknown"}, {"epochs": 0}, {"no_such": 1}, {"model": 3}, {"model": {"alphabet": "aa"}}]
)
def test_damaged_settings_are_a_value_error(change):
    settings = to_settings(PRESETS["translator-digits"][1])
    with pytest.raises(ValueError):
        from_settings(settings | change)
