"""What a look at all layers of a model costs: a request to a model that is open, and the whole figure from the shell.

python benchmarks/bench_layers.py
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from activations import Activations, drawing_inputs, reading_inputs
from benchmarks.bench_inference import Cost, run_once
from benchmarks.bench_inference import spread as spread_of_costs
from benchmarks.bench_recognise import spread
from generators import Generator, Writer
from report import Row, as_markdown, yes
from runtime import MODELS_DIR, TrainedModel
from shell import parse, run_script
from trained import open_model

MILLISECONDS, SECONDS = 50.0, 1.0  # wanted, at most: of a request, and of the figure


@dataclass(frozen=True)
class Arguments:
    """Measures a request for all layers of a model, and `python visualize_model.py MODEL --character 2`."""

    models: tyro.conf.Positional[tuple[str, ...]] = ("cvae-digits", "translator-ascii", "recogniser-ascii")
    """Names of trained models in the models folder that know the character 2, or are told none."""
    models_dir: Path = MODELS_DIR
    """Folder of the trained models."""
    requests: int = 200
    """Measured requests, after one unmeasured."""
    runs: int = 5
    """Measured figures, after one unmeasured."""

    def __post_init__(self):
        for name, most in (("requests", 100_000), ("runs", 1000)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise ValueError(f"`{name}` must lie in [1, {most}]. Received: {name}={value}")


def is_told(model: TrainedModel) -> bool:
    """Whether a character can be named to look at."""
    return not isinstance(model, Generator) or model.labelled


def time_requests(model: TrainedModel, requests: int) -> list[float]:
    """Milliseconds of each request for all layers, every one for another character, drawing or picture."""
    activations, taken = Activations(model), []
    for seed in range(requests + 1):
        if isinstance(model, Writer | Generator):
            character = model.alphabet[seed % len(model.alphabet)] if is_told(model) else None
            inputs = drawing_inputs(model, character, seed)
        else:
            side = model.image_size
            inputs = reading_inputs(np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8))
        started = time.perf_counter()
        activations.of(inputs)
        taken.append(1000 * (time.perf_counter() - started))
    return taken[1:]


def time_figures(model: TrainedModel, runs: int) -> list[Cost]:
    """What each figure took, from process start to exit."""
    folder = model.folder.resolve()
    with tempfile.TemporaryDirectory() as out:
        told = ["--character", "2"] if is_told(model) else ["--seed", "0"]
        command = ["visualize_model.py", folder, *told, "--out", out]
        return [run_once(command) for _ in range(runs + 1)][1:]


def rows_of(name: str, milliseconds: Sequence[float], figures: Sequence[Cost]) -> list[Row]:
    """A model's rows of the table."""
    request, figure = statistics.median(milliseconds), statistics.median(cost.seconds for cost in figures)
    return [
        Row(f"{name}: a request for all layers, median", spread(milliseconds), "", f"at most {MILLISECONDS:g} ms",
            yes(request <= MILLISECONDS)),
        Row(f"{name}: the figure, start to exit, median", spread_of_costs(figures), "", f"at most {SECONDS:g} s",
            yes(figure <= SECONDS)),
    ]  # fmt: skip


def main(arguments: Arguments) -> None:
    """Measures each model and prints the table.

    Raises:
        UserError: There is no such model, it is damaged, or the script fails.
    """
    rows: list[Row] = []
    for name in arguments.models:
        model = open_model(name, arguments.models_dir)
        rows += rows_of(name, time_requests(model, arguments.requests), time_figures(model, arguments.runs))
    title = f"All layers of one input, {arguments.requests:,} requests and {arguments.runs} figures each"
    print(as_markdown(title, rows))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
