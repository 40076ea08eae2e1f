"""Pictures drawn anew by inference.py: denoised, reconstructed, interpolated."""

import json
from pathlib import Path

import numpy as np
import pytest
from fresh_python import run_watched
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

import inference
from config import ASCII
from generators import Writer
from inference import Arguments
from inference_tasks import Denoising, unenlarged
from ink import BlankError
from interpolation import safe
from noises import add_noise
from restoration import psnr
from shell import UserError


@pytest.fixture
def pictures(tmp_path, monkeypatch) -> list[Path]:
    """A 7, a 1 and a 0 of 28x28 pixels, white on black, as a.png to c.png in the working folder."""
    monkeypatch.chdir(tmp_path)
    paths = [Path(f"{name}.png") for name in "abc"]
    strokes = [[(20, 20), (80, 20), (45, 95)], [(56, 18), (56, 96)], [(56, 18), (80, 56), (56, 94), (32, 56), (56, 18)]]
    for path, stroke in zip(paths, strokes, strict=True):
        fine = Image.new("L", (112, 112))
        ImageDraw.Draw(fine).line(stroke, 255, 10, joint="curve")
        fine.reduce(4).save(path)
    return paths


@pytest.fixture
def run(smoke_writer, pictures, capsys):
    """Runs inference.py in this process with the smoke writer; gives the lines it printed."""

    def call(task: str, *images, **arguments) -> list[str]:
        model = {"model": smoke_writer.name, "models_dir": smoke_writer.parent}
        code = inference.main(Arguments(tuple(map(Path, images)), task, **(model | arguments)))
        assert code == 0
        return capsys.readouterr().out.splitlines()

    return call


@pytest.mark.parametrize(("task", "ending"), [("denoise", "denoised"), ("reconstruct", "reconstructed")])
def test_pictures_are_drawn_anew_with_a_line_and_a_figure_each(run, task, ending):
    lines = run(task, "a.png", "b.png")
    assert len(lines) == 2
    for name, line in zip("ab", lines, strict=True):
        figure = f"images/inference/{name}-{ending}.png"
        assert line.startswith(f"{name}.png: ")
        assert line.endswith(f"  -> {figure}")
        assert Image.open(figure).width > 2 * Image.open(figure).height


@pytest.mark.parametrize("task", ["denoise", "reconstruct"])
def test_json_of_what_is_drawn_anew_holds_what_is_promised(run, smoke_writer, task):
    read, told = (json.loads(run(task, "a.png", json=True, character=told)[0]) for told in (None, "4"))
    assert list(read)[:5] == ["image", "task", "model", "character", "told"]
    assert (read["task"], read["model"], read["told"]) == (task, smoke_writer.name, False)
    assert read["character"] in "0123456789"
    assert (told["character"], told["told"]) == ("4", True)
    assert read["characters"] == 1


def test_only_characters_allowed_are_read(run):
    for task in ("denoise", "reconstruct"):
        assert json.loads(run(task, "a.png", json=True, alphabet="5")[0])["character"] == "5"


def test_noise_can_be_added_and_is_told_with_what_is_left_of_it(run):
    (report,) = map(json.loads, run("denoise", "a.png", json=True, noise="salt", amount=0.2, seed=4))
    assert report["noise"] == {"kind": "salt", "amount": 0.2, "seed": 4}
    clean = Denoising.find(Image.open("a.png"), 28).glyph[None, ..., None]
    assert report["psnr"][0] == pytest.approx(psnr(add_noise(clean, "salt", 0.2, 4), clean)[0], abs=1e-3)
    assert 0 < report["psnr"][1] < 40
    (line,) = run("denoise", "a.png", noise="gaussian")
    assert "dB with noise" in line
    (report,) = map(json.loads, run("denoise", "a.png", json=True))
    assert (report["noise"], report["psnr"]) == (None, None)


def test_the_same_picture_the_same_noise_alone_and_among_others(run):
    together = [json.loads(line) for line in run("denoise", "a.png", "b.png", json=True, noise="gaussian", seed=2)]
    (alone,) = map(json.loads, run("denoise", "b.png", json=True, noise="gaussian", seed=2))
    assert together[1]["character"] == alone["character"]
    assert together[1]["psnr"] == pytest.approx(alone["psnr"], abs=0.01)


def noisy_glyph(path: Path, *, dark: bool = False, factor: int = 1) -> np.ndarray:
    """A digit under noise as a picture, also as ink on paper, also enlarged; gives it as the model should see it."""
    clean = np.asarray(Image.open(path))[None, ..., None]
    noisy = add_noise(clean, "gaussian", 0.2, 1)[0, ..., 0]
    shown = np.kron(255 - noisy if dark else noisy, np.ones((factor, factor), np.uint8))
    Image.fromarray(shown).save("noisy.png")
    return noisy


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("factor", [1, 6])
def test_a_noisy_glyph_is_taken_with_all_its_noise_also_enlarged(pictures, dark, factor):
    expected = noisy_glyph(pictures[0], dark=dark, factor=factor)
    found = Denoising.find(Image.open("noisy.png"), 28)
    np.testing.assert_array_equal(found.glyph, expected)
    assert (found.characters, found.box) == (1, (0, 0, 28 * factor, 28 * factor))


def test_a_clean_glyph_is_framed_as_for_every_other_task(pictures):
    picture = Image.open(pictures[0])
    np.testing.assert_array_equal(Denoising.find(picture, 28).glyph, inference.Reconstruction.find(picture, 28).glyph)


def test_fine_grain_of_a_large_picture_makes_no_stroke_thicker(pictures):
    large = Image.open(pictures[0]).resize((224, 224))
    grainy = add_noise(np.asarray(large)[None, ..., None], "gaussian", 0.3)[0, ..., 0]
    clean, found = (Denoising.find(picture, 28).glyph / 255 for picture in (large, Image.fromarray(grainy)))
    assert 0.6 < found.mean() / clean.mean() < 1.5


@pytest.mark.parametrize("side", [28, 56, 200])
def test_a_picture_without_ink_is_blank_whatever_its_size(side):
    grain = np.random.default_rng(0).integers(120, 125, (side, side), np.uint8)
    for levels in (grain, np.full((side, side), 255, np.uint8)):
        with pytest.raises(BlankError):
            Denoising.find(Image.fromarray(levels), 28)


@given(arrays(np.uint8, (5, 5)), st.integers(1, 4))
def test_an_enlarged_picture_is_told_from_a_larger_one(small, factor):
    large = np.kron(small, np.ones((factor, factor), np.uint8))
    np.testing.assert_array_equal(unenlarged(large, 5), small)
    wide = np.pad(large, ((0, 0), (0, 3)))
    np.testing.assert_array_equal(unenlarged(wide, 5), wide)
    np.testing.assert_array_equal(unenlarged(small, 9), small)


@pytest.mark.parametrize(
    ("images", "arguments", "name", "ends"),
    [
        (["a.png", "b.png"], {}, "a-to-b", None),
        (["a.png", "b.png"], {"character": "37"}, "a-to-b", "37"),
        (["b.png"], {"character": "7", "seed": 3}, "b-to-7-seed3-2", "77"),
        (["b.png"], {"character": "72"}, "b-to-2-seed0-2", "72"),
        ([], {"character": "2", "steps": 3}, "2-seed0-1-to-2-seed0-2", "22"),
        ([], {"character": "28", "steps": 25}, "2-seed0-1-to-8-seed0-2", "28"),
    ],
)
def test_a_way_is_written_as_frames_a_strip_and_an_animation(run, images, arguments, name, ends):
    (report,) = map(json.loads, run("interpolate", *images, json=True, out=Path("ways"), **arguments))
    folder = Path("ways", name)
    steps = arguments.get("steps", 12)
    assert (report["task"], report["images"], report["steps"]) == ("interpolate", images, steps)
    assert report["output"] == str(folder)
    assert ends is None or report["characters"] == list(ends)
    frames = sorted(folder.glob("frame-*.png"))
    assert len(frames) == steps
    assert len(list(folder.iterdir())) == steps + 2
    assert {Image.open(frame).size for frame in frames} == {(168, 168)}
    assert Image.open(folder / "strip.png").width >= 28 * min(steps, 20) * 2
    with Image.open(folder / "interpolation.gif") as animation:
        assert 2 <= animation.n_frames <= steps  # of equal frames it keeps one


def test_a_way_begins_where_the_first_picture_is_reconstructed(run, smoke_writer):
    run("interpolate", "a.png", "b.png", character="37")
    writer = Writer.open(smoke_writer.name, smoke_writer.parent)
    seen = inference.Reconstruction.find(Image.open("a.png"), 28).glyph
    drawn = writer.decode(writer.encode(seen[None, ..., None], np.array([3]))[0], np.array([3]))[0, ..., 0]
    frame = np.asarray(Image.open("images/inference/a-to-b/frame-000.png"))[::6, ::6]
    assert np.abs(frame - 255 * drawn).max() < 4


def test_the_seed_chooses_the_styles_and_a_second_run_replaces_the_first(run):
    def frames(**arguments) -> list[bytes]:
        folder = run("interpolate", character="5", **arguments)[0].split(" -> ")[1]
        return [path.read_bytes() for path in sorted(Path(folder).glob("frame-*.png"))]

    first = frames(steps=9)
    assert frames(steps=9) == first
    assert len(frames(steps=4)) == 4
    assert frames(steps=9, seed=1) != first
    assert len(list(Path("images/inference").iterdir())) == 2


@pytest.mark.parametrize(
    ("task", "images", "arguments", "message"),
    [
        ("interpolate", ["a.png", "b.png", "c.png"], {}, "at most two different pictures, received 3"),
        ("interpolate", ["."], {}, "at most two different pictures, received 3"),
        ("interpolate", ["a.png", "a.png"], {}, "at most two different pictures, received the same one 2 times"),
        ("interpolate", [], {}, "expected two pictures, or a --character"),
        ("interpolate", ["a.png", "b.png"], {"steps": 1}, "--steps 1: expected 2 to 500"),
        ("interpolate", ["a.png", "b.png"], {"steps": 501}, "--steps 501: expected 2 to 500"),
        ("interpolate", ["a.png", "b.png"], {"character": "123"}, "expected one character, or one of either end"),
        ("interpolate", ["a.png", "b.png"], {"character": "3x"}, "--character 'x': expected one of '0123456789'"),
        ("interpolate", ["a.png", "b.png"], {"character": ""}, "--character: expected the character shown"),
        ("interpolate", ["a.png", "b.png"], {"out": Path("way.gif")}, "expected a folder, received the name of a file"),
        ("interpolate", ["a.png", "b.png"], {"seed": -1}, "--seed -1: expected 0 or more"),
        ("interpolate", ["a.png", "b.png"], {"noise": "salt"}, "--noise salt: --task interpolate takes none"),
        ("interpolate", ["a.png", "missing.png"], {}, "missing.png: expected a picture file"),
        ("interpolate", ["a.png", "blank.png"], {}, "blank.png: expected a character"),
        (
            "denoise",
            ["a.png"],
            {"steps": 4},
            "--steps 4: --task denoise takes none; leave it out, or choose --task int",
        ),
        ("denoise", ["a.png"], {"amount": 0.2}, "--amount 0.2: expected --noise with it"),
        ("denoise", ["a.png"], {"seed": 1}, "--seed 1: expected --noise with it"),
        ("denoise", ["a.png"], {"noise": "salt", "amount": 1.2}, "expected a number in [0, 1], received 1.2"),
        ("denoise", ["a.png"], {"noise": "salt", "seed": -2}, "expected 0 or more, received -2"),
        ("denoise", ["a.png"], {"character": "37"}, "expected one character, received 2"),
        ("denoise", ["a.png"], {"character": "3", "alphabet": "45"}, "--character '3': expected one of '45'"),
        ("denoise", ["a.png"], {"alphabet": "4x"}, "does not know 'x'"),
        ("denoise", ["a.png"], {"alphabet": ""}, "alphabet: expected at least one character"),
        ("denoise", ["a.png"], {"font": "STIXGeneral"}, "--font STIXGeneral: --task denoise takes none"),
        ("denoise", [], {}, "expected at least one picture"),
        ("reconstruct", ["a.png"], {"noise": "salt"}, "--noise salt: --task reconstruct takes none"),
        ("reconstruct", ["a.png"], {"seed": 0}, "--seed 0: --task reconstruct takes none"),
        ("translate", ["a.png"], {"character": "3"}, "--character 3: --task translate takes none"),
        ("recognise", ["a.png"], {"model": "cvae-digits-smoke"}, "expected a model of the task 'recognise'"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(run, task, images, arguments, message):
    Image.new("L", (50, 50), 255).save("blank.png") if "blank.png" in images else None
    before = sorted(Path().rglob("*"))
    with pytest.raises(UserError) as caught:
        run(task, *images, **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(Path().rglob("*")) == before


def test_a_picture_in_the_folder_to_be_replaced_is_safe(run, pictures):
    inside = Path("images/inference/a-to-b")
    inside.mkdir(parents=True)
    first, second = (path.rename(inside / path.name) for path in pictures[:2])
    with pytest.raises(UserError, match="would overwrite a picture"):
        run("interpolate", first, second)
    assert first.exists()


def test_an_interpolation_replaces_an_older_one_and_nothing_else(run, pictures):
    folder = Path("images/inference/a-to-b")
    run("interpolate", *pictures[:2], steps=4)
    (folder / ".DS_Store").touch()  # what a desktop leaves there is no obstacle
    run("interpolate", *pictures[:2], steps=3)
    assert not (folder / "frame-003.png").exists()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds thesis\.txt, which is no part of an interpolation"):
        run("interpolate", *pictures[:2], steps=4)
    assert (folder / "thesis.txt").read_text() == "mine"
    assert not (folder / "frame-003.png").exists()


@given(st.sampled_from(ASCII))
def test_every_character_makes_a_safe_name(character):
    assert safe(character).isalnum()
    assert safe(character).lower() == safe(character)
    assert len({safe(other) for other in ASCII}) == len(ASCII)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["blank.png", "a.png", "--task=denoise"], 2, "blank.png: expected a character"),
        (["a.png", "--task=denoise", "--noise=salted"], 2, "'salted'"),
        (["a.png", "--task=reconstruct"], 0, ""),
        (["--task=interpolate", "--character=3", "--steps=2"], 0, ""),
    ],
)
def test_neither_tensorflow_nor_matplotlib_nor_scipy_is_ever_loaded(smoke_writer, pictures, arguments, code, said):
    Image.new("L", (50, 50), 255).save("blank.png")
    places = [f"--models-dir={smoke_writer.parent}", f"--model={smoke_writer.name}"]
    ended, loaded, told = run_watched("inference.py", *arguments, *places, cwd=Path.cwd())
    assert (ended, loaded) == (code, set()), told
    assert said in told
    assert len(told.splitlines()) == (1 if said else 0)
