"""readers.py: what is made of pictures, and that it is that of each picture alone."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.special import softmax as scipy_softmax
from trained_folders import change_card, fill_with_nan

import runtime
from config import ASCII
from readers import Recogniser, Translator, evidence, softmax
from shell import UserError


@pytest.fixture
def translator(smoke_model) -> Translator:
    return Translator.open(smoke_model.name, smoke_model.parent)


@pytest.fixture
def recogniser(smoke_reader) -> Recogniser:
    return Recogniser.open(smoke_reader.name, smoke_reader.parent)


@pytest.fixture
def reader(smoke_reader, tmp_path) -> Path:
    """The folder of a reader that a test may damage."""
    return Path(shutil.copytree(smoke_reader, tmp_path / smoke_reader.name))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)


def test_translate_gives_glyphs_and_probabilities(translator, images):
    glyphs, probabilities = translator.translate(images, "DejaVu Serif")
    assert glyphs.shape == (5, 28, 28, 1)
    assert glyphs.dtype == np.float32
    assert 0 <= glyphs.min() <= glyphs.max() <= 1
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_batch_does_not_change_a_picture(translator, images, monkeypatch):
    whole = translator.translate(images, "STIXGeneral")
    monkeypatch.setattr(runtime, "BATCH", 2)
    for once, again in zip(whole, translator.translate(images, "STIXGeneral"), strict=True):
        np.testing.assert_allclose(once, again, atol=1e-6)


def test_narrowing_narrows_reading_and_type_alike(translator, images):
    _, every = translator.translate(images, "STIXGeneral")
    glyphs, narrowed = translator.translate(images, "STIXGeneral", allowed="37")
    assert set(narrowed.argmax(axis=1)) <= {3, 7}
    np.testing.assert_allclose(
        narrowed[:, [3, 7]], every[:, [3, 7]] / every[:, [3, 7]].sum(1, keepdims=True), rtol=1e-4
    )
    alone, _ = translator.translate(images, "STIXGeneral", allowed="3")
    np.testing.assert_allclose(alone, np.broadcast_to(alone[:1], alone.shape), atol=1e-6)
    assert np.abs(glyphs - alone).max() > 1e-6


def test_unknown_font_and_character_are_named(translator):
    with pytest.raises(UserError, match=r"did you mean 'DejaVu Serif'.*STIXGeneral"):
        translator.font_number("Dejavu Serf")
    with pytest.raises(UserError, match=r"does not know 'é' \(U\+00E9 .*\), 'x'; expected"):
        translator.log_prior("1éx")


def test_a_long_alphabet_is_not_spelled_out():
    reader = Recogniser(Path("reader"), {"name": "reader", "alphabet": ASCII})
    with pytest.raises(UserError, match=r"does not know 'é' \(U\+00E9 .*\); expected characters of ascii; choose"):
        reader.log_prior("aé")


def test_the_first_font_is_the_one_unless_another_is_named():
    translator = Translator(Path(), {"fonts": ["B", "A"]})
    assert [translator.font_number(font) for font in (None, "B", "a")] == [0, 0, 1]


def test_onnx_takes_and_gives_what_is_promised(smoke_model, images):
    session = runtime.open_session(smoke_model / "translator.onnx")
    assert [(value.name, value.type) for value in session.get_inputs()] == [
        ("image", "tensor(uint8)"),
        ("font", "tensor(int32)"),
    ]
    glyph, logits = session.run(None, {"image": images, "font": np.zeros(5, np.int32)})
    assert glyph.shape == (5, 28, 28, 1)
    assert logits.shape == (5, 10)


def test_recognise_gives_calibrated_probabilities_evidence_and_features(recogniser, images):
    logits, features = recogniser.session.run(["logits", "features"], {"image": images})
    reading = recogniser.recognise(images)
    calibrated = scipy_softmax(logits / recogniser.card["temperature"], axis=1)
    np.testing.assert_allclose(reading.probabilities, calibrated, atol=1e-6)
    np.testing.assert_array_equal(reading.features, features)
    assert reading.features.shape == (5, recogniser.card["feature_size"])
    assert reading.evidence.shape == reading.is_character.shape == (5,)
    assert reading.is_character.dtype == bool


def test_what_may_be_read_changes_the_reading_and_not_whether_there_is_one(recogniser, images):
    every, narrowed = recogniser.recognise(images), recogniser.recognise(images, "73")
    among = every.probabilities[:, [3, 7]]
    np.testing.assert_allclose(narrowed.probabilities[:, [3, 7]], among / among.sum(1, keepdims=True), rtol=1e-4)
    np.testing.assert_allclose(narrowed.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert not np.delete(narrowed.probabilities, [3, 7], axis=1).any()
    np.testing.assert_array_equal(narrowed.evidence, every.evidence)
    np.testing.assert_array_equal(narrowed.is_character, every.is_character)
    with pytest.raises(UserError, match="does not know 'x'"):
        recogniser.recognise(images, "1x")


def test_the_batch_does_not_change_a_reading(recogniser, images, monkeypatch):
    whole = recogniser.recognise(images)
    monkeypatch.setattr(runtime, "BATCH", 2)
    parts = recogniser.recognise(images)
    for field in ("probabilities", "evidence", "features"):
        np.testing.assert_allclose(getattr(parts, field), getattr(whole, field), atol=1e-5)


def test_the_rule_on_the_card_decides_but_a_blank_picture_is_never_a_character(recogniser, images):
    images[2] = 0
    found = recogniser.recognise(images).evidence
    for least in (-100.0, float(np.median(found)), 100):
        recogniser.card["no_character"]["least_evidence"] = least
        expected = (found >= least) & [True, True, False, True, True]
        np.testing.assert_array_equal(recogniser.recognise(images).is_character, expected)


def test_weights_that_are_no_numbers_are_told(reader, images):
    fill_with_nan(reader, "recogniser.onnx")
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
    change_card(reader, **changes)
    with pytest.raises(
        UserError, match=r"card.json: expected a model card with a temperature.*retrain the model"
    ) as told:
        Recogniser.open(reader.name, reader.parent)
    assert "\n" not in str(told.value)


def test_no_pictures_are_no_readings(recogniser, translator):
    none = np.zeros((0, 28, 28, 1), np.uint8)
    assert recogniser.recognise(none).probabilities.shape == (0, 10)
    glyphs, probabilities = translator.translate(none)
    assert glyphs.shape == (0, 28, 28, 1)
    assert probabilities.shape == (0, 10)


def test_softmax_survives_large_logits():
    np.testing.assert_allclose(softmax(np.array([[1e4, 1e4, -1e9]])), [[0.5, 0.5, 0]])


@given(st.lists(st.lists(st.floats(-40, 40, width=32), min_size=4, max_size=4), min_size=1, max_size=5))
def test_evidence_is_the_log_odds_against_an_unwritten_logit_of_zero(rows):
    logits = np.array(rows, np.float32)
    beside_zero = scipy_softmax(np.pad(logits.astype(float), ((0, 0), (0, 1))), axis=1)
    np.testing.assert_allclose(expit(-evidence(logits).astype(float)), beside_zero[:, -1], rtol=1e-3)


def test_evidence_survives_large_logits():
    np.testing.assert_allclose(evidence(np.array([[1e4, 1e4], [-1e4, -1e4]])), [1e4 + np.log(2), -1e4 + np.log(2)])
