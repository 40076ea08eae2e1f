"""A model's layers, listed and drawn, from a preset or from a trained folder's card; and looked at while it works."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fresh_python import run_watched
from PIL import Image

import visualize_model
from presets import PRESETS
from run_settings import to_settings
from runtime import MODELS_DIR
from shell import UserError
from visualize_model import Arguments, build, find_run, main, output_file, render, walk

SMOKE = "translator-digits-smoke"
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="needs Graphviz")


@pytest.fixture(scope="module")
def smoke_model():
    return build(PRESETS[SMOKE][1])


@pytest.fixture
def trained(tmp_path):
    """A function that writes a folder with a card, and gives the folder of models."""

    def write(**changes) -> Path:
        run = PRESETS[SMOKE][1]
        config = to_settings(run)
        card = {"name": "mine", "task": "translate", "alphabet": "01", "image_size": 28, "files": {}, "config": config}
        folder = tmp_path / "models" / "mine"
        folder.mkdir(parents=True)
        (folder / "card.json").write_text(json.dumps(card | changes))
        return folder.parent

    return write


def test_every_layer_of_every_part_is_listed_with_its_shape(smoke_model):
    rows = {row.name or row.kind: row for row in walk(smoke_model)}
    assert rows["logits"].shape == "10"
    assert rows["glyph"].shape == "28 x 28 x 1"
    assert rows["Conv2D 5x5 /2"].shape == "14 x 14 x 4"
    assert rows["reader"].shape == "16, 10"
    assert {row.depth for row in rows.values()} == {0, 1}


def test_weights_of_the_parts_layers_add_up(smoke_model):
    rows = list(walk(smoke_model))
    assert sum(row.weights for row in rows if row.depth == 0) == smoke_model.count_params()
    parts = sum(row.weights for row in rows if row.kind == "part")
    assert sum(row.weights for row in rows if row.depth == 1) == parts


@needs_dot
@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_diagram_is_of_the_format_asked_for(smoke_model, suffix, start):
    assert render(smoke_model, list(walk(smoke_model)), "title", suffix).startswith(start)


@needs_dot
def test_the_diagram_names_every_layer_and_shape(smoke_model):
    rows = list(walk(smoke_model))
    drawn = render(smoke_model, rows, "the title", "svg").decode()
    for row in rows:
        if row.kind != "part":
            assert row.shape in drawn
        assert row.name in drawn
    assert "the title" in drawn


@needs_dot
def test_the_diagram_fits_a_page(smoke_model):
    picture = Image.open(io.BytesIO(render(smoke_model, list(walk(smoke_model)), "title", "png")))
    assert 1 < picture.height / picture.width < 2  # portrait, and no strip


@needs_dot
def test_a_preset_is_drawn_whole_or_by_its_parts(tmp_path, capsys):
    main(Arguments(SMOKE, out=tmp_path))
    main(Arguments(SMOKE, expand=False, out=tmp_path / "parts.png"))
    sizes = [Image.open(tmp_path / name).size for name in (f"{SMOKE}-architecture.png", "parts.png")]
    assert sizes[0][1] > 2 * sizes[1][1]
    assert "logits" in capsys.readouterr().out


def test_a_trained_model_is_built_as_its_card_says(trained):
    models = trained()
    for named in ("mine", str(models / "mine")):
        name, run = find_run(named, models)
        assert name == "mine"
        assert (run.model, run.augment) == (PRESETS[SMOKE][1].model, PRESETS[SMOKE][1].augment)


@pytest.mark.parametrize(
    "changes",
    [{"config": {"kind": "Singer"}}, {"config": {}}, {"config": {"kind": "TranslatorRun", "model": {"wings": 2}}}],
)
def test_a_card_that_does_not_fit_is_refused(trained, changes):
    with pytest.raises(UserError, match="expected"):
        find_run("mine", trained(**changes))


def test_an_unknown_model_is_told_what_there_is(trained):
    with pytest.raises(UserError, match=r"did you mean 'translator-digits'.*translator-ascii.*mine"):
        find_run("translater-digits", trained())


@needs_dot
def test_a_suffix_may_be_in_capitals(tmp_path):
    main(Arguments(SMOKE, expand=False, out=tmp_path / "a.SVG"))
    assert (tmp_path / "a.SVG").read_bytes().startswith(b"<?xml")


def test_an_unknown_format_is_refused():
    with pytest.raises(UserError, match=r"\.svg"):
        output_file(Path("diagram.docx"), "x", (".png", ".svg"))


def test_without_graphviz_the_table_is_printed_and_one_line_says_what_to_install(tmp_path):
    script = Path(visualize_model.__file__)
    done = subprocess.run(
        [sys.executable, script, SMOKE, "--out", tmp_path],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "logits" in done.stdout
    assert done.stderr.count("\n") == 1
    for remedy in ("apt-get install graphviz", "brew install graphviz", "conda install python-graphviz"):
        assert remedy in done.stderr
    assert not list(tmp_path.iterdir())


# -------------------------------------------------------------------------------------------------- the look inside


@pytest.mark.parametrize("model", ["cvae-digits", "translator-digits", "recogniser-digits", "judge-digits"])
def test_every_kind_of_model_is_looked_into(model, tmp_path, capsys):
    main(Arguments(model, character="2", seed=5, out=tmp_path, models_dir=MODELS_DIR))
    assert "layers" in capsys.readouterr().out
    assert Image.open(tmp_path / f"{model}-layers.png").width > 1500


def test_a_generator_is_looked_into(smoke_gan, tmp_path):
    main(Arguments(str(smoke_gan), character="2", seed=5, out=tmp_path / "a.png"))
    assert Image.open(tmp_path / "a.png").width > 1500


def test_the_same_seed_gives_the_same_figure_and_another_another(tmp_path):
    drawn = []
    for number, seed in enumerate((5, 5, 6)):
        path = tmp_path / f"{number}.png"
        main(Arguments("cvae-digits", character="2", seed=seed, out=path, models_dir=MODELS_DIR))
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_reader_looks_at_a_picture_and_an_animation_shows_layer_by_layer(tmp_path, capsys):
    picture = Image.new("L", (60, 60), 255)
    picture.paste(0, (25, 10, 32, 50))
    picture.save(tmp_path / "one.png")
    main(Arguments("recogniser-digits", image=tmp_path / "one.png", gif=True, out=tmp_path, models_dir=MODELS_DIR))
    path = tmp_path / "recogniser-digits-layers.gif"
    assert f"{Image.open(path).n_frames} layers" in capsys.readouterr().out
    assert path.stat().st_size < 3_000_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"model": "cvae-digits", "character": "a"}, "'0123456789'"),
        ({"model": "cvae-digits", "seed": 3}, "--character: expected one of"),
        ({"model": "cvae-digits", "image": Path("a.png")}, "looks at no picture"),
        ({"model": "recogniser-digits", "seed": 3}, "--character or --image"),
        ({"model": "recogniser-digits", "image": Path("a.png"), "character": "2"}, "leave one out"),
        ({"model": "recogniser-digits", "image": Path("no such.png")}, "no such file"),
        ({"model": "cgan-digits-smoke", "character": "2"}, "python train.py cgan-digits-smoke"),
        ({"model": "cvae-digit", "character": "2"}, "did you mean 'cvae-digits'"),
        ({"model": "cvae-digits", "gif": True}, "expected something to look at"),
        ({"model": "cvae-digits", "character": "2", "expand": False}, "--no-expand"),
        ({"model": "cvae-digits", "character": "2", "out": Path("a.gif")}, r"ending in \.png"),
    ],
)
def test_what_cannot_be_looked_at_is_told(arguments, told):
    with pytest.raises(UserError, match=told):
        main(Arguments(models_dir=MODELS_DIR, **arguments))


def test_a_look_inside_loads_neither_tensorflow_nor_matplotlib_and_tells_an_out_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    arguments = ["cvae-digits", "--character", "2", "--out", tmp_path / "file" / "a.png"]
    code, loaded, said = run_watched("visualize_model.py", *arguments, cwd=tmp_path)
    assert (code, loaded) == (2, set())
    assert said.startswith("error: ")
    assert said.count("\n") == 1
