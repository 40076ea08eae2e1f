"""The command: what it writes on cards, into folders and on the terminal, and how it ends on a mistake."""

import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trained_folders
from fresh_python import loaded_by

import evaluate
from classification_score import TrainedOn
from data_pictures import read_digits
from evaluate import Arguments
from readers import Recogniser, Translator
from runtime import CARD
from shell import UserError

ROOT = Path(evaluate.__file__).parent
READER, TRANSLATOR = "recogniser-digits-smoke", "translator-digits-smoke"
WRITER, INVENTOR = "cvae-digits-smoke", "cgan-digits-smoke"
FIGURE = {"value", "low", "high", "count", "unit", "interval"}


read_digits_once = functools.cache(read_digits)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("data_processor.read_digits", read_digits_once)
    monkeypatch.setattr("metrics.RESAMPLES", 40)
    monkeypatch.setattr("reader_evaluation.NON_CHARACTERS_EACH", 5)

    def learned(synthetic, real, test):  # by nobody, in no time
        return TrainedOn(np.arange(len(test.labels)) % 2 == 0, np.ones(len(test.labels), bool))

    monkeypatch.setattr("writer_evaluation.train_on_synthetic_test_on_real", learned)


@pytest.fixture
def work(smoke_reader, smoke_model, tmp_path) -> Path:
    """A folder with a reader and a translator that a test may write to, and no data but the embedded digits."""
    for folder in (smoke_reader, smoke_model):
        shutil.copytree(folder, tmp_path / "modelh5" / folder.name)
    return tmp_path


@pytest.fixture
def writing(smoke_writer, smoke_reader, tmp_path) -> Path:
    """The same with a writer, and a reader for its judge."""
    shutil.copytree(smoke_writer, tmp_path / "modelh5" / WRITER)
    return with_judge(tmp_path, smoke_reader)


@pytest.fixture
def inventing(smoke_gan, smoke_reader, tmp_path) -> Path:
    """The same with a generator."""
    shutil.copytree(smoke_gan, tmp_path / "modelh5" / INVENTOR)
    return with_judge(tmp_path, smoke_reader)


def with_judge(work: Path, reader: Path) -> Path:
    """The folder, after a reader was laid in it for a judge."""
    shutil.copytree(reader, work / "modelh5" / "judge-digits")
    change_card(work, "judge-digits", name="judge-digits")
    return work


def run(work: Path, *models: str, **settings) -> int:
    quick = {"robustness_pictures": 3, "pictures": False}
    places = {"models_dir": work / "modelh5", "images_dir": work / "images", "data_dir": work / "data"}
    return evaluate.main(Arguments(models=models, **(quick | places | settings)))


def rehearsed(work: Path, capsys, model: str, **settings) -> tuple[dict, set[str]]:
    """What a run on a few pictures tells, and which pictures it draws."""
    assert run(work, model, limit=30, pictures=True, json=True, **settings) == 0
    drawn = {path.name for path in (work / "images" / "evaluation" / f"{model}-partial").glob("*.png")}
    return json.loads(capsys.readouterr().out), drawn


def card_of(work: Path, model: str) -> dict:
    return trained_folders.card_of(work / "modelh5" / model)


def change_card(work: Path, model: str, **changes) -> None:
    trained_folders.change_card(work / "modelh5" / model, **changes)


def write_set(path: Path, characters: str) -> str:
    """A set of blots in ten shades, without a test part."""
    labels = np.arange(10 * len(characters)) % len(characters)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 6:22, 12:16] = np.linspace(100, 255, len(labels))[:, None, None]
    np.savez(path, images=images, labels=labels, classes=np.array(list(characters)))
    return str(path)


def places_of(*models: str) -> str:
    """A README with a place for each of the models."""
    return "".join(f"<!-- evaluate.py {name} -->\nold\n<!-- evaluate.py end -->\n" for name in models)


def failure(work: Path, capsys, *models: str, **settings) -> str:
    """The one line that a failing run says; nothing is half-written."""
    before = {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    assert run(work, *models, **settings) == 2
    assert before == {path: path.read_bytes() for path in work.rglob("*") if path.is_file()}
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1
    return said.err


def test_the_card_keeps_every_figure_with_its_interval_and_its_source(work):
    before = card_of(work, READER)
    assert run(work, READER) == 0
    card = card_of(work, READER)
    assert list(card) == list(before) and {**card, "quality": {}} == before
    assert Recogniser.open(READER, work / "modelh5").card == card  # its files' hashes hold
    assert list(card["quality"]) == [
        "digits, digits allowed",
        "non-characters made of digits",
        "robustness: digits, digits allowed",
    ]
    for section in card["quality"].values():
        assert (section["dataset"], section["seed"]) == ("digits", 0)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", section["date"])
        for measure in (*section["measures"].values(), *section.get("classes", {}).values()):
            assert set(measure) - {"refused"} == FIGURE
            assert measure["low"] <= measure["value"] <= measure["high"]
    assert set(card["quality"]["digits, digits allowed"]["classes"]) == set("0123456789")
    assert all("refused" in one for one in card["quality"]["robustness: digits, digits allowed"]["measures"].values())
    text = (work / "modelh5" / READER / CARD).read_text(encoding="utf-8")
    assert str(work) not in text
    assert re.search(r'^ *"read right": \{"value": .*"unit": "share", "interval": "wilson"\},$', text, re.MULTILINE)


def test_the_translator_stands_beside_its_oracle_and_says_that_there_is_no_judge(work, capsys):
    assert run(work, TRANSLATOR) == 0
    quality = card_of(work, TRANSLATOR)["quality"]
    assert set(quality["type: digits, digits allowed"]["measures"]["every font: nearest to the right glyph"]) == {
        *FIGURE,
        "oracle",
    }
    assert "no judge of all its characters" in quality["legibility"]["note"]
    assert "no judge of all its characters" in capsys.readouterr().out
    Translator.open(TRANSLATOR, work / "modelh5")


def test_a_judge_measures_legibility(work):
    assert run(with_judge(work, work / "modelh5" / READER), TRANSLATOR) == 0
    quality = card_of(work, TRANSLATOR)["quality"]
    assert "STIXGeneral: read right by judge-digits" in quality["type: digits, digits allowed"]["measures"]
    assert "legibility" not in quality


def test_a_writer_is_measured_from_its_likelihood_to_its_hand(writing, capsys):
    told, drawn = rehearsed(writing, capsys, WRITER, likelihood_pictures=6, importance_samples=3)
    assert told["task"] == "write"
    assert list(told["quality"]) == [
        "likelihood: digits",
        "legibility: digits, digits allowed",
        "distances: digits",
        "training on synthetic, testing on real: digits",
        "nearest training pictures: digits",
        "one hand: digits",
    ]
    assert told["quality"]["likelihood: digits"]["measures"]["negative log-likelihood, k = 3"]["count"] == 6
    assert {"hands.png", "digits-classes.png", "digits-mistakes.png", "digits-nearest.png"} <= drawn
    assert not card_of(writing, WRITER).get("quality")


def test_a_writer_without_a_judge_is_measured_as_far_as_can_be(writing, capsys):
    shutil.rmtree(writing / "modelh5" / "judge-digits")
    assert run(writing, WRITER, likelihood_pictures=6, importance_samples=3, limit=1) == 0
    said = capsys.readouterr()
    assert "no judge of all its characters" in said.out and "negative log-likelihood" in said.out and not said.err


def test_a_writer_is_not_compared_with_readers(writing, capsys):
    assert "received cvae-digits-smoke, which draws" in failure(writing, capsys, WRITER, against="judge-digits")
    assert "received cvae-digits-smoke, which draws" in failure(writing, capsys, "judge-digits", against=WRITER)


def test_a_generator_is_measured_from_its_legibility_to_its_hand(inventing, capsys):
    told, drawn = rehearsed(inventing, capsys, INVENTOR)
    assert told["task"] == "invent"
    assert list(told["quality"]) == [
        "legibility: digits, digits allowed",
        "distances: digits",
        "diversity inside each class: digits",
        "discriminator: digits",
        "training on synthetic, testing on real: digits",
        "nearest training pictures: digits",
        "one hand: digits",
    ]
    assert told["quality"]["discriminator: digits"]["measures"]["real pictures taken for real"]["count"] == 30
    assert {"hands.png", "digits-classes.png", "digits-diversity.png", "digits-nearest.png"} <= drawn


def test_a_generator_is_not_compared_with_readers(inventing, capsys):
    assert "received cgan-digits-smoke, which draws" in failure(inventing, capsys, INVENTOR, against="judge-digits")


def test_a_generator_of_other_characters_than_the_data_names_both(inventing, capsys):
    said = failure(inventing, capsys, INVENTOR, dataset=(write_set(inventing / "letters.npz", "ab"),))
    assert "'0123456789'" in said and "'ab'" in said


def test_the_same_seed_gives_the_same_report(work, capsys):
    said = []
    for seed in (0, 0, 1):
        assert run(work, READER, json=True, seed=seed) == 0
        quality = json.loads(capsys.readouterr().out)["quality"]
        said.append([section["measures"] for section in quality.values()])  # and not the day
    assert said[0] == said[1] != said[2]


def test_all_models_and_some_by_name_contradict_each_other(work):
    with pytest.raises(UserError, match=f"expected names of models or --all, received {READER} and --all"):
        run(work, READER, all=True)


def test_json_is_one_object_a_model_and_nothing_else(work, capsys):
    assert run(work, all=True, json=True, limit=20) == 0
    said = capsys.readouterr()
    told = [json.loads(line) for line in said.out.splitlines()]
    assert [(one["model"], one["task"]) for one in told] == [(READER, "recognise"), (TRANSLATOR, "translate")]
    assert all(one["quality"] for one in told)
    assert said.err == ""


@pytest.mark.parametrize("settings", [{"limit": 20}, {"alphabet": "123"}])
def test_a_rehearsal_and_a_narrowed_run_leave_the_card_alone(work, settings, capsys):
    before = card_of(work, READER)
    assert run(work, READER, **settings) == 0
    assert card_of(work, READER) == before
    assert "read right" in capsys.readouterr().out


def test_another_data_set_adds_to_the_card(work):
    name = write_set(work / "mine.npz", "0123")
    change_card(work, READER, quality={"kept": {}})
    assert run(work, READER, dataset=(name,)) == 0
    quality = card_of(work, READER)["quality"]
    assert {"kept", "mine.npz digits, digits allowed"} <= set(quality)
    assert quality["mine.npz digits, digits allowed"]["measures"]["read right"]["count"] == 40
    assert run(work, READER) == 0
    assert "kept" not in card_of(work, READER)["quality"]


def test_quality_that_is_no_dictionary_is_replaced(work):
    change_card(work, READER, quality=["nonsense"])
    assert run(work, READER, dataset=(write_set(work / "mine.npz", "01"),)) == 0
    assert "mine.npz digits, digits allowed" in card_of(work, READER)["quality"]


def test_a_run_of_less_than_everything_leaves_the_report_alone(work):
    folder = work / "images" / "evaluation"
    for settings in ({"limit": 9}, {"alphabet": "01"}, {"dataset": ("digits",)}, {"against": TRANSLATOR}):
        assert run(work, READER, **settings) == 0
        assert [path.name for path in folder.iterdir()] == [f"{READER}-partial"]
        shutil.rmtree(folder)


def test_data_that_changed_since_the_training_are_told_and_measured(work, capsys):
    change_card(work, READER, data={"name": "digits", "sha256": "0" * 64})
    assert run(work, READER) == 0
    said = capsys.readouterr()
    report = (work / "images" / "evaluation" / READER / "report.md").read_text(encoding="utf-8")
    for text in (said.err, said.out, report):
        assert "digits: not the data that the model was trained on" in text
    assert said.err.startswith(f"note: {READER}: ") and said.err.count("\n") == 1


def test_tables_and_pictures_go_to_one_folder(work):
    assert run(work, READER, pictures=True) == 0
    folder = work / "images" / "evaluation" / READER
    drawn = {path.name for path in folder.glob("*.png")}
    assert {"digits-confusion.png", "digits-reliability.png", "digits-classes.png", "robustness.png"} <= drawn
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert set(re.findall(r"!\[.*\]\((.*)\)", text)) == drawn
    assert "| read right" in text and "| shift 4 px" in text


def test_two_models_are_compared_but_the_card_tells_of_one(work, capsys):
    assert run(work, READER, against=TRANSLATOR) == 0
    assert "McNemar's p" in capsys.readouterr().out
    assert "against" not in (work / "modelh5" / READER / CARD).read_text(encoding="utf-8")
    assert run(work, READER, against=TRANSLATOR, json=True, limit=20) == 0
    assert len(json.loads(capsys.readouterr().out)["against"]) == 1


def test_models_are_called_by_their_folders(work, capsys):
    (work / "modelh5" / TRANSLATOR).rename(work / "modelh5" / "mine")
    assert run(work, READER, against="mine", json=True, limit=20) == 0
    (title,) = json.loads(capsys.readouterr().out)["against"]
    assert title.startswith(f"{READER} against mine: ")


def test_the_readme_gets_the_headline_figures_in_their_place(work):
    readme = work / "README.md"
    place = f"before\n<!-- evaluate.py {READER} -->\nold\n<!-- evaluate.py end -->\nafter\n"
    readme.write_text(place + "<!-- evaluate.py other -->\nkept\n<!-- evaluate.py end -->\n", encoding="utf-8")
    assert run(work, READER, TRANSLATOR, readme=readme) == 0
    assert run(work, READER, readme=readme) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- evaluate.py") and "old" not in text and "other -->\nkept\n<" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "digits, digits allowed: read right" in rows[2] and rows[2].count("%") == 2
    assert sum("shift" in row for row in rows) == 3 and "\n\nrobustness: digits, digits allowed:\n\n| what" in text


def test_line_ends_of_a_readme_stay_as_they_are(work):
    readme = work / "README.md"
    readme.write_bytes(f"above\n{places_of(READER)}below\n".replace("\n", "\r\n").encode())
    assert run(work, READER, readme=readme) == 0
    content = readme.read_bytes()
    assert b"read right" in content and content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r")


def test_models_without_a_place_in_the_readme_are_named(work, capsys):
    readme = work / "README.md"
    readme.write_text(places_of(READER), encoding="utf-8")
    assert run(work, READER, TRANSLATOR, readme=readme) == 0
    said = capsys.readouterr().err
    assert f"has no place for {TRANSLATOR}" in said and said.count("\n") == 1


def test_a_readme_in_other_bytes_is_told(work):
    (work / "README.md").write_bytes(b"\xff" + places_of(READER).encode())
    with pytest.raises(UserError, match="README.md: expected Markdown in UTF-8"):
        run(work, READER, readme=work / "README.md")


@pytest.mark.parametrize("settings", [{"limit": 9}, {"alphabet": "1"}, {"dataset": ("x",)}, {"against": "y"}])
def test_a_readme_tells_of_whole_runs_alone(work, settings):
    (work / "README.md").write_text(places_of(READER), encoding="utf-8")
    with pytest.raises(UserError, match=f"expected a run of everything, received --{next(iter(settings))}"):
        run(work, READER, readme=work / "README.md", **settings)


def test_a_readme_without_a_place_is_refused_before_anything_is_measured(work):
    (work / "README.md").write_text(f"<!-- evaluate.py {READER} -->\n<!-- evaluate.py x -->\n<!-- evaluate.py end -->")
    with pytest.raises(UserError, match=f"expected a line <!-- evaluate.py {READER} -->"):
        run(work, READER, readme=work / "README.md")
    with pytest.raises(UserError, match=f"did you mean {READER!r}"):
        run(work, READER[:-1], readme=work / "README.md")


# --- mistakes --------------------------------------------------------------------------------------------------------


def test_data_of_another_alphabet_name_both(work, capsys):
    said = failure(work, capsys, READER, dataset=(write_set(work / "letters.npz", "ab"),))
    assert "'0123456789'" in said and "'ab'" in said


def test_a_model_is_not_compared_with_itself(work, capsys):
    assert "expected another model" in failure(work, capsys, READER, against=READER)


def test_models_of_two_sizes_are_not_compared(work, capsys):
    change_card(work, TRANSLATOR, image_size=32)
    said = failure(work, capsys, READER, against=TRANSLATOR)
    assert "pictures of 28 pixels" in said and "received one of 32" in said


def test_a_card_that_changed_meanwhile_is_left_alone(work, capsys, monkeypatch):
    def train_anew(*args):
        change_card(work, READER, files={"recogniser.onnx": "0" * 64})

    monkeypatch.setattr(evaluate, "write_tables", train_anew)
    assert run(work, READER) == 2
    assert "trained meanwhile" in capsys.readouterr().err
    assert "quality" not in card_of(work, READER) or not card_of(work, READER)["quality"]


def test_what_the_disk_refuses_is_told_in_one_line_after_the_figures(work, capsys):
    (work / "images").write_text("no folder")
    assert run(work, READER, TRANSLATOR) == 2
    said = capsys.readouterr()
    assert f"# {READER}" in said.out and f"# {TRANSLATOR}" in said.out
    assert said.err.count("\n") == said.err.count("error: ") == 2 and "Traceback" not in said.err


def test_a_closed_pipe_ends_the_run(work, monkeypatch):
    def refuse(*args):
        raise BrokenPipeError

    monkeypatch.setattr(evaluate, "print_figures", refuse)
    with pytest.raises(BrokenPipeError):
        run(work, READER)


def test_a_card_without_weights_is_told(work, capsys):
    (work / "modelh5" / READER / "recogniser.onnx").unlink()
    assert "recogniser.onnx: missing" in failure(work, capsys, READER)
    change_card(work, READER, files={})
    assert "recogniser.onnx" in failure(work, capsys, READER)


@pytest.mark.parametrize(("name", "part"), [(READER, "recogniser.onnx"), (TRANSLATOR, "translator.onnx")])
def test_a_damaged_model_is_told(work, capsys, name, part):
    trained_folders.fill_with_nan(work / "modelh5" / name, part)
    assert "received NaN or infinity" in failure(work, capsys, name)


@pytest.mark.parametrize("part", ["generator.onnx", "discriminator.onnx"])
def test_a_damaged_generator_is_told(inventing, capsys, part):
    trained_folders.fill_with_nan(inventing / "modelh5" / INVENTOR, part)
    assert "received NaN or infinity" in failure(inventing, capsys, INVENTOR, limit=30)


def test_data_without_pictures_are_told(inventing, capsys):
    name = write_set(inventing / "none.npz", "")
    assert "none.npz" in failure(inventing, capsys, INVENTOR, dataset=(name,))


def test_an_unknown_character_task_and_model_are_told(work, capsys):
    assert "does not know 'é'" in failure(work, capsys, READER, alphabet="1é")
    assert "did you mean" in failure(work, capsys, READER[:-1])
    assert "there is: " in failure(work, capsys, READER, against="nobody")
    change_card(work, READER, task="sing")
    assert "recognise, translate, write, invent" in failure(work, capsys, READER)


def test_one_bad_model_does_not_keep_the_others_from_being_measured(work, capsys):
    change_card(work, READER, files={})
    assert run(work, all=True, limit=20) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"# {TRANSLATOR}") and said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "complaint"), [({}, "name one, or --all"), ({"all": True}, "received none; train")]
)
def test_nothing_to_measure_is_told(tmp_path, settings, complaint):
    with pytest.raises(UserError, match=complaint):
        evaluate.main(Arguments(models_dir=tmp_path, **settings))


@pytest.mark.parametrize(
    "settings",
    [{"limit": 0}, {"robustness_pictures": 0}, {"seed": -1}, {"likelihood_pictures": 0}, {"importance_samples": 0}],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match="Received"):
        Arguments(**settings)


def test_the_script_ends_in_one_line_on_a_mistake():
    line = [sys.executable, ROOT / "evaluate.py", "--alphabt", "x"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_the_script_loads_neither_tensorflow_nor_matplotlib():
    assert not loaded_by("import evaluate")


def test_real_pictures_are_measured_as_the_model_card_promises(work, data_dir, capsys):
    assert run(work, READER, data_dir=data_dir, limit=30, json=True) == 0
    quality = json.loads(capsys.readouterr().out)["quality"]
    assert {"digits, digits allowed", "photos digits, digits allowed"} <= set(quality)
    assert quality["photos digits, digits allowed"]["measures"]["read right"]["count"] == 20
