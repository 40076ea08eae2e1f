"""What somebody types after `python generate.py`, right and wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fresh_python import HEAVY, run_watched
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from toy_generators import type_of, write_generator

import generate
from config import DIGITS
from generate import Arguments, model_for, short_name, text_to_write
from layout import Layout
from shell import UserError

ROOT = Path(generate.__file__).parent


@pytest.fixture
def places(smoke_writer, tmp_path, monkeypatch) -> dict:
    """An empty working folder, and the options that name the smoke model."""
    monkeypatch.chdir(tmp_path)
    return {"model": smoke_writer.name, "models_dir": smoke_writer.parent}


@pytest.fixture
def write(places):
    """Runs the script's `main` in an empty folder with the smoke model; options may replace the model."""
    return lambda *text, **options: generate.main(Arguments(text, **{**places, **options}))


@pytest.fixture
def run(smoke_writer, tmp_path):
    """Runs the script as a process likewise."""

    def call(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess:
        model = () if "--model" in arguments else ("--model", smoke_writer.name)
        line = [sys.executable, str(ROOT / "generate.py"), *arguments, *model, f"--models-dir={smoke_writer.parent}"]
        return subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, input=text)

    return call


def pixels(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_line_is_written_where_it_is_said(run, tmp_path):
    done = run("007", "42")
    assert (done.returncode, done.stderr) == (0, "")
    picture = Image.open(tmp_path / "images/007-42.png")
    assert done.stdout == f"images/007-42.png: 5 characters, {picture.width} x {picture.height} pixels\n"
    assert picture.mode == "P"


def test_a_file_is_written_in_pages_with_boxes(run, tmp_path):
    (tmp_path / "letter.txt").write_text("\ufeff" + "12 345\r\n" * 9, encoding="utf-8")
    done = run("--file", "letter.txt", "--width", "200", "--page-height", "200", "--out", "a/letter.png",
               "--boxes", "boxes.json", "--height", "30")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    names = [f"letter-{k}.png" for k in range(1, len(done.stdout.splitlines()) + 1)]
    assert len(names) > 1
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == names
    boxes = [box for k in range(1, len(names) + 1)
             for box in json.loads((tmp_path / f"boxes-{k}.json").read_text())["boxes"]]  # fmt: skip
    assert "".join(box["character"] for box in boxes) == "12345" * 9
    assert {Image.open(tmp_path / "a" / name).width for name in names} == {200}


def test_standard_input_is_a_file(run, tmp_path):
    assert run("--file", "-", "--out", "x.png", text="12").returncode == 0
    assert run("12", "--out", "y.png").returncode == 0
    np.testing.assert_array_equal(pixels(tmp_path / "x.png"), pixels(tmp_path / "y.png"))


def test_digits_and_random_digits(write, capsys):
    write(digits=("0", "07"))
    write(random=5, seed=3, out=Path("one.png"))
    write(random=5, seed=3, out=Path("again.png"))
    write(random=5, seed=3, alphabet="7", out=Path("sevens.png"), boxes=Path("sevens.json"))
    assert "images/0-07.png: 3 characters" in capsys.readouterr().out
    np.testing.assert_array_equal(pixels("one.png"), pixels("again.png"))
    assert [box["character"] for box in json.loads(Path("sevens.json").read_text())["boxes"]] == list("77777")


def test_a_grid_has_a_row_a_character_and_exactly_the_pixels(write):
    write("31 3", variants=4, threshold=0.5, layout=Layout(height=28), out=Path("grid.png"), boxes=Path("grid.json"))
    picture = pixels("grid.png")
    assert picture.shape == (2 * 28, 4 * 28, 3)
    assert {tuple(colour) for colour in picture.reshape(-1, 3)} <= {(255, 255, 255), (27, 42, 74)}
    boxes = json.loads(Path("grid.json").read_text())["boxes"]
    assert [box["character"] for box in boxes] == list("33331111")
    for k, box in enumerate(boxes):
        assert box["x"] // 28 == k % 4 == (box["x"] + box["width"] - 1) // 28
        assert box["word"] == k
        assert box["y"] // 28 == k // 4 == (box["y"] + box["height"] - 1) // 28 == box["line"]


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("#ffee00", "#102030")])
def test_a_threshold_leaves_two_tones(write, ink, paper):
    write("12", threshold=0.3, layout=Layout(ink=ink, paper=paper), out=Path("two.png"))
    write("12", layout=Layout(ink=ink, paper=paper), out=Path("all.png"))
    picture, full = pixels("two.png"), pixels("all.png").astype(int)
    tones = {tuple(int(level) for level in colour) for colour in picture.reshape(-1, 3)}
    assert len(tones) == 2
    if ink == "black":
        np.testing.assert_array_equal(picture[..., 0] == 0, full[..., 0] < 0.7 * 255)


def test_real_characters_by_the_options_of_the_manual(data_dir, tmp_path):
    line = [sys.executable, str(ROOT / "generate.py"), "--digits", "1", "3", "5", "--spacing", "2", "5", "--source",
            "mnist"]  # fmt: skip
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "SCRIPTORIUM_DATA": str(data_dir)})  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "images/1-3-5.png").exists()


# ---------------------------------------------------------------------------------------------------------- the hand


def draw_stroke(path: Path, ends: tuple[int, int, int, int] | None) -> None:
    picture = Image.new("L", (60, 80), 250)
    if ends:
        ImageDraw.Draw(picture).line(ends, fill=20, width=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def test_a_hand_is_saved_used_again_and_mixed(write):
    write("12", seed=5, save_style=Path("five.json"), out=Path("a.png"))
    write("12", seed=6, save_style=Path("six.json"), out=Path("other.png"))
    write("12", seed=5, style=Path("five.json"), model=None, out=Path("b.png"))
    np.testing.assert_array_equal(pixels("a.png"), pixels("b.png"))
    write("12", style=Path("five.json"), mix_style=Path("six.json"), share=1, save_style=Path("mix.json"))
    mixed, six = (json.loads(Path(name).read_text())["style"]["vector"] for name in ("mix.json", "six.json"))
    np.testing.assert_allclose(mixed, six, rtol=1e-5)


def test_a_hand_is_taken_from_a_folder_of_characters(write):
    draw_stroke(Path("mine/1.png"), (30, 10, 28, 70))
    draw_stroke(Path("mine/1_2.jpg"), (34, 10, 26, 70))
    draw_stroke(Path("mine/7/first.png"), (45, 12, 25, 70))
    Path("mine/notes.txt").write_text("no picture")
    write("0123", style=Path("mine"), save_style=Path("mine.json"))
    write("0123", style=Path("mine.json"), out=Path("again.png"))
    np.testing.assert_array_equal(pixels("images/0123.png"), pixels("again.png"))


@pytest.mark.parametrize(
    ("name", "ends", "message"),
    [
        ("mine/1.png", None, r"mine/1\.png: .*blank"),
        ("mine/scan.png", (30, 10, 28, 70), r"mine/scan\.png: expected a name that tells the character"),
        ("mine/upper_A.png", (30, 10, 28, 70), "received 'A'"),
        ("mine/1.txt", None, "expected pictures of your characters"),
    ],
)
def test_a_picture_that_tells_nothing_is_named(write, name, ends, message):
    draw_stroke(Path(name).with_suffix(".png"), ends)
    Path(name).with_suffix(".png").rename(name)
    with pytest.raises(UserError, match=message):
        write("1", style=Path("mine"))
    assert not Path("images").exists()


def test_the_pictures_of_a_hand_are_not_overwritten(write):
    draw_stroke(Path("mine/1.png"), (30, 10, 28, 70))
    for out in ("mine/1.png", "mine/page.png", "mine/7/page.png"):
        with pytest.raises(UserError, match="would overwrite"):
            write("1", style=Path("mine"), out=Path(out))
    write("1", style=Path("mine"), save_style=Path("mine/hand.json"))


def test_the_model_knows_the_characters_shown_too(places):
    draw_stroke(Path("mine/upper_A.png"), (30, 10, 28, 70))
    assert model_for(Arguments(("007",)), "cvae", "007") == "cvae-digits"
    assert model_for(Arguments(("007",), style=Path("mine")), "cvae", "007") == "cvae-ascii"


# -------------------------------------------------------------------------------------------------------- generators


@pytest.fixture(scope="module")
def generators(tmp_path_factory) -> Path:
    """A folder of models with a generator of digits and one that is told nothing."""
    folder = tmp_path_factory.mktemp("generators")
    write_generator(folder, "cgan-digits")
    write_generator(folder, "gan-digits", labelled=False)
    return folder


@pytest.fixture
def invent(generators, tmp_path, monkeypatch):
    """Runs the script's `main` in an empty folder where a line would, with these generators for models."""
    monkeypatch.chdir(tmp_path)

    def call(*line: str) -> None:
        monkeypatch.setattr(sys, "argv", ["generate.py", *line, f"--models-dir={generators}"])
        generate.main(generate.parse(lambda: generate.tyro.cli(Arguments)))

    return call


def boxes_of(path: str) -> list[dict]:
    return json.loads(Path(path).read_text())["boxes"]


def test_digits_are_invented_in_a_hand_that_can_be_kept(invent, capsys):
    invent("646775", "--source", "cgan", "--seed", "3", "--save-style", "hand.json")
    invent("646775", "--seed", "3", "--style", "hand.json", "--out", "again.png")
    invent("646775", "--source", "cgan", "--seed", "4", "--out", "other.png")
    assert "images/646775.png: 6 characters" in capsys.readouterr().out
    first, again, other = (pixels(name) for name in ("images/646775.png", "again.png", "other.png"))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()
    invent("1", "--style", "hand.json", "--mix-style", "hand.json", "--share", "0.3", "--save-style", "mix.json")
    kept, mixed = (json.loads(Path(name).read_text())["style"] for name in ("hand.json", "mix.json"))
    assert kept["model"] == "cgan-digits"
    np.testing.assert_allclose(mixed["vector"], kept["vector"], rtol=1e-5)


def test_a_mixture_is_drawn_in_tries(invent):
    invent("--mix", "1*2+7", "--variants", "13", "--height", "28", "--ink", "black", "--boxes", "boxes.json")
    picture, boxes = pixels("images/mix-1-2-7.png"), boxes_of("boxes.json")
    assert picture.shape == (2 * 28, 10 * 28, 3)
    assert {box["character"] for box in boxes} == {"1*2+7"}
    assert [(box["line"], box["word"]) for box in boxes] == [(k // 10, k) for k in range(13)]
    one, seven = type_of(DIGITS)[[1, 7], ..., 0]
    for cell in (picture[:28, :28, 0], picture[28:, 56:84, 0]):
        ink = 1 - cell / 255
        np.testing.assert_allclose(ink / ink.max(), (2 * one + seven) / (2 * one + seven).max(), atol=0.03)
    assert (picture[28:, 84:] == 255).all()


def test_a_mixture_without_variants_is_one_picture(invent):
    invent("--mix", "3+8", "--source", "cgan", "--seed", "2")
    assert pixels("images/mix-3-8.png").shape == (64, 64, 3)


def test_boxes_of_what_nobody_chose_tell_what_is_read(invent):
    invent("--random", "20", "--source", "gan", "--boxes", "boxes.json", "--seed", "8")
    read = "".join(box["character"] for box in boxes_of("boxes.json"))
    assert len(read) == 20
    assert set(read) <= set(DIGITS)
    invent("--random", "20", "--model", "gan-digits", "--out", "again.png", "--seed", "8")
    np.testing.assert_array_equal(pixels("images/random-20-seed-8.png"), pixels("again.png"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["12a", "--source", "cgan"], "python train.py cgan-ascii"),
        (["12", "--source", "cvae"], "python train.py cvae-digits"),
        (["12", "--source", "gan"], "--random 20"),
        (["--random", "5", "--source", "gan", "--alphabet", "digits"], "--alphabet digits: expected none"),
        (["--random", "5", "--source", "gan", "--variants", "2"], "--variants 2: expected none"),
        (["--random", "5", "--source", "gan", "--save-style", "x.json"], "--save-style x.json: expected none"),
        (["--random", "5", "--source", "gan", "--model", "cgan-digits"], "received one of 'cgan'"),
        (["12", "--source", "cgan", "--model", "gan-digits"], "received one of 'gan'"),
        (["12", "--source", "cgan", "--style", "cvae.json"], "expected one of the model 'cgan-digits'"),
        (["12", "--source", "cgan", "--style", "mine"], "expected a CVAE"),
        (["12", "--source", "mnist", "--model", "cvae-digits"], "--model cvae-digits: expected none"),
        (["12", "--source", "mnist", "--temperature", "1"], "--temperature 1.0: expected none"),
        (["12", "--source", "cgan", "--share", "0.2"], "--share 0.2: expected none"),
        (["12", "--source", "cgan", "--alphabet", "digits"], "--alphabet digits: expected none"),
        (["12", "--source", "cgan", "--variants", "2", "--slant", "9"], "--slant 9.0: expected none, since a grid"),
        (["--mix", ""], "received none"),
        (["--mix", "12"], "received '12'"),
        (["--mix", "1*x"], "received 'x'"),
        (["--mix", "1*-1+2"], "received -1.0"),
        (["--mix", "1*nan"], "received nan"),
        (["--mix", "1*0+2*0"], "at least one above 0"),
        (["--mix", "1+x", "--model", "cgan-digits"], "received 'x'"),
        (["--mix", "1+x"], "python train.py cgan-ascii"),
        (["--mix", "1+2", "34"], "received a text and --mix"),
        (["--mix", "1+2", "--source", "mnist"], "--source mnist mixes no characters, as cgan does"),
        (["--mix", "1+2", "--source", "cvae"], "--source cvae mixes no characters, as cgan does"),
        (
            ["12", "--source", "mnist", "--style", "mine"],
            "--style mine: expected none, since --source mnist is no model",
        ),
        (["--mix", "1+2", "--skip-unknown"], "--skip-unknown: expected none"),
        (["--mix", "1+2", "--variants", "1000", "--height", "900"], "--variants 1000"),
    ],
)
def test_a_mistake_with_generators_is_one_line(line, message, invent, tmp_path):
    Path("cvae.json").write_text('{"style": {"model": "cvae-digits", "fingerprint": "f", "vector": [1, 2.5]}}')
    draw_stroke(Path("mine/1.png"), (30, 10, 28, 70))
    with pytest.raises(UserError) as caught:
        invent(*line)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cvae.json", "mine"]


# ---------------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected one of a text, --file"),
        (["1", "--digits", "2"], "received a text and --digits"),
        ([""], "received none"),
        ([" "], "at least one character"),
        (["12é"], "'é' (U+00E9"),
        (["1\u05d0"], "HEBREW LETTER ALEF"),
        (["1\x07"], "U+0007"),
        (["1", "--source", "minst"], "minst"),
        (["1", "--width", "9"], "--width 9"),
        (["1", "--spacing", "5", "2"], "spacing"),
        (["1", "--seed", "-3"], "seed"),
        (["--random", "5", "--seed", "-3"], "seed"),
        (["1", "--threshold", "1.5"], "threshold"),
        (["1", "--variants", "0"], "variants"),
        (["1", "--variants", "900", "--height", "900"], "--variants 900"),
        (["x", "--variants", "3"], "received 'x'"),
        (["--random", "0"], "random"),
        (["--digits", "1", "x"], "--digits: expected digits, received '1 x'"),
        (["--file", "none.txt"], "none.txt"),
        (["--file", "latin.txt"], "latin.txt: expected text in UTF-8, received byte 0xE9 at place 1"),
        (["--file", "blank.txt"], "blank.txt: expected text, received none"),
        (["--file", "/dev/zero"], "/dev/zero: expected a text of at most 4,000,000 bytes, received more"),
        (["--random", "5", "--alphabet", ""], "--alphabet: expected characters, received none"),
        (["1", "--ink", "#fff"], "`ink` must have another colour than the paper"),
        (["--file", "-", "--out", "x.jpg"], "--out x.jpg: expected a .png file"),
        (["1", "--out", "x.png", "--boxes", "x.png"], "x.png: would overwrite"),
        (["1", "--style", "latin.txt"], "latin.txt: expected a style"),
        (["1", "--style", "none.json"], "none.json"),
        (["1", "--model", "nothing"], "model 'nothing': not found"),
        (["1", "--ink", "bleu"], "ink"),
        (["1", "--ink", "rgb(300, 0, 0)"], "ink"),
        (["1", "--seeds", "3"], "--seed"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, smoke_writer, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("latin.txt").write_bytes(b"1\xe9")
    Path("blank.txt").write_text(" \n")
    model = [] if "--model" in arguments else ["--model", smoke_writer.name]
    monkeypatch.setattr(sys, "argv", ["generate.py", *arguments, *model, f"--models-dir={smoke_writer.parent}"])
    with pytest.raises((UserError, FileNotFoundError)) as caught:
        generate.main(generate.parse(lambda: generate.tyro.cli(Arguments)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blank.txt", "latin.txt"]


def test_a_text_that_cannot_be_written_leaves_no_style_behind(write, tmp_path):
    with pytest.raises(UserError, match="'x'"):
        write("x", save_style=Path("hand.json"))
    assert not list(tmp_path.iterdir())


def test_the_exit_code_of_a_mistake_is_2(run):
    done = run("a")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_skipped_characters_are_warned_of(run):
    done = run("1é2", "--skip-unknown")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: text: skipped 'é'")
    assert "2 characters" in done.stdout


@given(st.text(max_size=60))
def test_a_name_made_of_the_text_is_safe(text):
    name = short_name(Arguments((text,)))
    assert 0 < len(name) <= generate.SHORT_NAME
    assert name.isascii() and name.replace("-", "").isalnum()


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4))
def test_pieces_are_joined_by_a_blank(pieces):
    assert text_to_write(Arguments(tuple(pieces))) == " ".join(pieces)


@pytest.mark.parametrize("arguments", [["--help"], ["12", "--boxes", "b.json"]])
def test_neither_tensorflow_nor_matplotlib_is_ever_loaded(smoke_writer, tmp_path, arguments):
    places = [f"--models-dir={smoke_writer.parent}", f"--model={smoke_writer.name}"]
    heavy = (*HEAVY, "typeguard", "asyncio")
    code, loaded, said = run_watched("generate.py", *arguments, *places, cwd=tmp_path, libraries=heavy)
    assert (code, loaded) == (0, set()), said
