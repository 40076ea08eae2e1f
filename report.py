"""What measuring commands say: figures with their intervals, in Markdown tables for the eye and JSON for the card."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from metrics import Share, bootstrap_interval, bootstrap_shares, lowest_of
from shell import UserError, written_whole

SHARE, NUMBER = "share", "1"  # units: a part of one, printed in percent; a number without any
DIGITS = 10  # of figures in JSON: with fewer, percent of two decimals would be rounded twice
WORST = 5  # classes and confusions in a table, of all that JSON holds

# Where an interval comes from: writers, or else pictures, drawn anew; a counted share, by itself, as the lowest of
# some, or as worth less than what was counted; and pictures, or groups of them, left out in turn.
WRITERS, BOOTSTRAP = "writers", "bootstrap"
WILSON, LOWEST, DISCOUNTED = "wilson", "lowest of exact", "discounted wilson"
JACKKNIFE = "jackknife"


class Row(NamedTuple):
    """One line of a table, every cell as it is printed; an empty cell says that there is nothing to say."""

    what: str
    measured: str
    interval: str = ""
    target: str = ""
    met: str = ""
    oracle: str = ""
    refused: str = ""
    pictures: str = ""


HEAD = Row("what", "measured", "95 % interval", "target", "met", "read, then set perfectly", "refused", "pictures")


def share_row(what: str, hits: int, count: int, at_least: float | None = None, note: str = "") -> Row:
    """A row of a counted share.

    Args:
        at_least: The share wanted, in [0, 1]; the measured one is held against it, not an end of its interval.
        note: Where the target comes from, if it is no constant.
    """
    shown = Measure.of(Share(hits, count)).row(what)._replace(pictures="")
    if at_least is None:
        return shown
    return shown._replace(target=f"at least {at_least:.2%}{note}", met=yes(hits / count >= at_least))


def yes(holds: bool) -> str:
    """The last cell of a row."""
    return "yes" if holds else "**no**"


def as_table(rows: Iterable[Row]) -> str:
    """A Markdown table, aligned for whoever reads its source; an empty column is left out."""
    columns = [column for column in zip(HEAD, *rows, strict=True) if any(column[1:])]
    columns = [[cell.replace("|", "\\|") for cell in column] for column in columns]
    widths = [max(map(len, column)) for column in columns]
    ruled = [[column[0], "-" * width, *column[1:]] for column, width in zip(columns, widths, strict=True)]
    padded = [[cell.ljust(width) for cell in column] for column, width in zip(ruled, widths, strict=True)]
    return "".join(f"| {' | '.join(line)} |\n" for line in zip(*padded, strict=True))


def as_markdown(title: str, rows: Iterable[Row]) -> str:
    """A heading and the table below it."""
    return f"## {title}\n\n{as_table(rows)}"


def resampled(writers: np.ndarray | None) -> tuple[np.ndarray | None, str]:
    """What a bootstrap draws, writers int `(N,)` or, if None, pictures, and what its interval is called.

    One writer alone tells nothing of others.
    """
    known = writers is not None and len(np.unique(writers)) > 1
    return (writers, WRITERS) if known else (None, BOOTSTRAP)


class Measure(NamedTuple):
    """A figure, and how sure it is."""

    value: float
    low: float | None  # ends of the 95 % interval; None where there is none to tell
    high: float | None
    count: int  # pictures it was measured on
    unit: str
    oracle: float | None = None  # the same figure of type set perfectly from what was read
    interval: str | None = None  # one of the names above; None where there is no interval
    refused: float | None = None  # share of the pictures that were refused, whether read right or not

    @classmethod
    def of(cls, share: Share, oracle: Share | None = None) -> "Measure":
        """A counted share, with Wilson's interval."""
        return cls(share.share, share.low, share.high, share.count, SHARE, oracle and oracle.share, WILSON)

    @classmethod
    def lowest(cls, shares: Sequence[Share]) -> tuple[int, "Measure"]:
        """The lowest of some counted shares and its place among them; the interval is of the lowest in truth."""
        place, low, high = lowest_of(shares)
        return place, cls.of(shares[place])._replace(low=low, high=high, interval=LOWEST)

    @classmethod
    def counted(cls, right: np.ndarray, writers: np.ndarray | None, seed: int, oracle: np.ndarray | None = None,
                refused: np.ndarray | None = None) -> "Measure":  # fmt: skip
        """The share of bool `(N,)` that holds; its interval is over the writers, int `(N,)`, where they are known.

        Args:
            oracle: bool `(N,)`, the same of type set perfectly. refused: bool `(N,)`, which pictures were refused.
        """
        measure = cls.of(Share.of(right), None if oracle is None else Share.of(oracle))
        if refused is not None:
            measure = measure._replace(refused=Share.of(refused).share)
        ends = (measure.low, measure.high) if writers is None else bootstrap_shares(right, writers, seed)
        if ends == (measure.low, measure.high):  # what `bootstrap_shares` gives where no draw differs
            return measure
        low, high = min(ends[0], measure.value), max(ends[1], measure.value)
        return measure._replace(low=low, high=high, interval=WRITERS)

    @classmethod
    def balanced(cls, right: np.ndarray, labels: np.ndarray, writers: np.ndarray | None, seed: int) -> "Measure":
        """The mean over classes of the share of bool `(N,)` that holds, however many pictures each has.

        Args:
            labels: int `(N,)`. writers: int `(N,)`, where they are known.
        """

        def share(chosen: np.ndarray) -> float:
            counts, held = (np.bincount(labels[chosen], some) for some in (None, right[chosen]))
            return float(np.mean(held[counts > 0] / counts[counts > 0]))

        everyone, (drawn, interval) = np.arange(len(right)), resampled(writers)
        value = share(everyone)
        if value in (0, 1):  # everything is right, or nothing: no draw differs
            return cls.of(Share.of(right))
        ends = bootstrap_interval(everyone, share, seed, writers=drawn)
        if ends[0] == ends[1]:
            return cls(value, None, None, len(right), SHARE)
        return cls(value, min(ends[0], value), max(ends[1], value), len(right), SHARE, interval=interval)

    @classmethod
    def mean(cls, values: np.ndarray, unit: str, seed: int, oracle: np.ndarray | None = None,
             writers: np.ndarray | None = None) -> "Measure":  # fmt: skip
        """The mean of what was measured of each picture, `(N,)`; its interval is over the writers where they are known.

        Args:
            oracle: `(N,)`, the same of type set perfectly. writers: int `(N,)`.
        """
        other = None if oracle is None else float(np.mean(oracle))
        writers, interval = resampled(writers)
        if len(values) < 2:  # of one, nothing is known of others
            return cls(float(np.mean(values)), None, None, len(values), unit, other)
        ends = bootstrap_interval(values, np.mean, seed, writers=writers)
        return cls(float(np.mean(values)), *ends, len(values), unit, other, interval)

    def row(self, what: str) -> Row:
        """The figure in a table."""
        interval = "" if self.low is None else f"{self._told(self.low).rstrip('%')} to {self._told(self.high)}"
        oracle = "" if self.oracle is None else self._told(self.oracle)
        refused = "" if self.refused is None else f"{self.refused:.2%}"
        unit = f" {self.unit}" if self.unit not in (SHARE, NUMBER) else ""
        return Row(what, self._told(self.value) + unit, interval, "", "", oracle, refused, f"{self.count:,}")

    def _told(self, value: float) -> str:
        return f"{value:.2%}" if self.unit == SHARE else f"{value:.4g}"

    def as_json(self) -> dict:
        """For the card; without what is not known."""
        known = {name: value for name, value in self._asdict().items() if value is not None}
        return {name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
                for name, value in known.items()}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """What was measured of a model on one set of pictures."""

    name: str
    dataset: str
    measures: dict[str, Measure]
    headline: tuple[str, ...] = ()
    """The measures that a summary tells."""
    classes: dict[str, Measure] = field(default_factory=dict)
    """What one of the measures is of each character alone, such as the share read right."""
    confusions: dict[str, Measure] = field(default_factory=dict)
    """Share of a character that was read as another, the most frequent first; by words such as `5 read as S`."""
    drawings: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """By file name, what makes a Matplotlib figure or a Pillow picture."""
    note: str = ""

    def as_markdown(self) -> str:
        """The table under its heading, and the note."""
        lowest = sorted(self.classes.items(), key=lambda item: item[1].high)  # low for certain, not for being rare
        rows = [measure.row(what) for what, measure in self.measures.items()]
        rows += [measure.row(f"lowest: {character}") for character, measure in lowest[:WORST] if measure.value < 1]
        rows += [measure.row(pair) for pair, measure in list(self.confusions.items())[:WORST]]
        return as_markdown(self.name, rows) + (f"\n{self.note}\n" if self.note else "")

    def as_json(self, seed: int, date: str) -> dict:
        """For the card; `date` as ISO 8601 writes it."""
        kinds = {"measures": self.measures, "classes": self.classes, "confusions": self.confusions}
        told = {kind: {what: measure.as_json() for what, measure in some.items()} for kind, some in kinds.items()}
        whole = {"dataset": self.dataset, "seed": seed, "date": date, "note": self.note, **told}
        return {name: value for name, value in whole.items() if value not in ("", {})}


def summary(sections: Iterable[Section]) -> str:
    """The headline measures in one Markdown table, but a section that is all headline in one of its own."""
    rows, wholes = [], []
    for section in sections:
        if section.measures and set(section.headline) == set(section.measures):
            table = as_table(measure.row(what) for what, measure in section.measures.items())
            wholes.append(
                "\n".join(filter(None, [f"\n{section.name}:\n", table, section.note and f"{section.note}\n"]))
            )
        else:
            rows += [section.measures[what].row(f"{section.name}: {what}") for what in section.headline]
    return as_table(rows) + "".join(wholes)


def read_readme(path: Path) -> str:
    """A README's text, its line ends as they are.

    Raises:
        UserError: It is no UTF-8.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: expected Markdown in UTF-8, received other bytes; convert the file") from error


def readme_block(name: str) -> re.Pattern:
    """What finds a model's place in a README: its first line, what stands there, its last line."""
    within = r"(?:(?!<!-- evaluate\.py).)*"  # not beyond the place of another
    return re.compile(
        rf"(<!-- evaluate\.py {re.escape(name)} -->(\r?\n)){within}(<!-- evaluate\.py end -->)", re.DOTALL
    )


def fill_readme(path: Path, name: str, tables: str) -> None:
    """Puts a model's tables into a README, where it has a place for them.

    Raises:
        UserError: It is no UTF-8.
    """
    text = read_readme(path)

    def filled(place: re.Match) -> str:
        return place[1] + tables.replace("\n", place[2]) + place[3]

    with written_whole(path) as draft:
        draft.write_text(readme_block(name).sub(filled, text), encoding="utf-8", newline="")
