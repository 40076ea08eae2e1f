"""The demo's pictures are handwriting that can be read, and its steps are command lines that a user could type."""

import numpy as np
import pytest
from command_lines import parsed
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import demo
import inference
import sample_pictures
from decoding import open_picture
from picture import find_glyph
from sample_pictures import SAMPLES, STROKES, draw_sample, smooth_curve
from shell import UserError

BY_NAME = pytest.mark.parametrize("sample", SAMPLES, ids=[sample.name for sample in SAMPLES])


@BY_NAME
def test_a_sample_is_a_function_of_the_seed(sample):
    first, again, other = (np.asarray(draw_sample(sample, seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@BY_NAME
@settings(max_examples=8)
@given(seed=st.integers(0, 1000))
def test_a_sample_holds_one_character_where_it_was_written(sample, seed):
    picture = draw_sample(sample, seed)
    found = find_glyph(picture)
    left, top, right, bottom = found.box
    assert picture.size == sample.size
    assert found.characters == 1
    assert abs((left + right) / 2 / picture.width - sample.centre[0]) < 0.12
    assert abs((top + bottom) / 2 / picture.height - sample.centre[1]) < 0.12
    assert abs((bottom - top) / picture.height - sample.height) < 0.15


def test_whatever_a_sample_is_written_on_its_character_is_the_nearest():
    def glyphs(samples) -> np.ndarray:
        return np.stack([find_glyph(draw_sample(sample, 1)).glyph.ravel() for sample in samples]).astype(float)

    plain = [sample._replace(surface=sample_pictures.white_paper) for sample in SAMPLES]
    likeness = np.corrcoef(glyphs(SAMPLES), glyphs(plain))[: len(SAMPLES), len(SAMPLES) :]
    np.testing.assert_array_equal(likeness.argmax(axis=1), np.arange(len(SAMPLES)))


def test_the_samples_show_what_people_bring():
    assert {sample.character for sample in SAMPLES} == set(STROKES)
    pictures = [draw_sample(sample, 0) for sample in SAMPLES]
    assert {picture.mode for picture in pictures} == {"L", "RGB", "RGBA"}
    corners = [np.asarray(picture.convert("L"))[:20, :20].mean() for picture in pictures if picture.mode != "RGBA"]
    assert min(corners) < 80  # a dark board
    assert max(corners) > 240  # white paper


def test_a_curve_passes_all_its_points():
    points = np.array([(0.0, 0.0), (0.3, 0.8), (1.0, 0.2), (0.5, 0.5)])
    np.testing.assert_allclose(smooth_curve(points, 7)[::7], points)


def test_samples_are_written_as_pictures(tmp_path):
    sample_pictures.main(sample_pictures.Arguments(out=tmp_path))
    files = sorted(tmp_path.glob("*/*.png"))
    assert len(files) == len(SAMPLES)
    assert {file.stem for file in tmp_path.glob("digits/*")} == {"two", "four", "seven"}
    for file in files:
        assert isinstance(open_picture(file), Image.Image)


def test_epochs_that_cannot_be_are_refused_before_the_first_step():
    with pytest.raises(ValueError, match="`epochs` must lie in .* Received: epochs=0"):
        demo.Arguments(epochs=0)


def test_the_demos_command_lines_are_understood(monkeypatch):
    steps = demo.steps(demo.Arguments(epochs=7))
    run, samples, digits, rest, read = (parsed(command, monkeypatch) for _, command in steps)
    assert (run.name, run.dataset, run.epochs) == ("demo", ("digits",), 7)
    assert (digits.model, digits.alphabet, rest.model) == ("translator-digits", "digits", "translator-ascii")
    assert (read.model, read.task) == ("recogniser-ascii", "recognise")
    assert [*digits.images, *rest.images] == [samples.out / "digits", *read.images]
    assert digits.out == rest.out == inference.Arguments(()).out


@pytest.fixture
def fake_root(tmp_path, monkeypatch):
    """A project whose scripts do as the test says, and whose models are there."""
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo.TrainedModel, "open", lambda *_: None)
    for name, text in {
        "train.py": "print('trained')",
        "sample_pictures.py": "raise SystemExit(7)",
        "inference.py": "",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_failing_step_stops_the_demo_with_its_exit_code(fake_root, capfd):
    assert demo.main(demo.Arguments()) == 7
    said = capfd.readouterr().out
    assert "trained" in said
    assert "inference.py" not in said


def test_the_demo_ends_with_what_was_made_and_what_to_try(fake_root, capfd):
    (fake_root / "sample_pictures.py").write_text("")
    assert demo.main(demo.Arguments()) == 0
    said = capfd.readouterr().out
    assert said.count("\n$ ") == 5
    assert said.index("Made:") < said.index("images/inference ") < said.index("Next:")


@pytest.mark.parametrize("finished", [True, False])
def test_only_a_finished_demo_is_begun_anew(tmp_path, finished):
    logs = tmp_path / "demo"
    (logs / "state").mkdir(parents=True)
    if finished:
        (logs / "finished.json").write_text("{}")
    demo.forget_finished_run(logs)
    assert logs.exists() is not finished


def test_a_missing_model_is_told_before_anything_is_trained(capfd):
    with pytest.raises(UserError, match="no-such-model"):
        demo.main(demo.Arguments(digits_model="no-such-model"))
    assert "$" not in capfd.readouterr().out
