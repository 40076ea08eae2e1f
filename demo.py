"""What Scriptorium does, in a minute or two and without a network: a short real training run, then real inference.

python demo.py          or: make demo
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from presets import PRESETS
from runtime import MODELS_DIR, TrainedModel
from shell import parse, run_script

ROOT = Path(__file__).resolve().parent
INTERPRETER = Path(sys.executable)
PYTHON = str(INTERPRETER.relative_to(ROOT)) if INTERPRETER.is_relative_to(ROOT) else "python"  # as one would type it
RUN, TRAINED = "demo", "translator-digits"  # its name and its preset
STOPPED_BY_SIGNAL = 128  # what shells add to a signal's number

MADE = """
Made:
  modelh5/demo        the model just trained, with its card; images/demo/training.gif shows how it learned
  images/samples      pictures of handwriting
  images/inference    how the shipped models read and typeset them
Next:
  the same digits, by your model    {python} inference.py images/samples/digits --model demo --out images/demo
  your own handwriting              {python} inference.py PICTURE.png --font "DejaVu Serif"
  curves of the training            {python} -m tensorboard.main --logdir logs
  MNIST, or all of ASCII            {python} train.py --help"""


@dataclass(frozen=True)
class Arguments:
    """Trains a small model on the embedded digits, then reads and typesets sample pictures with the shipped models."""

    epochs: int = 20
    """Passes over the training pictures, 1 to 4095."""
    digits_model: str = "translator-digits"
    """Trained model that typesets the digits."""
    ascii_model: str = "translator-ascii"
    """Trained model that typesets the other characters."""
    reader: str = "recogniser-ascii"
    """Trained model that reads them."""

    def __post_init__(self):
        replace(PRESETS[TRAINED][1], epochs=self.epochs)  # it refuses what cannot be before anything is done


def main(arguments: Arguments) -> int:
    """Runs the steps one after the other.

    Returns:
        0, or the exit code of the first step that failed.

    Raises:
        UserError: A shipped model is missing or damaged.
    """
    for model in (arguments.digits_model, arguments.ascii_model, arguments.reader):
        TrainedModel.open(model, MODELS_DIR)  # now, not after a minute of training
    forget_finished_run(ROOT / "logs" / RUN)
    for words, command in steps(arguments):
        print(f"\n{words}\n$ {PYTHON} {shlex.join(command)}", flush=True)
        code = subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode
        if code:
            return code if code > 0 else STOPPED_BY_SIGNAL - code
    print(MADE.format(python=PYTHON))
    return 0


def steps(arguments: Arguments) -> list[tuple[str, Sequence[str]]]:
    """What is done, in words and as the command line of a script."""
    return [
        (
            "1. Train a font translator on scikit-learn's digits",
            ["train.py", TRAINED, "--name", RUN, "--dataset", "digits", "--epochs", str(arguments.epochs),
             "--batch-size", "32"],
        ),
        (
            "2. Draw pictures of handwriting",
            ["sample_pictures.py"],
        ),
        (
            "3. Read and typeset the digits",
            ["inference.py", "images/samples/digits", "--alphabet", "digits", "--model", arguments.digits_model],
        ),
        (
            "4. Read and typeset letters and signs",
            ["inference.py", "images/samples/ascii", "--model", arguments.ascii_model],
        ),
        (
            "5. Read them again: how sure, and what else they may be",
            ["inference.py", "images/samples/ascii", "--task", "recognise", "--model", arguments.reader],
        ),
    ]  # fmt: skip


def forget_finished_run(logs: Path) -> None:
    """Clears the logs of an earlier demo, so that it can be repeated; one that was interrupted goes on where it was."""
    if (logs / "finished.json").exists():
        shutil.rmtree(logs)


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
