"""What an evaluation found, drawn: confusion, calibration, classes, robustness, and the worst mistakes themselves.

Matplotlib's objects without pyplot, which would keep every figure alive; imported where needed, as it costs 0.4 s.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from config import DIGITS, LOWER, UPPER
from drawing import caption_font, enlarge, tile
from metrics import ReliabilityCurve, Share
from shell import written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, QUIET, PALE = "#333a45", "#8a94a3", "#e6e9ee"  # of letters; of lines that guide the eye; of areas that need none
GOOD, BAD = "#0072b2", "#d55e00"  # told apart with any colour vision (Okabe and Ito 2008, "Color Universal Design")
MISTAKES = ("#fde0bd", "#e8862a", "#a63c00", "#4a1800")  # rare to frequent: ever darker, for eyes that see no orange
CHARACTERS = {"family": "DejaVu Sans Mono"}  # tells 0 from O and l from I and 1
WHISKERS = {"fmt": "o", "color": INK, "linewidth": 1, "clip_on": False}  # a dot at 100 % is not cut in half

STYLE = {
    "figure.dpi": 120,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "grid.color": PALE,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}

COUNTS_SHOWN = 20  # classes; with more a count would not fit into its cell
RAREST = 1e-3  # share of a row, where the colours of mistakes begin
CLASSES_A_ROW = 48
GLYPH_SCALE, CAPTION_SIZE, GAP = 4, 13, 10  # of the mistakes, in pixels
PAPER = 255  # grey level
SHEET_WIDTH, SHEET_COLUMNS = 1200, 47  # of a sheet of samples: pixels at most, characters a row


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Our style in place of Matplotlib's settings, those of the user's own file included."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def draw_confusion(confusion: np.ndarray, alphabet: str) -> "Figure":
    """What each character was read as: mistakes coloured by their share of the row, what was right left pale.

    Args:
        confusion: int `(K, K)`; a row for every right character, a column for what it was read as.
        alphabet: K characters.

    Raises:
        ValueError: The two are not of one K.
    """
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap, LogNorm

    if confusion.shape != (len(alphabet),) * 2:
        raise ValueError(f"`confusion` must hold a row and a column for each character. "
                         f"Received: confusion={confusion.shape}, alphabet={alphabet!r}")  # fmt: skip
    right = np.eye(len(confusion), dtype=bool)
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    side = 4.2 + 0.1 * len(alphabet)
    with styled():
        figure, axes = _figure(side + 0.9, side)
        axes.imshow(np.ma.masked_where(~right | (confusion == 0), right), cmap=ListedColormap([PALE]))
        colours = LinearSegmentedColormap.from_list("mistakes", MISTAKES)
        mistakes = axes.imshow(np.ma.masked_where(right | (confusion == 0), share), colours, LogNorm(RAREST, 1))
        bar = figure.colorbar(mistakes, shrink=0.5, aspect=30, pad=0.02, label="share of the row's characters")
        bar.ax.yaxis.set_major_formatter(_percent)
        bar.ax.minorticks_off()
        bar.outline.set_visible(False)
        _label_cells(axes, alphabet)
        if len(alphabet) <= COUNTS_SHOWN:
            _write_counts(axes, confusion, share)
        hits = Share(int(np.trace(confusion)), int(confusion.sum()))
        axes.set_title(f"{hits.hits:,} of {hits.count:,} read right", pad=10)
    return _settled(figure)


def _label_cells(axes, alphabet: str) -> None:
    """Names rows and columns on all sides, and rules lines between digits, capitals, small letters and signs."""
    everywhere = range(len(alphabet))
    size = 9 if len(alphabet) <= COUNTS_SHOWN else 7
    axes.set_xticks(everywhere, alphabet, fontsize=size, **CHARACTERS)
    axes.set_yticks(everywhere, alphabet, fontsize=size, **CHARACTERS)
    axes.tick_params(length=0, pad=3, labeltop=True, labelright=len(alphabet) > COUNTS_SHOWN)
    axes.set(xlabel="read as", ylabel="right character")
    axes.spines[:].set_visible(True)
    kinds = [[character in kind for kind in (DIGITS, UPPER, LOWER)] for character in alphabet]
    changes = np.array([kind != following for kind, following in itertools.pairwise(kinds)], bool)
    places, ends = np.arange(len(changes)) + 0.5, (-0.5, len(changes) + 0.5)
    for chosen, colour, width in ((~changes, PALE, 0.3), (changes, QUIET, 0.6)):
        axes.hlines(places[chosen], *ends, colour, linewidth=width)
        axes.vlines(places[chosen], *ends, colour, linewidth=width)


def _write_counts(axes, confusion: np.ndarray, share: np.ndarray) -> None:
    for row, column in np.argwhere(confusion):
        dark = row != column and share[row, column] > 0.03
        axes.text(column, row, f"{confusion[row, column]:,}", color="white" if dark else INK, ha="center",
                  va="center_baseline", fontsize=7)  # fmt: skip


def draw_reliability(curve: ReliabilityCurve, ece: float) -> "Figure":
    """How far a reader's confidence can be believed: accuracy beside it bin by bin, and below how often it occurs.

    Args:
        curve: Of B bins. ece: Expected calibration error, in [0, 1].
    """
    with styled():
        figure, (above, below) = _figure(5, 6, 2, sharex=True, height_ratios=(3, 1))
        above.plot((0, 1), (0, 1), color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label="as sure as right")
        _draw_gaps(above, curve)
        above.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3, handlelength=1.2, columnspacing=1.2)
        above.set_title(f"Expected calibration error {100 * ece:.2f} %", pad=26)
        above.set(ylabel="read right", ylim=(0, 1))
        edges = np.linspace(0, 1, len(curve.count) + 1)
        below.bar(edges[:-1], curve.count, np.diff(edges), align="edge", color=QUIET, edgecolor="white", linewidth=1)
        below.set(xlabel="confidence", ylabel="characters", xlim=(0, 1), yscale="log", ylim=(0.7, None))
        for axis in (above.yaxis, below.xaxis):
            axis.set_major_formatter(_percent)
        below.yaxis.set_major_formatter("{x:,.0f}")
        for axes in (above, below):
            axes.minorticks_off()
            axes.grid()
    return _settled(figure)


def _draw_gaps(axes, curve: ReliabilityCurve) -> None:
    """A bar from confidence to accuracy in every bin that has characters, and the interval of its accuracy."""
    seen = np.flatnonzero(curve.count)
    confidence, accuracy = curve.confidence[seen], curve.accuracy[seen]
    shares = [Share(round(right * count), int(count)) for right, count in zip(accuracy, curve.count[seen], strict=True)]
    too_sure = accuracy < confidence
    for gaps, colour, name in ((too_sure, BAD, "too sure"), (~too_sure, GOOD, "not sure enough")):
        axes.vlines(confidence[gaps], accuracy[gaps], confidence[gaps], colour, linewidth=8, alpha=0.5, label=name)
    axes.errorbar(confidence, accuracy, _reach(shares), markersize=4, **WHISKERS)


def draw_class_bars(shares: Sequence[tuple[str, float, float, float]]) -> "Figure":
    """How much of every class was read right, the worst first; bars hang from 100 %: as long as much went wrong.

    Args:
        shares: Character, share in [0, 1], lower and upper end of its interval. One of NaN, never tested, is left out.
    """
    with styled():
        figure, grid = _class_rows(shares, _hang_bars)
        lowest = min(low for _, share, low, _ in shares if not math.isnan(share))
        grid[0].set(title="Read right, the worst first, with 95 % intervals", ylim=(lowest - 0.04 * (1 - lowest), 1))
    return _settled(figure)


def draw_beside_real(shares: Sequence[tuple[str, float, float, float, float]], title: str) -> "Figure":
    """A figure of every class of generated pictures, the lowest first, and a line where that of real ones is.

    Args:
        shares: Character, share of 0 or more, lower and upper end of its interval, and the share of real pictures.
        title: What is shared.
    """
    with styled():
        figure, grid = _class_rows(shares, _stand_bars)
        grid[0].set(title=f"{title}, 95 % intervals; line: real")
        grid[0].set_ylim(0)
    return _settled(figure)


def _class_rows(shares: Sequence[tuple], draw: Callable):
    """A figure of classes, the lowest share first, and its axes, one below the other; `draw` puts some on axes."""
    ranked = sorted((row for row in shares if not math.isnan(row[1])), key=lambda row: row[1])
    rows = math.ceil(len(ranked) / CLASSES_A_ROW)
    columns = math.ceil(len(ranked) / rows)
    figure, grid = _figure(1.2 + 0.19 * max(columns, 20), 2.6 * rows, rows, sharey=True, squeeze=False)
    for axes, start in zip(grid[:, 0], range(0, len(ranked), columns), strict=True):
        characters, share, low, high, *real = zip(*ranked[start : start + columns], strict=True)
        share, places = np.array(share), np.arange(len(characters))
        draw(axes, places, share, *real)
        axes.errorbar(places, share, (share - low, high - share), markersize=3, **WHISKERS)
        axes.set_xticks(places, characters, fontsize=10, **CHARACTERS)
        axes.set_xlim(-0.8, columns - 0.2)
        axes.tick_params(axis="x", length=0)
        axes.yaxis.set_major_formatter(_percent)
        axes.grid(axis="y")
    return figure, grid[:, 0]


def _hang_bars(axes, places: np.ndarray, share: np.ndarray) -> None:
    axes.bar(places, share - 1, 0.7, bottom=1, color=BAD, alpha=0.5)


def _stand_bars(axes, places: np.ndarray, share: np.ndarray, real: Sequence[float]) -> None:
    axes.bar(places, share, 0.7, color=np.where(share < real, BAD, GOOD), alpha=0.5)
    axes.hlines(real, places - 0.45, places + 0.45, INK, linewidth=1.5)


class Bar(NamedTuple):
    """A share with its 95 % interval, wherever that comes from."""

    share: float
    low: float
    high: float


def draw_robustness(names: Sequence[str], shares: Sequence[Bar], what: str) -> "Figure":
    """What each corruption costs: a bar from the share of clean pictures that counts to that of corrupted ones.

    Args:
        names: Of the corruptions, after that of the clean pictures. shares: In the same order.
        what: What counts, such as "read right".
    """
    clean, *corrupted = shares
    share, places = np.array([one.share for one in corrupted]), np.arange(len(corrupted))
    with styled():
        figure, axes = _figure(6.4, 1 + 0.27 * len(corrupted))
        axes.axvspan(clean.low, clean.high, color=PALE)
        axes.axvline(clean.share, color=QUIET, linewidth=1)
        axes.barh(places, share - clean.share, 0.6, clean.share, alpha=0.5,
                  color=np.where(share < clean.share, BAD, GOOD))  # fmt: skip
        axes.errorbar(share, places, xerr=_reach(corrupted), markersize=3, **WHISKERS)
        axes.set_yticks(places, names[1:])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(_percent)
        axes.grid(axis="x")
        axes.set_title(f"{what[0].upper()}{what[1:]}\nwith 95 % intervals; {names[0]} {100 * clean.share:.1f} %")
        right = axes.secondary_yaxis("right")
        right.set_yticks(places, [f"{100 * one:.1f} %" for one in share])
        right.tick_params(length=0)
        right.spines[:].set_visible(False)
    return _settled(figure)


def draw_mistakes(images: np.ndarray, captions: Sequence[str]) -> Image.Image:
    """Pictures that were misread, in the order given, each with its caption below.

    Args:
        images: uint8 `(N, S, S, 1)`. captions: N of them, such as "5 read as S 97 %".

    Raises:
        ValueError: There are none, or not as many captions as pictures.
    """
    if not 0 < len(images) == len(captions):
        raise ValueError(f"there must be a caption for each picture, and one at least. "
                         f"Received: images={images.shape}, captions={len(captions)}")  # fmt: skip
    font = caption_font(CAPTION_SIZE)
    width = max(GLYPH_SCALE * images.shape[2], *(math.ceil(font.getlength(caption)) for caption in captions))
    cells = [_captioned(image, caption, width) for image, caption in zip(images[..., 0], captions, strict=True)]
    columns = min(len(cells), math.ceil(math.sqrt(1.5 * len(cells))))
    rows = math.ceil(len(cells) / columns)
    blank = [np.full_like(cells[0], PAPER)] * (rows * columns - len(cells))
    sheet = np.stack(cells + blank).reshape(rows, columns, *cells[0].shape, 1)
    return Image.fromarray(tile(sheet, GAP, PAPER))


def draw_sheet(glyphs: np.ndarray) -> Image.Image:
    """Glyphs as they lie, uint8 `(rows, columns, S, S, 1)`; many columns in several blocks, one below the other."""
    rows, columns, *shape = glyphs.shape
    blocks = math.ceil(columns / SHEET_COLUMNS)
    widest = math.ceil(columns / blocks)
    whole = np.zeros((rows, blocks * widest, *shape), np.uint8)
    whole[:, :columns] = glyphs
    sheet = tile(np.concatenate(np.split(whole, blocks, axis=1)))
    return enlarge(sheet, max(1, SHEET_WIDTH // sheet.shape[1]))


def _captioned(image: np.ndarray, caption: str, width: int) -> np.ndarray:
    """uint8 `(H, width)`: a picture `(S, S)`, enlarged, over its caption."""
    glyph = enlarge(image, GLYPH_SCALE)
    cell = Image.new("L", (width, glyph.height + 2 * CAPTION_SIZE), PAPER)
    cell.paste(glyph, ((width - glyph.width) // 2, 0))
    place = (width / 2, glyph.height + CAPTION_SIZE)
    ImageDraw.Draw(cell).text(place, caption, fill=0, font=caption_font(CAPTION_SIZE), anchor="mm")
    return np.asarray(cell)


def save(figure: "Figure", path: Path) -> None:
    """Writes a figure as a PNG whose bytes are a function of the figure alone."""
    with styled(), written_whole(path) as draft:
        figure.savefig(draft, format="png", metadata={"Software": None})


def as_array(figure: "Figure") -> np.ndarray:
    """A figure's pixels, uint8 `(H, W, 3)`, as TensorBoard takes a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with styled():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _figure(width: float, height: float, *grid: int, **options: object):
    """A figure of so many inches, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots(*grid, **options)


def _settled(figure: "Figure") -> "Figure":
    """Lays a figure out for good: Matplotlib would move its axes a little whenever it is drawn again."""
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")
    return figure


def _reach(shares: Sequence[Bar | Share]) -> np.ndarray:
    """Whiskers, float `(2, N)`: how far each interval goes down and up from its share."""
    return np.transpose([(one.share - one.low, one.high - one.share) for one in shares])


def _percent(share: float, place: int | None = None) -> str:
    """`97.3 %`; Matplotlib calls it with a tick's number, too."""
    return f"{100 * share:.4g} %"
