"""Command lines as a user types them, read by the scripts they are for."""

import importlib
import sys
from pathlib import Path

import pytest
import tyro

from presets import PRESETS
from shell import parse


def parsed(command: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """What a script makes of its command line."""
    script = importlib.import_module(Path(command[0]).stem)
    monkeypatch.setattr(sys, "argv", command)
    if script.__name__ == "train":
        return parse(lambda: tyro.extras.overridable_config_cli(PRESETS))
    return parse(lambda: tyro.cli(script.Arguments))
