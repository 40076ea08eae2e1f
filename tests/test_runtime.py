"""A trained folder as its user opens it: what is computed, what is refused, what is never imported."""

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.special import softmax as scipy_softmax

import runtime
from runtime import (
    CARD,
    CARD_FIELDS,
    Recogniser,
    TrainedModel,
    Translator,
    evidence,
    file_sha256,
    list_models,
    read_card,
    softmax,
)
from shell import UserError


@pytest.fixture
def models(smoke_model, tmp_path) -> Path:
    """A folder with one trained model that a test may damage."""
    shutil.copytree(smoke_model, tmp_path / smoke_model.name)
    return tmp_path


@pytest.fixture
def reader(smoke_reader, tmp_path) -> Path:
    """The folder of a reader that a test may damage."""
    return Path(shutil.copytree(smoke_reader, tmp_path / smoke_reader.name))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)


def test_translate_gives_glyphs_and_probabilities(models, images):
    translator = Translator.open("translator-digits-smoke", models)
    glyphs, probabilities = translator.translate(images, "DejaVu Serif")
    assert glyphs.shape == (5, 28, 28, 1)
    assert glyphs.dtype == np.float32
    assert 0 <= glyphs.min() <= glyphs.max() <= 1
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_batch_does_not_change_a_picture(models, images, monkeypatch):
    translator = Translator.open("translator-digits-smoke", models)
    whole = translator.translate(images, "STIXGeneral")
    monkeypatch.setattr(runtime, "BATCH", 2)
    for once, again in zip(whole, translator.translate(images, "STIXGeneral"), strict=True):
        np.testing.assert_allclose(once, again, atol=1e-6)


def test_narrowing_narrows_reading_and_type_alike(models, images):
    translator = Translator.open("translator-digits-smoke", models)
    _, every = translator.translate(images, "STIXGeneral")
    glyphs, narrowed = translator.translate(images, "STIXGeneral", allowed="37")
    assert set(narrowed.argmax(axis=1)) <= {3, 7}
    np.testing.assert_allclose(
        narrowed[:, [3, 7]], every[:, [3, 7]] / every[:, [3, 7]].sum(1, keepdims=True), rtol=1e-4
    )
    alone, _ = translator.translate(images, "STIXGeneral", allowed="3")
    np.testing.assert_allclose(alone, np.broadcast_to(alone[:1], alone.shape), atol=1e-6)
    assert np.abs(glyphs - alone).max() > 1e-6


def test_softmax_survives_large_logits():
    np.testing.assert_allclose(softmax(np.array([[1e4, 1e4, -1e9]])), [[0.5, 0.5, 0]])


@pytest.mark.parametrize("name", ["translator-digits-smok", "no such", "", ".", "../x"])
def test_unknown_model_lists_what_there_is(models, name):
    with pytest.raises(UserError, match="there is: translator-digits-smoke"):
        Translator.open(name, models)


def test_a_near_miss_is_suggested(models):
    with pytest.raises(UserError, match="did you mean 'translator-digits-smoke'"):
        Translator.open("translator-digits-smoka", models)


def test_unknown_font_and_character_are_named(models):
    translator = Translator.open("translator-digits-smoke", models)
    with pytest.raises(UserError, match=r"did you mean 'DejaVu Serif'.*STIXGeneral"):
        translator.font_number("Dejavu Serf")
    with pytest.raises(UserError, match="does not know 'xé'"):
        translator.log_prior("1éx")


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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"files": []}, "with files"),
        ({"files": {"x": 3}}, "sha256 of every file"),
        ({"name": 1, "task": None, "alphabet": ["0"]}, "with name, task, alphabet"),
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
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
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


def test_the_first_font_is_the_one_unless_another_is_named():
    translator = Translator(Path(), WHOLE_CARD | {"fonts": ["B", "A"]})
    assert [translator.font_number(font) for font in (None, "B", "a")] == [0, 0, 1]


def test_card_says_what_the_model_is(smoke_model, smoke_run):
    card = json.loads((smoke_model / CARD).read_text())
    assert card["task"] == "translate"
    assert card["alphabet"] == "0123456789"
    assert card["ink"].startswith("white")
    assert len(card["data"]["sha256"]) == 64
    assert card["config"]["seed"] == card["seed"] == smoke_run.seed
    assert card["epochs"]["trained"] == smoke_run.epochs
    assert set(card["files"]) == {file.name for file in smoke_model.iterdir()} - {CARD}


def test_onnx_takes_and_gives_what_is_promised(smoke_model, images):
    session = runtime.open_session(smoke_model / "translator.onnx")
    assert [(value.name, value.type) for value in session.get_inputs()] == [
        ("image", "tensor(uint8)"),
        ("font", "tensor(int32)"),
    ]
    glyph, logits = session.run(None, {"image": images, "font": np.zeros(5, np.int32)})
    assert glyph.shape == (5, 28, 28, 1)
    assert logits.shape == (5, 10)


def test_list_models_skips_what_is_no_model(models):
    (models / "empty").mkdir()
    (models / ".draft").mkdir()
    (models / ".draft" / CARD).write_text("{}")
    assert list_models(models) == ["translator-digits-smoke"]


def test_inference_imports_no_tensorflow():
    code = "import sys, inference, runtime; sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    subprocess.run([sys.executable, "-c", code], cwd=Path(runtime.__file__).parent, check=True)


def test_recognise_gives_calibrated_probabilities_evidence_and_features(smoke_reader, images):
    recogniser = Recogniser.open(smoke_reader.name, smoke_reader.parent)
    logits, features = recogniser.session.run(["logits", "features"], {"image": images})
    reading = recogniser.recognise(images)
    calibrated = scipy_softmax(logits / recogniser.card["temperature"], axis=1)
    np.testing.assert_allclose(reading.probabilities, calibrated, atol=1e-6)
    np.testing.assert_array_equal(reading.features, features)
    assert reading.features.shape == (5, recogniser.card["feature_size"])
    assert reading.evidence.shape == reading.is_character.shape == (5,)
    assert reading.is_character.dtype == bool


@given(st.lists(st.lists(st.floats(-40, 40, width=32), min_size=4, max_size=4), min_size=1, max_size=5))
def test_evidence_is_the_log_odds_against_an_unwritten_logit_of_zero(rows):
    logits = np.array(rows, np.float32)
    beside_zero = scipy_softmax(np.pad(logits.astype(float), ((0, 0), (0, 1))), axis=1)
    np.testing.assert_allclose(expit(-evidence(logits).astype(float)), beside_zero[:, -1], rtol=1e-3)


def test_evidence_survives_large_logits():
    np.testing.assert_allclose(evidence(np.array([[1e4, 1e4], [-1e4, -1e4]])), [1e4 + np.log(2), -1e4 + np.log(2)])


def test_what_may_be_read_changes_the_reading_and_not_whether_there_is_one(smoke_reader, images):
    recogniser = Recogniser.open(smoke_reader.name, smoke_reader.parent)
    every, narrowed = recogniser.recognise(images), recogniser.recognise(images, "73")
    among = every.probabilities[:, [3, 7]]
    np.testing.assert_allclose(narrowed.probabilities[:, [3, 7]], among / among.sum(1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(narrowed.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert not np.delete(narrowed.probabilities, [3, 7], axis=1).any()
    np.testing.assert_array_equal(narrowed.evidence, every.evidence)
    np.testing.assert_array_equal(narrowed.is_character, every.is_character)
    with pytest.raises(UserError, match="does not know 'x'"):
        recogniser.recognise(images, "1x")


def test_the_batch_does_not_change_a_reading(smoke_reader, images, monkeypatch):
    recogniser = Recogniser.open(smoke_reader.name, smoke_reader.parent)
    whole = recogniser.recognise(images)
    monkeypatch.setattr(runtime, "BATCH", 2)
    parts = recogniser.recognise(images)
    for field in ("probabilities", "evidence", "features"):
        np.testing.assert_allclose(getattr(parts, field), getattr(whole, field), atol=1e-5)


def test_the_rule_on_the_card_decides_but_a_blank_picture_is_never_a_character(smoke_reader, images):
    images[2] = 0
    recogniser = Recogniser.open(smoke_reader.name, smoke_reader.parent)
    found = recogniser.recognise(images).evidence
    for least in (-100.0, float(np.median(found)), 100):
        recogniser.card["no_character"]["least_evidence"] = least
        expected = (found >= least) & [True, True, False, True, True]
        np.testing.assert_array_equal(recogniser.recognise(images).is_character, expected)


def test_weights_that_are_no_numbers_are_told(reader, images):
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(reader / "recogniser.onnx")
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full_like(values, np.nan), tensor.name))
    onnx.save(graph, reader / "recogniser.onnx")
    card = json.loads((reader / CARD).read_text())
    card["files"]["recogniser.onnx"] = file_sha256(reader / "recogniser.onnx")
    (reader / CARD).write_text(json.dumps(card))
    with pytest.raises(UserError, match=r"recogniser-digits-smoke.*received NaN or infinity; it is damaged"):
        Recogniser.open(reader.name, reader.parent).recognise(images)


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": None},
        {"temperature": 0},
        {"temperature": -1.5},
        {"temperature": True},
        {"temperature": 1e-300},
        {"temperature": 10**400},
        {"temperature": float("inf")},
        {"no_character": {"least_evidence": float("nan")}},
        {"temperature": "hot"},
        {"temperature": [1.0]},
        {"no_character": None},
        {"no_character": 0.5},
        {"no_character": {}},
        {"no_character": {"least_evidence": "much"}},
    ],
)
def test_a_reader_without_calibration_or_rule_is_refused(reader, changes):
    card = json.loads((reader / CARD).read_text()) | changes
    (reader / CARD).write_text(json.dumps({key: value for key, value in card.items() if value is not None}))
    with pytest.raises(
        UserError, match=r"card.json: expected a model card with a temperature.*retrain the model"
    ) as told:
        Recogniser.open(reader.name, reader.parent)
    assert "\n" not in str(told.value)


def test_models_are_taken_for_their_own_task_alone(smoke_model, smoke_reader):
    with pytest.raises(UserError, match="task 'recognise', received one of 'translate'"):
        Recogniser.open(smoke_model.name, smoke_model.parent)
    with pytest.raises(UserError, match="task 'translate', received one of 'recognise'"):
        Translator.open(smoke_reader.name, smoke_reader.parent)


def test_the_card_of_a_reader_says_what_it_is(smoke_reader):
    card = json.loads((smoke_reader / CARD).read_text())
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
    folder = tmp_path / smoke_reader.name
    shutil.copytree(smoke_reader, folder)
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | changes))
    with pytest.raises(UserError, match=told):
        Recogniser.open(folder.name, tmp_path).recognise(np.zeros((1, 28, 28, 1), np.uint8))


def test_no_pictures_are_no_readings(smoke_reader, smoke_model):
    none = np.zeros((0, 28, 28, 1), np.uint8)
    reading = Recogniser.open(smoke_reader.name, smoke_reader.parent).recognise(none)
    assert reading.probabilities.shape == (0, 10)
    glyphs, probabilities = Translator.open(smoke_model.name, smoke_model.parent).translate(none)
    assert glyphs.shape == (0, 28, 28, 1)
    assert probabilities.shape == (0, 10)
