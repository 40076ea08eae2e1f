"""A trained folder as its user opens it: what is found, what is refused, what is never imported."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fresh_python import ROOT, loaded_by
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trained_folders import card_of, change_card

import runtime
from readers import Recogniser, Translator
from runtime import CARD, CARD_FIELDS, TrainedModel, card_text, list_models, place_of, read_card
from shell import UserError


@pytest.fixture
def models(smoke_model, tmp_path) -> Path:
    """A folder with one trained model that a test may damage."""
    shutil.copytree(smoke_model, tmp_path / smoke_model.name)
    return tmp_path


@pytest.mark.parametrize("name", ["translator-digits-smok", "no such", "", ".", "../x"])
def test_unknown_model_lists_what_there_is(models, name):
    with pytest.raises(UserError, match="there is: translator-digits-smoke"):
        Translator.open(name, models)


def test_a_near_miss_is_suggested(models):
    with pytest.raises(UserError, match="did you mean 'translator-digits-smoke'"):
        Translator.open("translator-digits-smoka", models)


def test_a_model_that_could_be_trained_tells_the_command(models):
    with pytest.raises(UserError, match=r"there is: translator-digits-smoke; train it: python train.py gan-digits$"):
        TrainedModel.open("gan-digits", models)


def test_what_another_model_needs_is_looked_for_beside_it_first(models):
    assert place_of("translator-digits-smoke", models) == models
    assert place_of("translator-digits", models) is None


@pytest.mark.parametrize("file", ["translator.onnx", "translator-digits-smoke.weights.h5"])
def test_a_damaged_file_is_refused(models, file):
    path = models / "translator-digits-smoke" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{file}: damaged or replaced: expected sha256"):
        Translator.open("translator-digits-smoke", models)


def test_a_missing_file_is_named(models):
    (models / "translator-digits-smoke" / "translator.onnx").unlink()
    with pytest.raises(UserError, match="translator.onnx: missing"):
        Translator.open("translator-digits-smoke", models)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"name": "x"}', '{"name": 1, "files": 2}', "\xff"])
def test_a_damaged_card_is_refused(models, text):
    (models / "translator-digits-smoke" / CARD).write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match="model card"):
        Translator.open("translator-digits-smoke", models)


WHOLE_CARD = {
    "name": "x",
    "task": "translate",
    "alphabet": "01",
    "image_size": 28,
    "files": {},
    "fonts": ["STIXGeneral"],
}


def test_a_card_that_names_a_file_in_no_unicode_can_be_written_and_read(tmp_path):
    text = card_text(WHOLE_CARD | {"data": {"name": "m\udcff.npz"}})
    (tmp_path / CARD).write_text(text, encoding="utf-8")
    assert read_card(tmp_path / CARD)["data"]["name"] == "m\udcff.npz"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": []}, "with files"),
        ({"files": {"x": 3}}, "sha256 of every file"),
        ({"name": 1, "task": None, "alphabet": ["0"]}, "with name, task, alphabet"),
        ({"alphabet": "010"}, "an alphabet of different characters"),
        *(({"image_size": size}, "an image_size of 8 to 256 pixels") for size in (0, -28, 7, 257, 10**6, True)),
        ({"image_size": 28.0}, "with image_size"),
        ({}, "with translator.onnx"),
        ({"files": {"translator.onnx": "00"}, "fonts": "STIXGeneral"}, "with fonts"),
        ({"files": {"translator.onnx": "00"}, "fonts": []}, "with fonts"),
        ({"files": {"translator.onnx": "00"}, "fonts": ["a", 1]}, "with fonts"),
        ({"task": "write"}, "task 'translate', received one of 'write'"),
        ({"files": {"translator.onnx": "00"}}, "translator.onnx: missing"),
    ],
)
def test_a_card_that_is_still_json_is_refused(tmp_path, changes, said):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / CARD).write_text(json.dumps(WHOLE_CARD | changes))
    with pytest.raises(UserError, match=said):
        Translator.open("x", tmp_path)


def test_any_kind_of_model_can_be_looked_at(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / CARD).write_text(json.dumps(WHOLE_CARD | {"task": "write"}))
    assert TrainedModel.open("x", tmp_path).card["task"] == "write"


def test_endless_nesting_is_no_card(tmp_path):
    (tmp_path / CARD).write_text("[" * 100_000)
    with pytest.raises(UserError, match="damaged"):
        read_card(tmp_path / CARD)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON_VALUES | st.dictionaries(st.sampled_from([*CARD_FIELDS, "fonts"]), JSON_VALUES))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_json_is_a_sound_card_or_a_user_error(tmp_path, content):
    (tmp_path / "x").mkdir(exist_ok=True)
    (tmp_path / "x" / CARD).write_text(json.dumps(content))
    with contextlib.suppress(UserError):
        card = read_card(tmp_path / "x" / CARD)
        assert all(isinstance(card[field], kind) for field, kind in CARD_FIELDS.items())
    with pytest.raises(UserError):
        Translator.open("x", tmp_path)  # none of the files is there


def test_a_model_of_the_working_folder_comes_before_the_shipped_one(tmp_path, monkeypatch):
    for place, name in (("shipped", "a"), ("shipped", "b"), ("here", "a"), ("here", "c")):
        folder = tmp_path / place / "modelh5" / name
        folder.mkdir(parents=True)
        (folder / CARD).write_text(json.dumps(WHOLE_CARD | {"task": place}))
    monkeypatch.setattr(runtime, "MODELS_DIR", tmp_path / "shipped" / "modelh5")
    monkeypatch.chdir(tmp_path / "here")
    assert list_models() == ["a", "b", "c"]
    assert [TrainedModel.open(name).card["task"] for name in "abc"] == ["here", "shipped", "here"]
    with pytest.raises(UserError, match=r"not found in modelh5 or .*; there is: a, b, c"):
        TrainedModel.open("zzz")
    with pytest.raises(UserError, match="there is: a, b$"):
        TrainedModel.open("c", runtime.MODELS_DIR)  # a folder that is named stands alone


def test_card_says_what_the_model_is(smoke_model, smoke_run):
    card = card_of(smoke_model)
    assert card["task"] == "translate"
    assert card["alphabet"] == "0123456789"
    assert card["ink"].startswith("white")
    assert len(card["data"]["sha256"]) == 64
    assert card["config"]["seed"] == card["seed"] == smoke_run.seed
    assert card["epochs"]["trained"] == smoke_run.epochs
    assert set(card["files"]) == {file.name for file in smoke_model.iterdir()} - {CARD}


def test_list_models_skips_what_is_no_model(models):
    (models / "empty").mkdir()
    (models / ".draft").mkdir()
    (models / ".draft" / CARD).write_text("{}")
    assert list_models(models) == ["translator-digits-smoke"]


def test_inference_imports_no_tensorflow():
    assert not loaded_by("import inference, trained")


def test_nobody_is_told_that_a_model_was_run(tmp_path):
    quiet = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")  # any of them would keep onnxruntime still
    told = {name: value for name, value in os.environ.items() if name not in quiet}
    program = (
        "import numpy as np\nfrom readers import Recogniser\n"
        "Recogniser.open('recogniser-digits').recognise(np.zeros((1, 28, 28, 1), np.uint8))"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        env={**told, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        cwd=ROOT,
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []


def test_models_are_taken_for_their_own_task_alone(smoke_model, smoke_reader):
    with pytest.raises(UserError, match="task 'recognise', received one of 'translate'"):
        Recogniser.open(smoke_model.name, smoke_model.parent)
    with pytest.raises(UserError, match="task 'translate', received one of 'recognise'"):
        Translator.open(smoke_reader.name, smoke_reader.parent)


def test_the_card_of_a_reader_says_what_it_is(smoke_reader):
    card = card_of(smoke_reader)
    assert (card["task"], card["alphabet"], card["image_size"]) == ("recognise", "0123456789", 28)
    assert card["temperature"] > 0
    assert set(card["files"]) == {file.name for file in smoke_reader.iterdir()} - {CARD}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"alphabet": "0123456789A"}, r"expected logits of shape \(11,\), as the card says, received \(10,\)"),
        ({"image_size": 32}, r"expected image of shape \(32, 32, 1\), as the card says, received \(28, 28, 1\)"),
    ],
)
def test_a_network_that_is_not_the_card_s_is_told(smoke_reader, tmp_path, changes, told):
    folder = Path(shutil.copytree(smoke_reader, tmp_path / smoke_reader.name))
    change_card(folder, **changes)
    with pytest.raises(UserError, match=told):
        Recogniser.open(folder.name, tmp_path).recognise(np.zeros((1, 28, 28, 1), np.uint8))
