"""How many pictures a second a GAN is trained on in one pass, against the usual recipe of two steps.

python benchmarks/bench_gan.py

The recipe is that of most examples: a step for the discriminator, then one for the generator, for which pictures are
generated and scored again, and an optimizer for each. It trains the very same networks on the very same pictures, not
bent, by their losses alone: no penalty, no mismatches, no clusters, no averages of weights. A stretch of the one is
followed by a stretch of the other, in one process.
"""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_training import Contestant, throughputs
from config import AugmentConfig, GANRun
from presets import PRESETS
from report import Row, as_markdown, yes
from shell import parse, run_script

TIMES = 1.3  # wanted


@dataclass(frozen=True)
class Arguments:
    """Trains the same networks in one pass and in two steps by turns: pictures a second."""

    preset: Literal["cgan-digits", "gan-digits", "cgan-digits-smoke"] = "cgan-digits"
    """Settings of the GAN, as train.py takes them."""
    steps: int = 100
    """Steps of a stretch."""
    repeats: int = 5
    """Stretches of each."""
    batch_size: int = 0
    """Pictures a step; 0: as the preset has it."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""

    def __post_init__(self):
        for name in ("steps", "repeats"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={getattr(self, name)}")
        if self.batch_size < 0:
            raise ValueError(f"`batch_size` must not be negative. Received: batch_size={self.batch_size}")


def build_two_steps(run: GANRun) -> Any:
    """The networks of a run in a compiled Keras model that trains each by a step of its own, by their losses alone."""
    import keras
    import tensorflow as tf

    from adversity import LOSSES
    from gan_model import build_discriminator, build_generator

    config, form = run.model, LOSSES[run.model.loss]

    class TwoSteps(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = build_generator(config), build_discriminator(config)
            self.opponent = keras.optimizers.Adam(run.learning_rate, run.beta_1)

        def draw(self, told):
            noise = tf.random.normal((tf.shape(told)[0], config.noise_size))
            return self.generator([noise, told][: len(self.generator.inputs)], training=True)

        def score(self, images, told):
            return self.discriminator([images, told][: len(self.discriminator.inputs)], training=True)[0]

        def train_step(self, data):
            inputs = data[0]
            told, real = tf.one_hot(inputs["label"], len(config.alphabet)), tf.cast(inputs["image"], tf.float32) / 255
            images, twice = tf.concat([self.draw(told), real], axis=0), tf.concat([told, told], axis=0)
            with tf.GradientTape() as tape:
                generated, genuine = tf.split(self.score(images, twice), 2)
                critic = tf.reduce_mean(form.of_generated(generated) + form.of_real(genuine))
            weights = self.discriminator.trainable_weights
            self.opponent.apply_gradients(zip(tape.gradient(critic, weights), weights, strict=True))
            with tf.GradientTape() as tape:
                cheat = tf.reduce_mean(form.of_generator(self.score(self.draw(told), told)))
            weights = self.generator.trainable_weights
            self.optimizer.apply_gradients(zip(tape.gradient(cheat, weights), weights, strict=True))
            return {"critic_loss": critic, "generator_loss": cheat}

    model = TwoSteps()
    model.compile(keras.optimizers.Adam(run.learning_rate, run.beta_1))
    return model


def make_contestants(run: GANRun, task: Any) -> list[Contestant]:
    """One pass as train.py makes it, one without what the recipe lacks, and two steps: on the same pictures."""
    from gan_model import build_gan
    from train import make_optimizer

    def contestant(name: str, model: Any) -> Contestant:
        return Contestant(name, model, task.training_batches(), run.seed, translate=None, may_go_on=None)

    bare = replace(run.model, regulariser="none", mismatch=0.0, clusters=0)
    plain = replace(run, averaging=0.0, augment=AugmentConfig(share=0.0), model=bare)
    models = [build_gan(settings) for settings in (run, plain)]
    for model, settings in zip(models, (run, plain), strict=True):
        model.compile(make_optimizer(settings, steps=len(task.training_batches()) * run.epochs))
    names = "one pass, as it is trained", "one pass, bare", "two steps, bare"
    return [contestant(*named) for named in zip(names, [*models, build_two_steps(plain)], strict=True)]


def rows_of(names: Sequence[str], rates: Sequence[Sequence[float]]) -> list[Row]:
    """The table: medians, and how many times the last one's median the others' are."""
    medians = [statistics.median(one) for one in rates]
    rows = [Row(f"{name}: training throughput, median", f"{median:,.0f} images/s ({min(one):,.0f} to {max(one):,.0f})")
            for name, median, one in zip(names, medians, rates, strict=True)]  # fmt: skip
    for name, median in zip(names[:-1], medians[:-1], strict=True):
        times, wanted = median / medians[-1], f"at least {TIMES:g} times"
        rows.append(Row(f"{name}, over {names[-1]}", f"{times:.2f} times", "", wanted, yes(times >= TIMES)))
    return rows


def main(arguments: Arguments) -> None:
    """Trains by turns and prints the table.

    Raises:
        UserError: The data are missing or damaged.
    """
    from tasks import load_inputs, make_task
    from train import start_backend

    preset = PRESETS[arguments.preset][1]
    run = replace(preset, data_dir=arguments.data_dir, batch_size=arguments.batch_size or preset.batch_size)
    inputs = load_inputs(run)
    start_backend(run)
    contestants = make_contestants(run, make_task(run, **inputs))
    names = [one.name for one in contestants]
    rates = throughputs(contestants, arguments.steps, arguments.repeats)
    title = f"{run.name} trained in one pass and in two steps, of {run.batch_size} pictures"
    print(as_markdown(title, rows_of(names, rates)))


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
