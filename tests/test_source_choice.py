"""Which model a source means, and what somebody is told who has none."""

import pytest
from toy_generators import write_generator

from invented_glyphs import InventedGlyphs, UntoldGlyphs
from presets import PRESETS
from shell import UserError
from source_choice import USUAL_MODELS, open_source, source_of, usual_model


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_generator(folder, "told", "ab")
    write_generator(folder, "untold", "01", labelled=False)
    return folder


def opened(source: str, model: str | None, folder):
    return open_source(source, model, folder, 0.8, None)


def test_every_usual_model_can_be_trained():
    assert set(USUAL_MODELS.values()) <= set(PRESETS)


@pytest.mark.parametrize(
    ("source", "text", "model"),
    [("cvae", "07", "cvae-digits"), ("cgan", "07", "cgan-digits"), ("cgan", "0a", "cgan-ascii"),
     ("cgan", "", "cgan-ascii"), ("gan", "", "gan-digits")],
)  # fmt: skip
def test_the_text_tells_the_model(source, text, model):
    assert usual_model(source, text) == model


def test_the_card_tells_the_source(models):
    assert [source_of(name, models) for name in ("told", "untold", "nothing")] == ["cgan", "gan", "cvae"]
    assert isinstance(opened("cgan", "told", models), InventedGlyphs)
    assert isinstance(opened("gan", "untold", models), UntoldGlyphs)


@pytest.mark.parametrize("source", USUAL_MODELS)
def test_a_source_that_is_not_trained_yet_tells_its_command(source, models):
    name = USUAL_MODELS[source]
    with pytest.raises(UserError, match=f"'{name}': not found in .*; train it: python train.py {name}$"):
        opened(source, None, models)


@pytest.mark.parametrize(("source", "model", "other"), [("cgan", "untold", "gan"), ("gan", "told", "cgan")])
def test_a_model_of_another_source_is_refused(models, source, model, other):
    with pytest.raises(UserError, match=f"expected one of the source '{source}', received one of '{other}'"):
        opened(source, model, models)


def test_models_of_another_kind_are_refused(models):
    with pytest.raises(UserError, match="'write'.*received one of 'invent'"):
        opened("cvae", "told", models)
    with pytest.raises(UserError, match="'nothing': not found"):
        opened("cgan", "nothing", models)
