"""What a folder of small pictures costs a user who wants them read, process start to exit.

python benchmarks/bench_recognise.py

This process stays lean, as bench_inference.py explains.
"""

import resource
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tyro

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bench_inference import run_once
from readers import Recogniser
from report import Row, as_markdown, yes
from runtime import MODELS_DIR
from shell import UserError, parse, run_script

MILLISECONDS = 3.0  # a picture, wanted: at most

PREPARE = '''
"""Writes test digits of MNIST as pictures."""
import sys
from pathlib import Path

from PIL import Image

from data_processor import TEST, load

folder, count = Path(sys.argv[1]), int(sys.argv[2])
images, _ = load("mnist").part(TEST)
for k, image in enumerate(images[:count, ..., 0]):
    Image.fromarray(image).save(folder / f"{k:05}.png")
'''


@dataclass(frozen=True)
class Arguments:
    """Measures `python inference.py FOLDER --task recognise` on a folder of MNIST's test digits, 28x28 PNGs each."""

    model: str = "recogniser-ascii"
    """Name of a trained reader in the models folder; the default is what inference.py takes by itself."""
    models_dir: Path = MODELS_DIR
    """Folder of the trained models."""
    pictures: int = 1000
    """Pictures in the folder, at most 10,000."""
    runs: int = 5
    """Measured runs, after one unmeasured."""

    def __post_init__(self):
        for name, most in (("runs", 1000), ("pictures", 10_000)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise ValueError(f"`{name}` must lie in [1, {most}]. Received: {name}={value}")


class Reading(NamedTuple):
    """What it took to read a folder."""

    seconds: float  # from process start to exit
    processor_seconds: float  # of all cores, user's and system's
    megabytes: float  # of 10^6 bytes, at the peak


def read_folder(command: Sequence[str | Path], count: int) -> Reading:
    """Runs inference.py once.

    Raises:
        UserError: It failed, or did not answer for every picture.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = run_once(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answered = len(cost.said.splitlines())
    if answered != count:
        raise UserError(f"{command[0]}: expected {count} answers, received {answered}; its output is no line a picture")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Reading(cost.seconds, processor, cost.megabytes)


def reading_rows(readings: Sequence[Reading], count: int, alone: float) -> list[Row]:
    """The table's rows, from the runs on `count` pictures and the seconds that one picture alone takes."""
    wall = [1000 * reading.seconds / count for reading in readings]
    processor = [1000 * reading.processor_seconds / count for reading in readings]
    met = yes(statistics.median(wall) <= MILLISECONDS)
    return [
        Row("a picture, start and exit included, median", spread(wall), "", f"at most {MILLISECONDS:g} ms", met),
        Row("the same in processor time, all cores", spread(processor)),
        Row("one picture alone, start to exit, median", f"{alone:.2f} s"),
        Row("peak memory", f"{max(reading.megabytes for reading in readings):.0f} MB"),
    ]


def spread(milliseconds: Sequence[float]) -> str:
    """Median, smallest and largest time."""
    return f"{statistics.median(milliseconds):.2f} ms ({min(milliseconds):.2f} to {max(milliseconds):.2f})"


def main(arguments: Arguments) -> None:
    """Prepares the folder, has it read and prints the table.

    Raises:
        UserError: There is no such model, it is damaged, MNIST is not at hand, or the script fails.
    """
    folder, count = Recogniser.open(arguments.model, arguments.models_dir).folder.resolve(), arguments.pictures
    with tempfile.TemporaryDirectory() as name:
        script, pictures = Path(name, "prepare.py"), Path(name, "pictures")
        pictures.mkdir()
        script.write_text(PREPARE)
        run_once([script, pictures, str(count)])
        options = ["--task", "recognise", "--json", "--model", folder.name, "--models-dir", folder.parent]
        whole, one = (["inference.py", what, *options] for what in (pictures, pictures / "00000.png"))
        _, *readings = [read_folder(whole, count) for _ in range(arguments.runs + 1)]
        alone = statistics.median(read_folder(one, 1).seconds for _ in range(arguments.runs))
    title = f"{folder.name}: `python inference.py FOLDER --task recognise`, {count:,} pictures, {arguments.runs} runs"
    print(as_markdown(title, reading_rows(readings, count, alone)))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
