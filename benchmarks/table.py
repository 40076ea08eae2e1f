"""What the benchmarks print: a Markdown table of what was measured, how sure it is, and whether it is enough."""

import math
from collections.abc import Iterable
from typing import NamedTuple

NORMAL_95 = 1.959964  # quantile of the normal distribution that leaves 2.5 % on either side


class Row(NamedTuple):
    """One line of a table, every cell as it is printed; an empty cell says that there is nothing to say."""

    what: str
    measured: str
    interval: str = ""
    target: str = ""
    met: str = ""


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share counted in independent trials.

    Args:
        hits: How many of the trials came out right. count: How many trials there were, at least one.

    Returns:
        Lowest and highest share, in [0, 1]; sound near 0 and 1, too, where two deviations either way are not.

    Reference: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    share, weight = hits / count, NORMAL_95**2 / count
    centre = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach))


def share_row(what: str, hits: int, count: int, at_least: float | None = None, note: str = "") -> Row:
    """A row of a counted share.

    Args:
        at_least: The share wanted, in [0, 1]; the measured one is held against it, not an end of its interval.
        note: Where the target comes from, if it is no constant.
    """
    low, high = wilson(hits, count)
    shown = Row(what, f"{hits / count:.2%}", f"{100 * low:.2f} to {high:.2%}")
    if at_least is None:
        return shown
    return shown._replace(target=f"at least {at_least:.2%}{note}", met=yes(hits / count >= at_least))


def yes(holds: bool) -> str:
    """The last cell of a row."""
    return "yes" if holds else "**no**"


def as_markdown(title: str, rows: Iterable[Row]) -> str:
    """A heading and the table below it, aligned for whoever reads its source; an empty column is left out."""
    head = Row("what", "measured", "95 % interval", "target", "met")
    columns = [column for column in zip(head, *rows, strict=True) if any(column[1:])]
    columns = [[cell.replace("|", "\\|") for cell in column] for column in columns]
    widths = [max(map(len, column)) for column in columns]
    ruled = [[column[0], "-" * width, *column[1:]] for column, width in zip(columns, widths, strict=True)]
    padded = [[cell.ljust(width) for cell in column] for column, width in zip(ruled, widths, strict=True)]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(line)} |" for line in zip(*padded, strict=True)), ""])
