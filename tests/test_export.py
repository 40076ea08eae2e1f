"""The trained folder: its weights and its ONNX file are the same model, and a wrong export is never handed over."""

import keras
import numpy as np
import pytest

import export
from encoder_model import DECISIVE
from export import export_part
from readers import Translator
from run_settings import from_settings
from runtime import CARD, read_card
from shell import UserError
from tasks import build_model


def test_weights_and_onnx_are_the_same_model(smoke_model):
    run = from_settings(read_card(smoke_model / CARD)["config"])
    model = build_model(run)
    model.load_weights(smoke_model / f"{run.name}.weights.h5")
    images = np.random.default_rng(1).integers(0, 256, (9, 28, 28, 1), dtype=np.uint8)
    _, logits = model.reader(images.astype("float32"))
    character = keras.ops.softmax(DECISIVE * logits)
    expected = model.typesetter([character, keras.ops.full((9,), 2, dtype="int32")])
    translator = Translator.open(run.name, smoke_model.parent)
    glyphs, probabilities = translator.translate(images, translator.card["fonts"][2])
    np.testing.assert_allclose(glyphs, expected, atol=1e-4)
    np.testing.assert_allclose(probabilities, keras.ops.softmax(logits), atol=1e-4)


def test_the_weights_file_holds_no_optimizer(smoke_model, smoke_run):
    size = (smoke_model / f"{smoke_run.name}.weights.h5").stat().st_size
    parameters = build_model(smoke_run).count_params()
    assert size < 4 * parameters + 150_000  # HDF5's own bookkeeping


def test_an_export_that_computes_something_else_is_refused(tmp_path, monkeypatch):
    image = keras.Input((4,), name="x")
    part = keras.Model(image, {"y": keras.layers.Dense(3)(image)})
    export_part(part, tmp_path / "right.onnx", {})
    original = keras.Model.export

    def export_something_else(model, *arguments, **settings):
        model.set_weights([weight + 1 for weight in model.get_weights()])
        original(model, *arguments, **settings)

    monkeypatch.setattr(keras.Model, "export", export_something_else)
    with pytest.raises(UserError, match="'y' differs from Keras by"):
        export_part(part, tmp_path / "wrong.onnx", {})


def test_nothing_is_left_of_an_export_that_failed(smoke_run, tmp_path, monkeypatch):
    def fail(*_):
        raise UserError("no")

    monkeypatch.setattr(export, "export_parts", fail)
    state = type("State", (), {"history": [{}], "best_epoch": 1})()
    task = type(
        "Task",
        (),
        {"finish": lambda *_: None, "run": type(smoke_run)(name="x", models_dir=tmp_path, model=smoke_run.model)},
    )()
    with pytest.raises(UserError):
        export.export_model(task, build_model(task.run), state)
    assert list(tmp_path.iterdir()) == []
