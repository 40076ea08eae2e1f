"""Options that would change nothing are told, those that change something pass."""

from pathlib import Path

import pytest

from generate import Arguments
from idle_options import refuse_idle
from layout import Layout
from shell import UserError


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("cvae", {}),
        ("cvae", {"mix_style": Path("x.json"), "share": 0.5}),
        ("cvae", {"random": 3, "alphabet": ""}),
        ("cvae", {"variants": 3, "skip_unknown": True, "layout": Layout(height=20, ink="red", paper="blue")}),
        ("cvae", {"layout": Layout(slant=3)}),
        ("cgan", {"mix": "1+2", "temperature": 0.0, "style": Path("x.json")}),
        ("gan", {"random": 3, "temperature": 0.5, "model": "x"}),
        ("mnist", {"variants": 3, "skip_unknown": True}),
    ],
)
def test_what_changes_something_passes(source, options):
    refuse_idle(Arguments(**options), source)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("cvae", {"share": 0.0}, "--share 0.0: expected none, since it is the share of --mix-style"),
        ("cvae", {"alphabet": ""}, "--alphabet : expected none, since --random draws from it"),
        ("cgan", {"mix": "1+2", "skip_unknown": True}, "--skip-unknown: expected none, since --mix leaves no gaps"),
        ("cvae", {"variants": 2, "save_style": Path("x.json")}, "--save-style x.json: expected none, since every try"),
        ("unipen94", {"save_style": Path("x.json")}, "--save-style x.json: expected none, since --source unipen94"),
        ("cgan", {"mix": "1+2", "layout": Layout(line_spacing=2)}, "--line-spacing 2: expected none, since a grid"),
        ("gan", {"random": 3, "mix_style": Path("x.json")}, "--mix-style x.json: expected none, since --source gan"),
    ],
)
def test_what_changes_nothing_is_refused(source, options, message):
    with pytest.raises(UserError) as caught:
        refuse_idle(Arguments(**options), source)
    assert str(caught.value).startswith(message)
