"""What a line and a long letter by hand cost a user, process start to exit.

python benchmarks/bench_handwriting.py

This process stays lean, as bench_inference.py explains.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bench_inference import Cost, run_once, spread
from generators import Writer
from report import Row, as_markdown, yes
from runtime import MODELS_DIR
from shell import UserError, parse, run_script

LINE, LINE_SECONDS = 40, 0.8  # characters; wanted: at most
LETTER, LETTER_SECONDS, MEGABYTES = 10_000, 8.0, 400.0  # likewise
WIDTH = 1200  # pixels of the letter's pages
LONGEST_WORD = 10


@dataclass(frozen=True)
class Arguments:
    """Measures `python generate.py` on a line of 40 characters and on a letter of 10,000, alternately."""

    model: str = "cvae-ascii"
    """Name of a trained cvae model; the default is what generate.py takes by itself."""
    models_dir: Path = MODELS_DIR
    """Folder of the trained models."""
    runs: int = 5
    """Measured runs of each, after one unmeasured."""

    def __post_init__(self):
        if self.runs < 1:
            raise ValueError(f"`runs` must be positive. Received: runs={self.runs}")


def made_up_text(alphabet: str, count: int) -> str:
    """Words of one to ten characters of an alphabet, `count` characters in all beside the blanks; always the same."""
    rng = np.random.default_rng(0)
    characters = "".join(rng.choice(list(alphabet), count))
    words, start = [], 0
    while start < count:
        end = start + int(rng.integers(1, LONGEST_WORD, endpoint=True))
        words.append(characters[start:end])
        start = end
    return " ".join(words)


def write(command: Sequence[str | Path], count: int) -> Cost:
    """Runs generate.py once.

    Raises:
        UserError: It failed, or did not write every character.
    """
    cost = run_once(command)
    written = sum(int(line.rpartition(": ")[2].split()[0].replace(",", "")) for line in cost.said.splitlines())
    if written != count:
        raise UserError(f"{command[0]}: expected {count:,} characters written, received {written:,}; see what it says")
    return cost


def writing_rows(lines: Sequence[Cost], letters: Sequence[Cost]) -> list[Row]:
    """The table's rows, from the measured runs."""
    seconds = [statistics.median(cost.seconds for cost in costs) for costs in (lines, letters)]
    peaks = [max(cost.megabytes for cost in costs) for costs in (lines, letters)]
    line, letter = f"a line of {LINE} characters", f"{LETTER:,} on pages {WIDTH} pixels wide"
    fast = [seconds[0] <= LINE_SECONDS, seconds[1] <= LETTER_SECONDS]
    return [
        Row(f"{line}, median", spread(lines), "", f"at most {LINE_SECONDS} s", yes(fast[0])),
        Row(f"{letter}, median", spread(letters), "", f"at most {LETTER_SECONDS:g} s", yes(fast[1])),
        Row(f"{line}, peak memory", f"{peaks[0]:.0f} MB"),
        Row(f"{letter}, peak memory", f"{peaks[1]:.0f} MB", "", f"at most {MEGABYTES:.0f} MB",
            yes(peaks[1] <= MEGABYTES)),
    ]  # fmt: skip


def main(arguments: Arguments) -> None:
    """Writes both in turn and prints the table.

    Raises:
        UserError: There is no such model, it is damaged, or the script fails.
    """
    model = Writer.open(arguments.model, arguments.models_dir)
    folder = model.folder.resolve()
    options = ["--model", folder.name, "--models-dir", folder.parent]
    with tempfile.TemporaryDirectory() as name:
        letter = Path(name, "letter.txt")
        letter.write_text(made_up_text(model.alphabet, LETTER), encoding="utf-8")
        line = made_up_text(model.alphabet.replace("-", ""), LINE)  # a word may not look like an option
        commands = [
            ["generate.py", line, "--out", Path(name, "line.png"), *options],
            ["generate.py", "--file", letter, "--width", str(WIDTH), "--out", Path(name, "letter.png"), *options],
        ]
        rounds = [[write(command, count) for command, count in zip(commands, (LINE, LETTER), strict=True)]
                  for _ in range(arguments.runs + 1)]  # fmt: skip
    lines, letters = zip(*rounds[1:], strict=True)
    title = f"{folder.name}: `python generate.py`, process start to exit, {arguments.runs} runs each"
    print(as_markdown(title, writing_rows(lines, letters)))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
