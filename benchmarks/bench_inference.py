"""What one picture costs a user, process start to exit, against the same task done through Keras.

python benchmarks/bench_inference.py

This process stays lean and leaves all that is heavy to others: Linux counts into the peak memory of a child what its
parent held when it was started.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import tyro

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.measuring import peak_bytes
from report import Row, as_markdown, yes
from runtime import MODELS_DIR, TrainedModel
from shell import UserError, parse, run_script

SECONDS, TIMES_FASTER, MEGABYTES = 0.6, 6.0, 250.0  # wanted: at most, at least, at most

PREPARE = '''
"""Writes a trained folder's model as a .keras file, and one of the embedded digits as a picture."""
import json
import sys
from pathlib import Path

import keras
from PIL import Image

from data_processor import load
from encoder_model import Translator
from run_settings import from_settings

folder, model_file, picture_file = map(Path, sys.argv[1:])
card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
model = Translator(from_settings(card["config"]).model)
model.load_weights(folder / f"{folder.name}.weights.h5")
keras.Model(model.inputs, model.output).save(model_file)  # no class of this project is needed to load it
Image.fromarray(load("digits").images[0, ..., 0]).save(picture_file)
'''

KERAS_SCRIPT = '''
"""Reads one 28x28 picture, white on black, sets it in type, and writes a figure of both."""
import json
import sys

import keras
import numpy as np
from PIL import Image

model_file, card_file, picture_file, figure_file = sys.argv[1:]
picture = Image.open(picture_file).convert("L")
model = keras.models.load_model(model_file)
inputs = {"image": np.asarray(picture)[None, ..., None], "font": np.zeros(1, np.int32)}
outputs = model.predict(inputs, verbose=0)
glyph = Image.fromarray(np.round(255 * outputs["glyph"][0, ..., 0]).astype(np.uint8))
figure = Image.new("L", (336, 168))
for column, panel in enumerate((picture, glyph)):
    figure.paste(panel.resize((168, 168)), (168 * column, 0))
figure.save(figure_file)
with open(card_file, encoding="utf-8") as card:
    alphabet = json.load(card)["alphabet"]
print(json.dumps({"character": alphabet[outputs["logits"][0].argmax()]}))
'''


@dataclass(frozen=True)
class Arguments:
    """Measures `python inference.py one.png` beside the same task through keras.models.load_model, alternately."""

    model: str = "translator-ascii"
    """Name of a trained model in the models folder; the default is what inference.py takes by itself."""
    models_dir: Path = MODELS_DIR
    """Folder of the trained models."""
    runs: int = 9
    """Measured runs of each, after one unmeasured."""

    def __post_init__(self):
        if self.runs < 1:
            raise ValueError(f"`runs` must be positive. Received: runs={self.runs}")


class Cost(NamedTuple):
    """What a process took from start to exit."""

    seconds: float
    megabytes: float  # of 10^6 bytes, at the peak
    said: str


def run_once(command: Sequence[str | Path]) -> Cost:
    """Runs a Python script from the project root and measures it.

    Raises:
        UserError: It failed; with the last line it wrote on stderr.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        if process.returncode:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["nothing"])[-1]
            raise UserError(
                f"{Path(command[0]).name}: expected exit code 0, received {process.returncode}; it said: {last}"
            )
        output.seek(0)
        return Cost(seconds, peak_bytes(usage) / 1e6, output.read())


def alternate(commands: Sequence[Sequence[str | Path]], runs: int) -> list[list[Cost]]:
    """Runs the commands in turn, `runs` times after one unmeasured turn; a list of costs for each command.

    Raises:
        UserError: They did not read the same character, so that they did not do the same task.
    """
    rounds = [[run_once(command) for command in commands] for _ in range(runs + 1)]
    read = [json.loads(cost.said)["character"] for cost in rounds[0]]
    if len(set(read)) > 1:
        raise UserError(
            f"the scripts: expected both to read the same character, received {read}; restore or retrain the model"
        )
    return [list(costs) for costs in zip(*rounds[1:], strict=True)]


def cost_rows(ours: Sequence[Cost], keras: Sequence[Cost]) -> list[Row]:
    """The table's rows, from the measured runs of `inference.py` and of the script through Keras."""
    seconds = [statistics.median(cost.seconds for cost in costs) for costs in (ours, keras)]
    peaks = [max(cost.megabytes for cost in costs) for costs in (ours, keras)]
    faster = seconds[1] / seconds[0]
    times, wanted = f"{faster:.1f} times faster", f"at least {TIMES_FASTER:g} times"
    return [
        Row(
            "`python inference.py one.png`, median",
            spread(ours),
            "",
            f"at most {SECONDS} s",
            yes(seconds[0] <= SECONDS),
        ),
        Row("the same through `keras.models.load_model`", spread(keras)),
        Row("ratio of the medians", times, "", wanted, yes(faster >= TIMES_FASTER)),
        Row("peak memory", f"{peaks[0]:.0f} MB", "", f"at most {MEGABYTES:.0f} MB", yes(peaks[0] <= MEGABYTES)),
        Row("peak memory through Keras", f"{peaks[1]:.0f} MB"),
    ]


def spread(costs: Sequence[Cost]) -> str:
    """Median, smallest and largest time."""
    seconds = [cost.seconds for cost in costs]
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def main(arguments: Arguments) -> None:
    """Prepares model and picture, runs both scripts in turn and prints the table.

    Raises:
        UserError: There is no such model, it is damaged, or a script fails.
    """
    folder = TrainedModel.open(arguments.model, arguments.models_dir).folder.resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "prepare.py").write_text(PREPARE)
        (work / "through_keras.py").write_text(KERAS_SCRIPT)
        run_once([work / "prepare.py", folder, work / "model.keras", work / "one.png"])
        ours = ["inference.py", work / "one.png", "--json", "--out", work / "ours.png",
                "--model", folder.name, "--models-dir", folder.parent]  # fmt: skip
        keras = [
            work / "through_keras.py",
            work / "model.keras",
            folder / "card.json",
            work / "one.png",
            work / "keras.png",
        ]
        costs = alternate([ours, keras], arguments.runs)
    print(
        as_markdown(f"{folder.name}: one picture, process start to exit, {arguments.runs} runs each", cost_rows(*costs))
    )


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
