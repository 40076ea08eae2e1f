"""presets.py: a run is found under its own name, and whoever asks for help is told what each is for."""

import pytest

from presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_called_by_the_name_of_its_run(preset):
    told, run = PRESETS[preset]
    assert run.name == preset
    assert told and "\n" not in told
