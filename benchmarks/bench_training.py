"""How soon the translator reads 99.2 % right and how fast it trains, against the plain autoencoder of the field.

python benchmarks/bench_training.py

Both learn MNIST in this one process, an epoch of the one after an epoch of the other, so that whatever else the machine
does slows both. Both are judged alike: by which glyph of one font their output is nearest to.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from config import TranslatorRun
from glyph_metrics import nearest_glyph
from presets import PRESETS
from report import Row, as_markdown, share_row, yes
from shell import parse, run_script

SOONER, THROUGHPUT = 8.0, 5.0  # times, wanted
FONT = "STIXGeneral"  # the one that the autoencoder learns and both are judged in


@dataclass(frozen=True)
class Arguments:
    """Trains the translator and the plain autoencoder side by side: seconds to a share read right, images a second."""

    preset: Literal["translator-digits", "translator-digits-smoke"] = "translator-digits"
    """Settings of the translator, as train.py takes them."""
    epochs: int = 8
    """Epochs of the translator's learning-rate schedule, short as of a user who wants that share soon."""
    share: float = 0.992
    """Share of the validation part to be read right."""
    limit_seconds: float = 2400.0
    """Training seconds after which the autoencoder is given up."""
    steps: int = 60
    """Steps of a stretch over which throughput is measured."""
    repeats: int = 5
    """Stretches of each."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""

    def __post_init__(self):
        for name in ("epochs", "share", "limit_seconds", "steps", "repeats"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={getattr(self, name)}")


class Judge(NamedTuple):
    """Pictures with the right answers."""

    images: np.ndarray  # uint8 (N, S, S, 1)
    labels: np.ndarray  # int (N,)
    type_glyphs: np.ndarray  # uint8 (K, S, S, 1)

    def right(self, translate: Callable[[np.ndarray], np.ndarray]) -> int:
        """How many pictures come out nearest to the right glyph."""
        return int(np.sum(nearest_glyph(translate(self.images), self.type_glyphs) == self.labels))


class Contestant:
    """A model in training, and how long it has been at it.

    Args:
        name: For the table.
        model: Compiled. batches: A `TranslatorBatches`, or one derived from it. seed: Of its randomness.
        translate: uint8 images `(N, S, S, 1)` -> glyphs float32 of the same shape in FONT.
        may_go_on: Whether to train one more epoch, asked after each.
    """

    def __init__(self, name: str, model: Any, batches: Any, seed: int, translate: Callable[[np.ndarray], np.ndarray],
                 may_go_on: Callable[["Contestant"], bool]):  # fmt: skip
        from training import EpochRandomness

        self.name, self.model, self.batches, self.translate, self.may_go_on = name, model, batches, translate, may_go_on
        self.randomness = EpochRandomness(seed, batches)
        self.epochs, self.seconds, self.reached = 0, 0.0, False

    def train(self, steps: int | None = None) -> float:
        """Trains an epoch, or its first `steps` alone; returns the seconds from its beginning to its last step.

        What a call of `fit` adds on its way out, up to as long again, is paid once in a training and not once an epoch.
        """
        from keras.callbacks import LambdaCallback

        from training import KeepFreedMemory

        moments = []
        clock = LambdaCallback(
            on_epoch_begin=lambda *_: moments.append(time.perf_counter()),
            on_epoch_end=lambda *_: moments.append(time.perf_counter()),
        )
        self.model.fit(
            self.batches,
            initial_epoch=self.epochs,
            epochs=self.epochs + 1,
            steps_per_epoch=steps,
            shuffle=False,
            callbacks=[clock, self.randomness, KeepFreedMemory()],
            verbose=0,
        )
        return moments[1] - moments[0]


def make_contestants(run: TranslatorRun, task: Any, limit_seconds: float) -> list[Contestant]:
    """The translator as train.py makes it, and the autoencoder on the same pictures in the same order."""
    from train import make_optimizer

    translator, batches = task.build(), task.training_batches()
    translator.compile(make_optimizer(run, steps=len(batches) * run.epochs))
    number = run.model.fonts.index(FONT)

    def typeset(images: np.ndarray) -> np.ndarray:
        inputs = {"image": images, "font": np.full(len(images), number, np.int32)}
        return translator.predict(inputs, batch_size=500, verbose=0)["glyph"]

    plain = build_autoencoder(run.model.image_size)
    return [
        Contestant("translator", translator, batches, run.seed, typeset, lambda own: own.epochs < run.epochs),
        Contestant("plain autoencoder", plain, autoencoder_batches(task, number), run.seed,
                   lambda images: plain.predict(images, batch_size=500, verbose=0),
                   lambda own: own.seconds < limit_seconds),
    ]  # fmt: skip


def build_autoencoder(size: int) -> Any:
    """The autoencoder that tutorials translate digits with: image `(B, S, S, 1)` in 0..255 -> glyph in [0, 1]."""
    import keras
    from keras import layers

    def convolve(width: int, activation: str = "relu"):
        return layers.Conv2D(width, 3, padding="same", activation=activation)

    model = keras.Sequential([
        keras.Input((size, size, 1)), layers.Rescaling(1 / 255),
        convolve(32), layers.MaxPooling2D(),  # (B, S/2, S/2, 32)
        convolve(64), layers.MaxPooling2D(),  # (B, S/4, S/4, 64)
        convolve(128),
        convolve(128), layers.UpSampling2D(),  # (B, S/2, S/2, 128)
        convolve(64), layers.UpSampling2D(),  # (B, S, S, 64)
        convolve(1, "sigmoid"),
    ], name="autoencoder")  # fmt: skip
    model.compile(keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
    return model


def autoencoder_batches(task: Any, number: int) -> Any:
    """The task's training pictures in batches of 128, for a model that takes one picture and sets one font."""
    from batches import training_part
    from encoder_model import TranslatorBatches

    class DigitAndGlyph(TranslatorBatches):
        def batch(self, chosen: np.ndarray):
            inputs, targets = super().batch(chosen)
            return inputs["image"], targets["glyph"] / np.float32(255)

    run = task.run
    return DigitAndGlyph(training_part(run, task.data), 128, task.type_glyphs[[number]], seed=run.seed)


def race(contestants: Sequence[Contestant], judge: Judge, share: float) -> None:
    """Trains in turn, an epoch at a time, until each reads `share` of the judge's pictures right or may not go on."""
    running = list(contestants)
    while running:
        for one in list(running):
            one.seconds += one.train()
            one.epochs += 1
            read = judge.right(one.translate) / len(judge.labels)
            print(f"{one.name}: epoch {one.epochs}, {one.seconds:.0f} s, {read:.2%} read right", file=sys.stderr)
            one.reached = read >= share
            if one.reached or not one.may_go_on(one):
                running.remove(one)


def race_rows(contestants: Sequence[Contestant], test: Judge, share: float) -> list[Row]:
    """What each needed, what it then reads right of the test part, and by how much the first was sooner."""
    rows = []
    for one in contestants:
        needed = f"{one.seconds:.0f} s (epoch {one.epochs})"
        what = f"{one.name}: training to {share:.1%} of the validation part read right"
        rows.append(Row(what, needed if one.reached else f"not reached in {needed}"))
        hits = test.right(one.translate)
        rows.append(share_row(f"{one.name}: test part read right at that point", hits, len(test.labels)))
    return [*rows, sooner_row(*contestants)]


def sooner_row(ours: Contestant, plain: Contestant) -> Row:
    """How many times sooner the first was; a lower bound where the other was given up."""
    times = plain.seconds / ours.seconds if ours.reached else 0.0
    bound = "more than " if not plain.reached else ""
    measured = f"{bound}{times:.1f} times" if ours.reached else "not reached"
    return Row("translator sooner by", measured, "", f"at least {SOONER:g} times", yes(times >= SOONER))


def throughputs(contestants: Sequence[Contestant], steps: int, repeats: int) -> list[list[float]]:
    """Training images a second over alternating stretches, after one unmeasured: a list of `repeats` for each."""
    rounds = []
    for _ in range(repeats + 1):
        counts = [min(steps, len(one.batches)) for one in contestants]
        rounds.append([count * one.batches.batch_size / one.train(count)
                       for one, count in zip(contestants, counts, strict=True)])  # fmt: skip
    return [list(rates) for rates in zip(*rounds[1:], strict=True)]


def throughput_rows(names: Sequence[str], rates: Sequence[Sequence[float]]) -> list[Row]:
    """The table's rows on throughput; `rates` are those of the translator, then those of the autoencoder."""
    medians = [statistics.median(one) for one in rates]
    rows = [
        Row(f"{name}: training throughput, median", f"{median:,.0f} images/s ({min(one):,.0f} to {max(one):,.0f})")
        for name, median, one in zip(names, medians, rates, strict=True)
    ]
    times, wanted = medians[0] / medians[1], f"at least {THROUGHPUT:g} times"
    return [*rows, Row("ratio of the medians", f"{times:.1f} times", "", wanted, yes(times >= THROUGHPUT))]


def main(arguments: Arguments) -> None:
    """Runs the race, then the stretches, and prints the table.

    Raises:
        UserError: The data are missing or damaged.
    """
    from data_processor import TEST, VALIDATION
    from tasks import load_inputs, make_task
    from train import start_backend

    run = replace(PRESETS[arguments.preset][1], epochs=arguments.epochs, data_dir=arguments.data_dir)
    inputs = load_inputs(run)
    start_backend(run)
    task, data = make_task(run, **inputs), inputs["data"]
    type_glyphs = task.type_glyphs[run.model.fonts.index(FONT)]
    contestants = make_contestants(run, task, arguments.limit_seconds)
    race(contestants, Judge(*data.part(VALIDATION), type_glyphs), arguments.share)
    rows = race_rows(contestants, Judge(*data.part(TEST), type_glyphs), arguments.share)
    rates = throughputs(contestants, arguments.steps, arguments.repeats)
    rows += throughput_rows([one.name for one in contestants], rates)
    print(as_markdown(f"{run.name} against the plain autoencoder of the field, on {data.name}", rows))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
