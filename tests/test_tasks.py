"""tasks.py: what a run reads before Keras is there, and which model file is its own."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from trained_folders import card_of, change_card

from presets import PRESETS
from shell import UserError
from tasks import identities, load_inputs, make_task, task_of


@pytest.fixture
def models(smoke_reader, tmp_path) -> Path:
    """A folder with a reader that takes nothing for any character in particular."""
    change_card(Path(shutil.copytree(smoke_reader, tmp_path / "blind")), temperature=100.0)
    return tmp_path


@pytest.mark.parametrize(
    ("preset", "kind"),
    [
        ("translator-digits", "translate"),
        ("judge-ascii", "recognise"),
        ("cvae-dense", "write"),
        ("gan-digits", "invent"),
    ],
)
def test_settings_find_their_model_file(preset, kind):
    assert task_of(PRESETS[preset][1]).kind == kind


def test_a_run_without_a_model_file_is_a_mistake():
    with pytest.raises(TypeError, match="Received: run="):
        task_of(None)


def test_what_is_read_makes_the_task():
    run = PRESETS["translator-digits-smoke"][1]
    inputs = load_inputs(run)
    assert set(identities(inputs)) == {"data_sha256"}
    assert make_task(run, **inputs).type_glyphs.shape == (len(run.model.fonts), 10, 28, 28, 1)


def test_the_reader_to_clean_by_is_taken_from_the_run_s_models_first(models):
    run = replace(PRESETS["cvae-digits-smoke"][1], cleaned_by="blind", models_dir=models, least_likely=0.5)
    with pytest.raises(UserError, match="images for train .* choose another --cleaned-by"):  # it takes nothing for sure
        load_inputs(run)
    with pytest.raises(UserError, match="'blind': not found"):
        load_inputs(replace(run, models_dir=models / "nowhere"))


def test_a_shipped_reader_serves_where_the_run_s_models_have_none(models):
    whole = load_inputs(PRESETS["cvae-digits-smoke"][1])["data"]
    run = replace(PRESETS["cvae-digits-smoke"][1], cleaned_by="recogniser-digits", models_dir=models)
    assert 0.9 * len(whole.labels) < len(load_inputs(run)["data"].labels) < len(whole.labels)


def test_the_reader_that_cleans_tells_legible_styles_too(models):
    run = PRESETS["cvae-digits-smoke"][1]
    model = replace(run.model, prior="flow", prior_fitted="after")
    run = replace(run, cleaned_by="recogniser-digits", legible=0.5, model=model)
    inputs = load_inputs(run)
    assert make_task(run, **inputs).reader.card["name"] == "recogniser-digits"
    facts = identities(inputs)
    assert set(facts) == {"data_sha256", "reader_sha256", "reader_temperature"}
    inputs["reader"].card["temperature"] *= 2  # the same network, surer or less sure of what is legible
    assert identities(inputs)["reader_temperature"] != facts["reader_temperature"]


def test_epochs_are_compared_by_the_reader_of_the_run_s_models(models):
    run = replace(PRESETS["cgan-digits-smoke"][1], reader="blind", models_dir=models)
    assert identities(load_inputs(run))["reader_sha256"] == card_of(models / "blind")["files"]["recogniser.onnx"]


def test_writers_can_be_evened_out_only_where_they_are_known():
    run = replace(PRESETS["recogniser-digits-smoke"][1], evenness=0.5)
    with pytest.raises(UserError, match="--evenness 0.5: expected a data set whose writers.*received digits; .*--eve"):
        load_inputs(run)


def test_who_wrote_what_is_part_of_what_a_run_is_of():
    inputs = load_inputs(PRESETS["recogniser-digits-smoke"][1])
    data = inputs["data"]
    told = [identities({"data": replace(data, writers=np.arange(len(data.labels)) // times)}) for times in (1, 2)]
    assert told[0]["writers_sha256"] != told[1]["writers_sha256"]
    assert told[0]["data_sha256"] == told[1]["data_sha256"]


def test_only_characters_whose_strokes_are_known_can_be_redrawn():
    run = replace(PRESETS["recogniser-digits-smoke"][1], redrawn=2)
    with pytest.raises(UserError, match="--redrawn 2: expected a data set whose pen strokes.*received digits"):
        load_inputs(run)


def test_strokes_are_found_for_the_sets_that_have_them_and_named(tmp_path):
    count = 400
    labels = np.arange(count) % 10
    np.savez(tmp_path / "mine.npz", images=np.full((count, 28, 28), 9, np.uint8), labels=labels,
             classes=np.array(list("0123456789")))  # fmt: skip
    np.savez(tmp_path / "mine_strokes.npz", points=np.random.default_rng(0).random((2 * count, 2)),
             stroke_offsets=np.arange(0, 2 * count + 1, 2), char_offsets=np.arange(count + 1))  # fmt: skip
    run = replace(PRESETS["recogniser-digits-smoke"][1], redrawn=2, dataset=("digits", str(tmp_path / "mine.npz")))
    inputs = load_inputs(run)
    assert list(inputs["strokes"]) == [1]
    assert len(identities(inputs)["strokes_sha256"]) == 64
    batches = make_task(replace(run, limit=None), **inputs).training_batches()
    trained_on = np.bincount(batches.part.source)
    drawn = np.bincount(batches.part.source[batches.order])
    assert (trained_on[2], drawn.tolist()) == (2 * trained_on[1], [*trained_on[:2], trained_on[1]])
