"""Figures show what they were given, are legible to the last label, and are the same bytes on every run."""

import math
import subprocess
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

import evaluation_pictures
from config import ASCII, DIGITS
from drawing import caption_font
from evaluation_pictures import (
    Bar,
    as_array,
    draw_beside_real,
    draw_class_bars,
    draw_confusion,
    draw_mistakes,
    draw_reliability,
    draw_robustness,
    draw_sheet,
    save,
)
from metrics import Share, reliability_curve

NAMES = ["clean", "shift 2 px", "rotation 20", "Gaussian noise", "dark on light"]
SHARES = [Share(hits, 1000) for hits in (970, 970, 875, 980, 52)]
BARS = [Bar(one.share, one.low, one.high) for one in SHARES]


def confusion_of(alphabet: str, each: int = 200) -> np.ndarray:
    """Each character is read right but for a few, which are read as one of the next ten."""
    rng = np.random.default_rng(0)
    confusion = np.diag(np.full(len(alphabet), each))
    for row in range(len(alphabet)):
        confusion[row, (row + 1 + rng.permutation(9)[:4]) % len(alphabet)] = (1, 2, 5, 20)
    return confusion


def class_shares(alphabet: str) -> list[tuple[str, float, float, float]]:
    shares = [Share(100 - 7 * place % 60, 100) for place in range(len(alphabet))]
    return [(character, one.share, one.low, one.high) for character, one in zip(alphabet, shares, strict=True)]


def curve(count: int = 3000):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.4, 1, count)  # nothing below: empty bins
    return reliability_curve(confidence, rng.random(count) < confidence**2)


FIGURES = {
    "confusion of digits": lambda: draw_confusion(confusion_of(DIGITS), DIGITS),
    "confusion of a single digit": lambda: draw_confusion(confusion_of("5"), "5"),
    "confusion of ASCII": lambda: draw_confusion(confusion_of(ASCII), ASCII),
    "reliability": lambda: draw_reliability(curve(), 0.123),
    "digits": lambda: draw_class_bars(class_shares(DIGITS)),
    "ASCII": lambda: draw_class_bars(class_shares(ASCII)),
    "beside real": lambda: draw_beside_real([(*row, 0.8) for row in class_shares(DIGITS)], "Share of the samples"),
    "robustness": lambda: draw_robustness(NAMES, BARS, "read right but for its case"),
}


class Drawn(NamedTuple):
    """A figure, its pixels, and the texts in it that can be seen."""

    figure: Figure
    pixels: np.ndarray
    texts: list[Text]

    @property
    def words(self) -> list[str]:
        return [text.get_text() for text in self.texts]


@cache
def drawn(name: str) -> Drawn:
    """One of FIGURES, drawn once."""
    seen, draw = {}, Text.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", lambda text, renderer: seen.setdefault(text) or draw(text, renderer))
        figure = FIGURES[name]()
        pixels = as_array(figure)
    return Drawn(figure, pixels, [text for text in seen if text.get_visible() and text.get_text().strip()])


def colour_of(name: str, row: int, column: int) -> np.ndarray:
    """The colour of a confusion's cell, in [0, 1], off its middle, where a count may stand."""
    figure, pixels, _ = drawn(name)
    x, y = figure.axes[0].transData.transform((column + 0.3, row + 0.3))
    return pixels[len(pixels) - 1 - int(y), int(x)] / 255


@pytest.mark.parametrize("name", FIGURES)
def test_no_label_is_cropped_or_covers_another(name):
    figure, pixels, texts = drawn(name)
    boxes = np.array([text.get_window_extent(figure.canvas.get_renderer()).extents for text in texts])
    assert boxes[:, :2].min() >= 0
    assert (boxes[:, 2:] <= pixels.shape[1::-1]).all()
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    shared = np.minimum(high, high.swapaxes(0, 1)) - np.maximum(low, low.swapaxes(0, 1))
    overlapping = np.argwhere(np.triu((shared > 1).all(axis=2), 1))
    assert not len(overlapping), [(texts[a].get_text(), texts[b].get_text()) for a, b in overlapping]


@pytest.mark.parametrize("name", ["confusion of digits", "reliability", "ASCII", "robustness"])
def test_pixels_are_those_of_the_file(name, tmp_path):
    figure, pixels, _ = drawn(name)
    save(figure, tmp_path / "figures" / "a.png")
    assert pixels.dtype == np.uint8 and pixels.ndim == 3
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "figures" / "a.png").convert("RGB")), pixels)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["a.png"]


def test_a_file_is_the_same_bytes_whenever_and_whatever_the_user_has_set(tmp_path):
    save(FIGURES["confusion of digits"](), tmp_path / "a.png")
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "savefig.dpi": 50, "savefig.bbox": "tight"}):
        figure = FIGURES["confusion of digits"]()
        as_array(figure)
        save(figure, tmp_path / "b.png")
        assert matplotlib.rcParams["font.size"] == 20  # and the user's settings stay
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert not Image.open(tmp_path / "a.png").info.keys() - {"dpi"}


@pytest.mark.parametrize("name", ["confusion of digits", "confusion of ASCII"])
def test_a_mistake_is_the_darker_the_more_frequent_and_what_is_right_is_paler(name):
    confusion = confusion_of(DIGITS if "digits" in name else ASCII)
    places = [np.argwhere(confusion == count)[0] for count in (0, 200, 1, 5, 20)]
    brightness = [colour_of(name, row, column).sum() for row, column in places]
    assert brightness[0] == 3
    assert brightness == sorted(brightness, reverse=True) and len(set(brightness)) == 5


def test_counts_are_written_where_they_fit():
    confusion = confusion_of(DIGITS)
    words = drawn("confusion of digits").words
    assert all(words.count(str(count)) >= (confusion == count).sum() for count in (1, 2, 5, 20, 200))
    assert "200" not in drawn("confusion of ASCII").words


def test_every_character_names_its_row_and_its_column():
    words = drawn("confusion of ASCII").words
    assert all(words.count(character) == 4 for character in ASCII)
    assert "18,800 of 21,432 read right" in words


def test_a_class_without_characters_is_an_empty_row():
    confusion = confusion_of(DIGITS)
    confusion[3] = 0
    with warnings.catch_warnings(action="error"):
        as_array(draw_confusion(confusion, DIGITS))


def test_a_confusion_of_another_alphabet_is_refused():
    with pytest.raises(ValueError, match=r"Received: confusion=\(10, 10\), alphabet='abc'"):
        draw_confusion(confusion_of(DIGITS), "abc")


def test_gaps_reach_from_the_diagonal_to_the_accuracy_and_empty_bins_have_none():
    shown = curve()
    above, below = drawn("reliability").figure.axes
    gaps = np.array([segment for lines in above.collections[:2] for segment in lines.get_segments()])
    seen = shown.count > 0
    assert 0 < seen.sum() < len(seen) == len(below.patches)
    np.testing.assert_allclose(np.sort(gaps[:, 0, 0]), shown.confidence[seen])
    np.testing.assert_allclose(gaps[:, 0, 0], gaps[:, 1, 1])  # one end on the diagonal
    np.testing.assert_allclose(np.sort(gaps[:, 0, 1]), np.sort(shown.accuracy[seen]))
    np.testing.assert_array_equal([bar.get_height() for bar in below.patches], shown.count)
    assert "Expected calibration error 12.30 %" in drawn("reliability").words


def test_too_sure_and_not_sure_enough_are_told_apart():
    too_sure, not_enough = drawn("reliability").figure.axes[0].collections[:2]
    colours = [tuple(lines.get_color()[0][:3]) for lines in (too_sure, not_enough)]
    assert colours == [to_rgb(evaluation_pictures.BAD), to_rgb(evaluation_pictures.GOOD)]
    assert all(start[1] < end[1] for start, end in too_sure.get_segments())  # accuracy below confidence


@pytest.mark.parametrize("alphabet", [DIGITS, ASCII])
def test_classes_hang_from_all_right_with_the_worst_first(alphabet):
    shares = class_shares(alphabet)
    figure = drawn("digits" if alphabet == DIGITS else "ASCII").figure
    named = [label.get_text() for axes in figure.axes for label in axes.get_xticklabels()]
    ends = [bar.get_y() + bar.get_height() for axes in figure.axes for bar in axes.patches]
    assert sorted(named) == sorted(alphabet)
    assert ends == pytest.approx(sorted(share for _, share, _, _ in shares))
    assert dict(zip(named, ends, strict=True)) == pytest.approx({row[0]: row[1] for row in shares})
    assert {bar.get_y() for axes in figure.axes for bar in axes.patches} == {1}


def test_classes_never_tested_are_left_out():
    figure = draw_class_bars([("a", 0.9, 0.8, 0.95), ("b", math.nan, math.nan, math.nan)])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["a"]


def test_a_class_of_samples_stands_beside_that_of_real_pictures():
    figure = drawn("beside real").figure
    bars, (lines,) = (
        figure.axes[0].patches,
        [one for one in figure.axes[0].collections if len(one.get_segments()) == 10][:1],
    )
    named = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert dict(zip(named, [bar.get_height() for bar in bars], strict=True)) == pytest.approx(
        {row[0]: row[1] for row in class_shares(DIGITS)}
    )
    assert {height for segment in lines.get_segments() for _, height in segment} == {0.8}
    colours = [evaluation_pictures.BAD if bar.get_height() < 0.8 else evaluation_pictures.GOOD for bar in bars]
    assert [bar.get_facecolor()[:3] for bar in bars] == [to_rgb(colour) for colour in colours]
    assert figure.axes[0].get_ylim()[0] == 0


def test_a_sheet_of_many_columns_is_folded_and_its_last_cells_are_blank(monkeypatch):
    monkeypatch.setattr(evaluation_pictures, "SHEET_COLUMNS", 2)
    monkeypatch.setattr(evaluation_pictures, "SHEET_WIDTH", 1)
    glyphs = np.arange(100, 110, dtype=np.uint8).repeat(16).reshape(2, 5, 4, 4, 1)
    sheet = np.asarray(draw_sheet(glyphs))
    assert sheet[2::6, 2::6].tolist() == [[100, 101], [105, 106], [102, 103], [107, 108], [104, 0], [109, 0]]


def test_a_corruption_is_measured_from_the_clean_figure():
    figure, _, texts = drawn("robustness")
    words = [text.get_text() for text in texts]
    bars = [patch for patch in figure.axes[0].patches if patch.get_height() == pytest.approx(0.6)]
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars] == [
        pytest.approx((0.97, one.share)) for one in SHARES[1:]
    ]
    assert [words.count(name) for name in NAMES[1:]] == [1] * 4
    assert [words.count(figure_) for figure_ in ("97.0 %", "87.5 %", "98.0 %", "5.2 %")] == [1] * 4
    assert "Read right but for its case\nwith 95 % intervals; clean 97.0 %" in words
    assert figure.axes[0].yaxis_inverted()  # the first on top


@pytest.mark.parametrize("count", [1, 5, 22])
def test_each_mistake_is_shown_enlarged_with_room_for_its_caption(count):
    images = np.full((count, 28, 28, 1), 100, np.uint8)
    sheet = np.asarray(draw_mistakes(images, ["W read as M 100 %"] * count))
    assert (sheet == 100).sum() == count * (4 * 28) ** 2
    margins = np.concatenate([sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]])
    assert (margins == 255).all()
    written = (sheet < 100).any(axis=0)  # the columns that captions reach into
    first = np.flatnonzero(written)[0]
    assert written[first : first + int(caption_font(13).getlength("W read as M 100 %"))].mean() > 0.6


def test_captions_differ():
    images = np.zeros((1, 28, 28, 1), np.uint8)
    assert draw_mistakes(images, ["5 read as S 97 %"]) != draw_mistakes(images, ["5 read as S 98 %"])


@pytest.mark.parametrize(("images", "captions"), [(0, 0), (2, 1)])
def test_mistakes_without_a_caption_each_are_refused(images, captions):
    with pytest.raises(ValueError, match="Received: images="):
        draw_mistakes(np.zeros((images, 28, 28, 1), np.uint8), ["a"] * captions)


def test_matplotlib_is_loaded_late_and_pyplot_never():
    script = (
        "import sys, evaluation_pictures as pictures; early = 'matplotlib' in sys.modules;"
        "pictures.draw_class_bars([('a', .9, .8, .95)]); sys.exit(early or 'matplotlib.pyplot' in sys.modules)"
    )
    folder = Path(evaluation_pictures.__file__).parent
    assert subprocess.run([sys.executable, "-c", script], cwd=folder, check=False).returncode == 0
