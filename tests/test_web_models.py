"""What the server can use: found again and again, opened once, told to the page."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from toy_generators import write_generator
from web_client import models_dir

import web_models
from generators import Writer
from readers import Recogniser
from runtime import CARD, TrainedModel
from web_fields import Refusal
from web_models import Shelf, quality


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Of one toy model; it looks at its folder whenever it is asked."""
    monkeypatch.setattr(web_models, "LOOK_AGAIN", 0)
    write_generator(tmp_path, "cgan-digits")
    return Shelf(tmp_path, tmp_path / "images", tmp_path)


def test_a_model_is_opened_once_whoever_asks(monkeypatch):
    shelf, started = Shelf(models_dir()), threading.Barrier(4)
    opened, real = [], web_models._opened
    monkeypatch.setattr(web_models, "_opened", lambda found: opened.append(found.folder.name) or real(found))

    def ask(_):
        started.wait()
        return shelf.open(Recogniser, "recogniser-digits")

    with ThreadPoolExecutor(4) as threads:
        models = list(threads.map(ask, range(4)))
    assert opened == ["recogniser-digits"]
    assert all(model is models[0] for model in models)


def test_a_model_trained_anew_is_opened_anew_and_one_that_goes_is_gone(shelf, tmp_path):
    before, stamp = shelf.open(TrainedModel, "cgan-digits"), shelf.stamp()
    assert shelf.open(TrainedModel, "cgan-digits") is before
    card = tmp_path / "cgan-digits" / CARD
    card.write_text(card.read_text())
    assert shelf.open(TrainedModel, "cgan-digits") is not before
    assert shelf.stamp() != stamp
    card.unlink()
    with pytest.raises(Refusal, match="model: expected one of"):
        shelf.open(TrainedModel, "cgan-digits")


def test_models_are_chosen_from_a_list_and_of_the_right_kind():
    shelf = Shelf(models_dir())
    for name in ("../cvae-ascii", "/etc/passwd", "cvae-ascii/../cvae-ascii", "", "x" * 64):
        with pytest.raises(Refusal, match="model: expected one of") as caught:
            shelf.open(TrainedModel, name)
        assert caught.value.status == 400
    with pytest.raises(Refusal, match="recogniser-digits does not write") as caught:
        shelf.open(Writer, "recogniser-digits")
    assert caught.value.status == 422
    with pytest.raises(Refusal, match="expected one of the source cvae"):
        shelf.source("cvae", "1", "cgan-digits")


def test_a_damaged_model_is_told_without_its_files(shelf, tmp_path, caplog):
    (tmp_path / "cgan-digits" / "generator.onnx").write_bytes(b"damaged")
    with pytest.raises(Refusal, match="cgan-digits is damaged or incomplete") as caught:
        shelf.open(TrainedModel, "cgan-digits")
    assert str(tmp_path) not in str(caught.value)
    assert str(tmp_path) in caplog.text  # but whoever runs the server wants to know
    (tmp_path / "cgan-digits" / CARD).write_text("{")
    assert shelf.found() == {}


def test_sources_say_whether_they_can_be_used(shelf):
    told = {source["name"]: source for source in shelf.sources()}
    assert [name for name, source in told.items() if source["usable"]] == ["cgan"]
    assert told["cgan"] | {"reason": None} == {"name": "cgan", "usable": True, "reason": None, "alphabet": "0123456789",
                                              "mixes": True, "hands": True, "told": True}  # fmt: skip
    assert [name for name, source in told.items() if not source["told"]] == ["gan"]
    assert told["cvae"]["reason"] == "cvae-ascii is not trained yet; train it: python train.py cvae-ascii"
    assert told["mnist"]["reason"].startswith("the data set mnist is not here; fetch it: python")
    for name in ("cvae", "gan", "mnist", "unipen94"):
        with pytest.raises(Refusal, match="or choose another source") as caught:
            shelf.source(name, "1")
        assert caught.value.status == 422
    assert shelf.source("cgan", "abc").name == "cgan-digits"  # the only one there is


def test_a_model_is_told_with_its_figures_and_pictures(tmp_path):
    (tmp_path / "recogniser-digits").mkdir()
    (tmp_path / "recogniser-digits" / "training.gif").write_bytes(b"GIF89a")
    (tmp_path / "evaluation" / "recogniser-digits").mkdir(parents=True)
    (tmp_path / "evaluation" / "recogniser-digits" / "classes.png").write_bytes(b"")
    shelf = Shelf(models_dir(), tmp_path)
    (told,) = [model for model in shelf.models() if model["name"] == "recogniser-digits"]
    assert told["summary"] == "Handwritten digits read, on MNIST."
    assert told["pictures"] == ["/models/recogniser-digits/training.gif", "/models/recogniser-digits/classes.png"]
    first = told["quality"][0]["rows"][0]
    assert first["figure"] == "read right" and first["value"].endswith("%") and first["count"] == 10_000
    assert " to " in first["interval"]
    assert shelf.pictures("nobody") == {}


def test_what_a_card_tells_of_its_training_is_a_number_or_nothing(shelf, tmp_path):
    card = tmp_path / "cgan-digits" / CARD
    told = json.loads(card.read_text())
    for seconds in (math.nan, "long", None):
        card.write_text(json.dumps(told | {"seconds": seconds}))
        assert shelf.models()[0]["trained"]["seconds"] is None


DAMAGED = [[], {"a": 3}, {"a": {"measures": {"b": {"value": "x"}}}}, {"a": {"measures": []}}]


@pytest.mark.parametrize("measured", DAMAGED, ids=str)
def test_damaged_figures_are_left_out(measured):
    assert quality({"name": "some", "quality": measured}) == []
