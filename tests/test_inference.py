"""One picture or many, good or bad, as a user gives them to inference.py."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fresh_python import run_watched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import decoding
import inference
import picture
from inference import Arguments, output_files, picture_files
from inference_figures import BARS_LEFT, BARS_RIGHT, INK, draw_bars, draw_reading, preview
from inference_tasks import Opened, Recognition, default_model
from runtime import CARD
from shell import UserError

ROOT = Path(inference.__file__).parent


def draw_seven(path: Path, count: int = 1) -> Path:
    """A thick 7, or several side by side, dark on light."""
    picture = Image.new("L", (20 + 100 * count, 120), 240)
    for number in range(count):
        left = 20 + 100 * number
        points = [(left + 10, 25), (left + 60, 25), (left + 30, 100)]
        ImageDraw.Draw(picture).line(points, fill=20, width=9 + (number == 0), joint="curve")
    picture.save(path)
    return path


def caller(model: Path, folder: Path, *always: str):
    """Runs the script in a folder with a model; gives its process."""

    def call(*arguments) -> subprocess.CompletedProcess:
        line = [
            sys.executable,
            str(ROOT / "inference.py"),
            *map(str, arguments),
            f"--models-dir={model.parent}",
            *always,
        ]
        if not any(str(argument).startswith("--model=") for argument in arguments):
            line.append(f"--model={model.name}")
        return subprocess.run(line, cwd=folder, capture_output=True, text=True)

    return call


@pytest.fixture
def run(smoke_model, tmp_path):
    """Runs the script in an empty folder with the smoke translator."""
    return caller(smoke_model, tmp_path)


@pytest.fixture
def read(smoke_reader, tmp_path):
    """The same with the smoke reader, to recognise."""
    return caller(smoke_reader, tmp_path, "--task=recognise")


@pytest.fixture
def answers(smoke_reader, tmp_path, capsys):
    """Recognises pictures in this process, with another rule for what is no character; gives the JSON objects."""
    shutil.copytree(smoke_reader, tmp_path / "models" / "reader")

    def call(*images: Path, least_evidence: float = -100.0, **arguments) -> list[dict]:
        path = tmp_path / "models" / "reader" / CARD
        card = json.loads(path.read_text())
        card["no_character"]["least_evidence"] = least_evidence
        path.write_text(json.dumps(card))
        code = inference.main(
            Arguments(images, "recognise", "reader", json=True, models_dir=tmp_path / "models", **arguments)
        )
        assert code == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


def open_all(paths: list[Path], failures: list[str], takes_blank: bool = False) -> list[Opened]:
    find = partial(Recognition.find, None) if takes_blank else picture.find_glyph
    task = SimpleNamespace(find=find, model=SimpleNamespace(image_size=28))
    return list(inference.open_all(paths, failures, task, previews=True))


def blank(path: Path) -> Path:
    Image.new("L", (50, 50), 255).save(path)
    return path


def test_one_picture_gives_a_line_and_a_figure(run, tmp_path):
    done = run(draw_seven(tmp_path / "seven.png"))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    figure = Image.open(tmp_path / "images/inference/seven-typeset.png")
    assert figure.width > 2 * figure.height
    assert len(np.unique(np.asarray(figure))) > 20


def test_json_holds_what_is_promised(run, tmp_path):
    pictures = [draw_seven(tmp_path / f"{name}.png") for name in "abc"]
    done = run(*pictures, "--json", "--font=DejaVu Serif", "--out=figures")
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["image"] for report in reports] == [str(path) for path in pictures]
    for report in reports:
        assert report["task"] == "translate"
        assert report["model"] == "translator-digits-smoke"
        assert report["font"] == "DejaVu Serif"
        assert report["character"] in "0123456789"
        assert 0 < report["confidence"] <= 1
        assert (tmp_path / report["output"]).exists()
        assert report["characters"] == 1


def test_the_same_picture_the_same_answer_alone_and_in_a_folder(run, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    draw_seven(folder / "x.png")
    draw_seven(folder / "y.png", count=2)
    (folder / "notes.txt").write_text("not a picture, and not asked for")
    together = [json.loads(line) for line in run(folder, "--json").stdout.splitlines()]
    alone = json.loads(run(folder / "x.png", "--json").stdout)
    assert [report["image"] for report in together] == [str(folder / "x.png"), str(folder / "y.png")]
    assert together[0]["character"] == alone["character"]
    assert together[0]["confidence"] == pytest.approx(alone["confidence"], abs=1e-5)


def test_several_characters_are_said_and_marked(run, tmp_path):
    path = draw_seven(tmp_path / "sevens.png", count=3)
    assert "holds 3 characters; the largest was taken" in run(path).stdout
    report = json.loads(run(path, "--json").stdout)
    assert report["characters"] == 3
    assert report["box"][2] < 130


def test_an_alphabet_narrows_what_is_read(run, tmp_path):
    report = json.loads(run(draw_seven(tmp_path / "seven.png"), "--json", "--alphabet=4").stdout)
    assert (report["character"], report["confidence"]) == ("4", 1.0)


def test_good_pictures_are_done_and_bad_ones_reported_at_the_end(run, tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    blank(tmp_path / "blank.png")
    whole = draw_seven(tmp_path / "seven.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    names = ["missing.png", "text.png", "empty.png", "seven.png", "blank.png", "cut.png"]
    done = run(*(tmp_path / name for name in names))
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) == 1
    errors = done.stderr.splitlines()
    assert len(errors) == 5, done.stderr
    for name, error in zip([name for name in names if name != "seven.png"], errors, strict=True):
        assert error.startswith("error: ")
        assert name in error


def test_a_failing_output_hides_no_bad_picture_and_is_named(run, tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "a", "png")
    (tmp_path / "figures" / "seven-typeset.png").mkdir(parents=True)
    done = run("a", draw_seven(tmp_path / "seven.png"), "--out=figures")
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first.startswith("error: a: expected a character")
    assert second == "error: Is a directory: figures/seven-typeset.png; name a file"


def test_a_name_that_is_no_unicode_is_read_all_the_same(run, tmp_path):
    name = os.fsdecode(b"seven-\xff.png")
    try:
        draw_seven(tmp_path / name)
    except OSError:
        pytest.skip("this disk takes Unicode names only")
    done = run(name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "seven-\\udcff.png: " in done.stdout
    assert json.loads(run(name, "--json").stdout)["image"] == name


def test_the_first_font_of_the_model_is_the_default(run, tmp_path, smoke_model):
    report = json.loads(run(draw_seven(tmp_path / "seven.png"), "--json").stdout)
    assert report["font"] == json.loads((smoke_model / "card.json").read_text())["fonts"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=translater-digits-smoke"], "did you mean 'translator-digits-smoke'"),
        (["--font=Dejavu Serf"], "did you mean 'DejaVu Serif'"),
        (["--alphabet=12x"], "does not know 'x'"),
        (["--alphabet="], "alphabet"),
        (["--task=fly"], "translate"),
        (["--out=figure.jpg"], "expected a folder or a .png file"),
        (["--out=seven.png"], "would overwrite a picture"),
        (["--out=/proc/none"], "/proc/none"),
        (["--fonts", "x"], "did you mean --font"),
    ],
)
def test_mistakes_end_in_one_line_and_code_2(run, tmp_path, arguments, message):
    draw_seven(tmp_path / "seven.png")
    before = hashlib.sha256((tmp_path / "seven.png").read_bytes()).digest()
    done = run("seven.png", *arguments)
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert hashlib.sha256((tmp_path / "seven.png").read_bytes()).digest() == before


def test_no_picture_is_a_mistake(run, tmp_path):
    assert "at least one picture" in run().stderr
    (tmp_path / "folder").mkdir()
    assert "holds none" in run("folder").stderr


def test_a_read_only_folder_is_one_line(run, tmp_path):
    if os.geteuid() == 0:
        target = Path("/proc/self/figures")  # root may write anywhere but there
    else:
        target = tmp_path / "locked"
        target.mkdir(mode=0o500)
    done = run(draw_seven(tmp_path / "seven.png"), f"--out={target}")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_input_beside_its_output_is_safe(tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "sub" / "a.png", tmp_path / "A.jpg"]
    outputs = output_files(paths, tmp_path, "typeset")
    assert len({path.name.casefold() for path in outputs.values()}) == 3
    with pytest.raises(UserError, match="would overwrite"):
        output_files([tmp_path / "a.png", tmp_path / "a-typeset.png"], tmp_path, "typeset")


@given(
    st.lists(
        st.sampled_from(["a.png", "a.jpg", "A.PNG", "b/a.png", "a-typeset.gif", "c.d.png"]), min_size=1, unique=True
    )
)
def test_outputs_never_meet(names):
    outputs = output_files([Path("in") / name for name in names], Path("out"), "typeset")
    assert len({str(path).casefold() for path in outputs.values()}) == len(names)


def test_thousands_of_equal_names_take_no_time():
    paths = [Path(str(number), "scan.png") for number in range(20_000)]
    outputs = output_files(paths, Path("out"), "typeset")
    assert len({path.name for path in outputs.values()}) == len(paths)


def test_a_folder_is_searched_for_every_format_but_not_for_hidden_files(tmp_path):
    for name in ("a.AVIF", "b.jp2", "c.tga", "._a.png", ".b.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in picture_files([tmp_path])] == ["a.AVIF", "b.jp2", "c.tga"]
    suffixes = {suffix for suffix, kind in Image.registered_extensions().items() if kind in decoding.FORMATS}
    assert suffixes - decoding.SUFFIXES == {".icb", ".vda", ".vst"}  # TGA's, which are other things nowadays
    assert suffixes | {".avif", ".avifs"} >= decoding.SUFFIXES  # which not every Pillow can read


def test_files_given_twice_are_read_once(tmp_path):
    path = draw_seven(tmp_path / "seven.png")
    assert picture_files([path, tmp_path, path]) == [path]


@given(
    content=st.binary(max_size=300),
    magic=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM"]),
    takes_blank=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_bytes_are_only_ever_reported(tmp_path, content, magic, takes_blank):
    path = tmp_path / "random.png"
    path.write_bytes(magic + content)
    failures: list[str] = []
    opened = open_all([path], failures, takes_blank)
    assert len(opened) + len(failures) == 1
    assert all("\n" not in failure and "random.png" in failure for failure in failures)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK"])
def test_previews_of_every_mode(tmp_path, mode):
    grey = Image.open(draw_seven(tmp_path / "seven.png"))
    given_picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 200) if mode == "I;16" else grey.convert(mode)
    panel = preview(given_picture, picture.find_glyph(given_picture))
    assert panel.mode == "RGB"
    assert np.asarray(panel).std() > 10


def test_the_frame_is_around_the_character_of_a_photograph_decoded_smaller(tmp_path):
    photo = Image.new("L", (4000, 3000), 240)
    for left, width in ((400, 160), (2600, 120)):
        ImageDraw.Draw(photo).line([(left, 600), (left + 900, 600), (left + 400, 2200)], 20, width, joint="curve")
    photo.save(tmp_path / "photo.jpg")
    (opened,) = open_all([tmp_path / "photo.jpg"], [])
    assert isinstance(opened, Opened)
    assert opened.found.characters == 2
    pixels = np.asarray(opened.preview).astype(int)
    rows, columns = np.nonzero(pixels[..., 0] - pixels[..., 2] > 100)
    frame = np.array([columns.min(), rows.min(), columns.max(), rows.max()]) * 4000 / pixels.shape[1]
    np.testing.assert_allclose(frame, opened.found.box, atol=60)
    np.testing.assert_allclose(opened.found.box, (400, 520, 1350, 2250), atol=100)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_float_picture_with_odd_numbers_is_read_in_silence(tmp_path, odd):
    levels = np.asarray(Image.open(draw_seven(tmp_path / "seven.png"))).astype(np.float32)
    levels[:3, :3] = odd
    Image.fromarray(levels).save(tmp_path / "float.tif")
    failures: list[str] = []
    (opened,) = open_all([tmp_path / "float.tif"], failures)
    assert np.asarray(opened.preview).std() > 10


def test_a_reading_is_one_line_and_no_figure(read, tmp_path):
    done = read(draw_seven(tmp_path / "seven.png"))
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"{tmp_path / 'seven.png'}: ")
    assert line.count(" %") == 5
    assert [file.name for file in tmp_path.iterdir()] == ["seven.png"]


def test_json_of_a_reading_holds_what_is_promised(answers, tmp_path):
    (report,) = answers(draw_seven(tmp_path / "seven.png", count=3))
    assert list(report) == ["image", "task", "model", "character", "confidence", "top", "is_character", "evidence",
                            "reason", "characters", "box", "output"]  # fmt: skip
    assert (report["task"], report["model"]) == ("recognise", "recogniser-digits-smoke")
    characters, shares = zip(*report["top"], strict=True)
    assert len(set(characters)) == 5
    assert set(characters) <= set("0123456789")
    assert list(shares) == sorted(shares, reverse=True)
    assert 0 < shares[-1] < sum(shares) <= 1
    assert [report["character"], report["confidence"]] == report["top"][0]
    assert (report["is_character"], report["reason"], report["output"]) == (True, None, None)
    assert report["characters"] == 3
    assert report["box"][2] < 130


def test_an_alphabet_renormalises_a_reading(answers, tmp_path):
    path = draw_seven(tmp_path / "seven.png")
    (every,), (narrowed,) = answers(path), answers(path, alphabet="773")
    assert {character for character, _ in narrowed["top"]} == {"3", "7"}
    assert sum(share for _, share in narrowed["top"]) == pytest.approx(1, abs=1e-5)
    assert narrowed["evidence"] == every["evidence"]


def test_what_may_not_be_read_is_not_listed_even_beside_the_impossible(smoke_reader):
    arguments = Arguments((), "recognise", smoke_reader.name, models_dir=smoke_reader.parent)
    assert Recognition(arguments, "83").likeliest(np.eye(10)[8]) == [("8", 1.0), ("3", 0.0)]


def test_a_blank_picture_is_an_answer_and_what_cannot_be_read_an_error(read, tmp_path):
    Image.new("L", (4, 4), 255).save(tmp_path / "tiny.png")
    (tmp_path / "text.png").write_text("not a picture")
    done = read(blank(tmp_path / "blank.png"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("blank.png: no character; blank: no ink found\n")
    done = read(*(tmp_path / name for name in ("blank.png", "tiny.png", "text.png", "missing.png")), "--json")
    assert done.returncode == 2
    assert [error.split(": ")[1] for error in done.stderr.splitlines()] == [
        str(tmp_path / name) for name in ("tiny.png", "text.png", "missing.png")
    ]
    report = json.loads(done.stdout)
    assert (report["character"], report["confidence"], report["is_character"]) == (None, None, False)
    assert (report["reason"], report["characters"], report["box"]) == ("blank: no ink found", 0, None)


def test_ink_that_is_unlike_every_character_is_said_to_be_none(answers, tmp_path):
    paths = draw_seven(tmp_path / "seven.png"), blank(tmp_path / "blank.png")
    seven, nothing = answers(*paths, least_evidence=50.0)
    assert (seven["character"], seven["confidence"], seven["is_character"]) == (None, None, False)
    assert seven["reason"].startswith("unlike every character the model knows (evidence ")
    assert seven["reason"].endswith(", at least 50.000 expected)")
    assert len(seven["top"]) == 5
    assert nothing["reason"] == "blank: no ink found"


def test_a_reading_is_the_same_alone_and_in_a_folder(answers, tmp_path, monkeypatch):
    folder = tmp_path / "scans"
    folder.mkdir()
    paths = [draw_seven(folder / "a.png"), blank(folder / "b.png"), draw_seven(folder / "c.png", count=2)]
    monkeypatch.setattr(inference, "CHUNK", 2)
    for together, alone in zip(answers(folder), [answers(path)[0] for path in paths], strict=True):
        assert together["image"] == alone["image"]
        assert together["character"] == alone["character"]
        assert together["evidence"] == pytest.approx(alone["evidence"], abs=1e-3)


def test_figures_of_readings_are_drawn_where_they_are_asked_for(answers, tmp_path):
    paths = draw_seven(tmp_path / "seven.png"), blank(tmp_path / "blank.png")
    reports = answers(*paths, out=tmp_path / "figures")
    figures = [Image.open(tmp_path / "figures" / name) for name in ("seven-read.png", "blank-read.png")]
    assert [report["output"] for report in reports] == [figure.filename for figure in figures]
    assert figures[0].size == figures[1].size
    answers(paths[0], out=tmp_path / "one.png")
    np.testing.assert_array_equal(Image.open(tmp_path / "one.png"), figures[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--font=STIXGeneral"],
            "--font STIXGeneral: --task recognise takes none; leave it out, or choose --task translate",
        ),
        (["--alphabet=12x"], "does not know 'x'"),
        (["--task=translate"], "expected a model of the task 'translate', received one of 'recognise'"),
        (["--model=recogniser-digits-smok"], "did you mean 'recogniser-digits-smoke'"),
    ],
)
def test_mistakes_in_recognising_end_in_one_line_and_code_2(smoke_reader, tmp_path, arguments, message):
    done = caller(smoke_reader, tmp_path)(draw_seven(tmp_path / "seven.png"), "--task=recognise", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_without_a_task_a_model_does_what_it_is_for(smoke_reader, run, tmp_path):
    seven = draw_seven(tmp_path / "seven.png")
    told, untold = (caller(smoke_reader, tmp_path, *task)(seven) for task in (["--task=recognise"], []))
    assert (untold.returncode, untold.stdout) == (0, told.stdout)
    translated = run(seven, "--json")
    assert json.loads(translated.stdout)["task"] == "translate"
    refused = caller(smoke_reader, tmp_path)(seven, "--font=STIXGeneral")
    assert refused.returncode == 2
    assert "--task recognise takes none" in refused.stderr


@pytest.mark.parametrize(("kind", "task"), [("translate", "translate"), ("recognise", "recognise"),
                                            ("write", "reconstruct"), ("invent", "translate")])  # fmt: skip
def test_the_usual_task_is_what_the_card_says(tmp_path, kind, task):
    (tmp_path / "mine").mkdir()
    card = {"name": "mine", "task": kind, "alphabet": "01", "image_size": 28, "files": {}}
    (tmp_path / "mine" / CARD).write_text(json.dumps(card))
    assert inference.usual_task(Arguments((), model="mine", models_dir=tmp_path)) == task
    for other in (None, "other"):
        assert inference.usual_task(Arguments((), model=other, models_dir=tmp_path)) == "translate"


def test_a_translator_does_not_recognise(run, tmp_path):
    done = run(draw_seven(tmp_path / "seven.png"), "--task=recognise")
    assert done.returncode == 2
    assert "expected a model of the task 'recognise', received one of 'translate'" in done.stderr


@pytest.mark.parametrize(
    ("allowed", "kind"), [(None, "ascii"), ("0123456789", "digits"), ("7", "digits"), ("7a", "ascii"), ("", "ascii")]
)
def test_digits_alone_go_to_the_model_of_digits(allowed, kind):
    assert default_model("recogniser", allowed) == f"recogniser-{kind}"


@pytest.mark.parametrize("arguments", [["--help"], ["seven.png", "--task=recognise", "--json", "--out=figures"]])
def test_neither_tensorflow_nor_matplotlib_is_ever_loaded(smoke_reader, tmp_path, arguments):
    draw_seven(tmp_path / "seven.png")
    places = [f"--models-dir={smoke_reader.parent}", f"--model={smoke_reader.name}"]
    code, loaded, said = run_watched("inference.py", *arguments, *places, cwd=tmp_path)
    assert (code, loaded) == (0, set()), said


TOP = [("7", 0.75), ("1", 0.125), ("W", 0.0625), ("_", 0.03), ("@", 0.0)]


def inked(panel: Image.Image) -> int:
    """Pixels of the longest row in the colour of ink, where bars are."""
    return int((np.asarray(panel)[:, BARS_LEFT : BARS_RIGHT + 1] == INK).all(axis=2).sum(axis=1).max())


@given(st.floats(0, 1))
def test_bars_are_as_long_as_characters_are_probable(share):
    assert abs(inked(draw_bars([("7", share), ("1", 1 - share)], None)) - share * (BARS_RIGHT - BARS_LEFT)) <= 1.5


def test_a_refused_reading_fades_and_says_why():
    seen, given_picture = np.zeros((28, 28), np.uint8), Image.new("RGB", (100, 168))
    read, refused = (draw_reading(given_picture, seen, TOP, reason) for reason in (None, "blank: no ink found"))
    assert read.size == refused.size
    assert inked(draw_bars(TOP, None)) > 100
    assert (
        inked(draw_bars(TOP, "unlike every character the model knows (evidence -4.132, at least 0.613 expected)")) < 100
    )
    assert draw_bars(TOP[:2], None).size == draw_bars(TOP, None).size
