"""Trains a model: data in, a trained folder under modelh5/ out.

python train.py --help                                 the presets
python train.py translator-digits --help               every setting, its unit and default
python train.py translator-digits --epochs 5           killed and started again, the same line goes on where it was
tensorboard --logdir logs
"""

import contextlib
import os
import sys
from pathlib import Path

import tyro

from config import GANRun, RunConfig
from presets import PRESETS
from runtime import CARD, read_card
from shell import UserError, did_you_mean, parse, run_script, unheard

BACKENDS = ("tensorflow", "jax")  # the first is the default
ACCELERATOR = "GPU"  # TensorFlow's name of the devices that share a batch


def main(run: RunConfig) -> None:
    """Trains, or goes on training, what `run` says and writes the trained folder.

    Raises:
        UserError: The data are missing or damaged, the run is finished, or was begun with other settings.
    """
    from run_state import RunState
    from tasks import identities, load_inputs, make_task

    state = RunState(run)
    check_place(run)
    inputs = load_inputs(run)
    start_backend(run)  # only now: it takes seconds, and most mistakes have shown by here
    from export import export_model
    from training import ProgressPictures, write_projector

    with state.claimed(**identities(inputs), backend=os.environ["KERAS_BACKEND"]):
        task = make_task(run, **inputs)
        pictures = ProgressPictures(task, run)
        model = fit(task, run, state, pictures)
        state.load_best(model)
        pictures.animate(len(state.history))
        write_projector(pictures.board, task, model)
        pictures.board.outcome(state.history[state.best_epoch - 1])
        folder = export_model(task, model, state)
        state.finish()
    print(f"best epoch {state.best_epoch} of {len(state.history)}; wrote {folder}")


def check_place(run: RunConfig) -> None:
    """Sees that the trained model can be put where it belongs, and takes the place of none of another kind.

    Raises:
        UserError: It cannot, or would.
    """
    there = next(place for place in (run.models_dir, *run.models_dir.absolute().parents) if place.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise UserError(f"--models-dir {run.models_dir}: expected a folder to write to, received {there}, which is "
                        f"{'not writable' if there.is_dir() else 'a file'}; choose another")  # fmt: skip
    folder = run.models_dir / run.name
    made_by, kind = _kind_of(folder / CARD), type(run).__name__
    if made_by not in (None, kind):
        raise UserError(f"{folder}: holds a model made by a {made_by}, received a {kind}, which would replace it; give "
                        f"another --name, or move that folder")  # fmt: skip


def _kind_of(card: Path) -> str | None:
    """The kind of run that made a model; None where there is no model, or a damaged one."""
    try:
        return read_card(card)["config"]["kind"]
    except (UserError, OSError, KeyError, TypeError):
        return None


def fit(task, run: RunConfig, state, pictures):
    """Builds the model, brings it to where the run stands and trains it to the end."""
    from training import CommitEpoch, EpochRandomness, KeepFreedMemory, StopAtNaN, ValidateAverages, ValidateTask

    batches, validation = task.training_batches(), task.validation_batches()
    with spread_over_devices(run, batches, validation):
        model = task.build()
        model.compile(make_optimizer(run, steps=len(batches) * run.epochs))
        state.restore(model)
    resumed = f"; goes on after epoch {len(state.history)}" if state.history else ""
    print(f"{run.name}: {model.count_params():,} weights, {len(batches.order):,} training pictures an epoch{resumed}",
          flush=True)  # fmt: skip
    if not state.over:
        model.fit(
            batches,
            validation_data=validation,
            epochs=run.epochs,
            initial_epoch=len(state.history),
            shuffle=False,  # the batches draw their own order; Keras' would come from what happened before
            callbacks=[
                EpochRandomness(run.seed, batches),
                KeepFreedMemory(),
                StopAtNaN(state),
                ValidateAverages(task),
                ValidateTask(task),
                *curves(run),
                pictures,
                CommitEpoch(state),
            ],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    return model


def start_backend(run: RunConfig) -> None:
    """Imports Keras, set up for this machine: reproducible, taking GPU memory as needed, in the precision asked for.

    Raises:
        UserError: The backend that the environment names is none to train on, or is not installed.
    """
    backend = os.environ.get("KERAS_BACKEND", BACKENDS[0])
    if backend not in BACKENDS:
        raise UserError(f"KERAS_BACKEND={backend}: expected {' or '.join(BACKENDS)}{did_you_mean(backend, BACKENDS)}; "
                        f"set one, or unset the variable for {BACKENDS[0]}")  # fmt: skip
    try:
        with unheard():
            import keras
    except ImportError as error:
        raise UserError(f"KERAS_BACKEND={backend}: expected an installed library, but there is no module "
                        f"{error.name!r}; install it, or unset the variable for TensorFlow") from None  # fmt: skip
    os.environ["KERAS_BACKEND"] = keras.backend.backend()
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            with contextlib.suppress(RuntimeError):  # devices already in use, as when `main` runs twice in one process
                tf.config.experimental.set_memory_growth(gpu, True)
        tf.config.experimental.enable_op_determinism()
        if isinstance(run, GANRun):
            _compute_two_at_once()
    keras.utils.clear_session(free_memory=False)  # counts layers from 1 again: their names order what is summed up
    keras.utils.set_random_seed(run.seed)
    keras.config.set_dtype_policy(run.precision)


def _compute_two_at_once() -> None:
    """Gives every operation half of the processor, and two at a time their turn.

    Not if something was computed before, nor if TF_NUM_INTRAOP_THREADS or TF_NUM_INTEROP_THREADS says otherwise. A step
    of a GAN has two halves that meet late, real pictures and generated ones: side by side they take about five sixths
    of the time that they take one after the other, each operation on all cores. A GPU has its own order.
    """
    import tensorflow as tf

    if {"TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"} & set(os.environ):
        return
    allowed = getattr(os, "sched_getaffinity", None)  # of this process; macOS and Windows do not tell
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    threads = tf.config.threading
    with contextlib.suppress(RuntimeError):
        threads.set_intra_op_parallelism_threads(max(1, cores // 2))
        threads.set_inter_op_parallelism_threads(2)


def spread_over_devices(run: RunConfig, batches, validation):
    """A scope in which a model built is shared by all local accelerators, each taking its part of the batch.

    Args:
        batches: What is trained on. validation: What a few pictures may be left out of, to be divided evenly.

    Raises:
        UserError: The batches cannot be divided.
    """
    import keras

    on_tensorflow = keras.backend.backend() == "tensorflow"
    if on_tensorflow:
        import tensorflow as tf

        devices = tf.config.list_logical_devices(ACCELERATOR)
    else:
        devices = keras.distribution.list_devices()
    if len(devices) < 2:
        return contextlib.nullcontext()
    share_evenly(len(devices), run, batches, validation)
    if on_tensorflow:
        return tf.distribute.MirroredStrategy(devices).scope()
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    return contextlib.nullcontext()


def share_evenly(devices: int, run: RunConfig, batches, validation) -> None:
    """Leaves so many pictures out of `validation.order` that devices can divide the last batch, too.

    JAX divides no other, and Keras, where it builds a model on TensorFlow, neither.

    Args:
        devices: How many there are. batches: What is trained on. validation: What is validated on.

    Raises:
        UserError: A whole batch cannot be divided, or there is not a picture for each.
    """
    size = min(run.batch_size, len(batches.order))
    if validation.batch_size % devices or len(validation.order) < devices:
        raise UserError(f"{devices} devices: expected a number that divides {validation.batch_size}, and as many "
                        f"pictures for validation or more, received {len(validation.order)}; show fewer "
                        f"devices")  # fmt: skip
    if size % devices:
        raise UserError(f"{devices} devices: expected a batch that they can share evenly, received {size} pictures; "
                        f"set --batch-size, or show fewer devices")  # fmt: skip
    validation.order = validation.order[: len(validation.order) // devices * devices]


def make_optimizer(run: RunConfig, steps: int):
    """AdamW, its learning rate warmed up and then brought to zero by a cosine; it averages the weights if asked to."""
    import keras

    from pacing import PacedAdamW

    warmup = int(run.warmup * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else run.learning_rate, steps - warmup, warmup_target=run.learning_rate if warmup else None,
        warmup_steps=warmup)  # fmt: skip
    return PacedAdamW(
        schedule,
        beta_1=run.beta_1,
        weight_decay=run.weight_decay,
        use_ema=run.averaging > 0,
        ema_momentum=run.averaging or None,
    )


def curves(run: RunConfig) -> list:
    """TensorBoard's own callback: every metric under logs/NAME/train and logs/NAME/validation."""
    import keras

    return [keras.callbacks.TensorBoard(str(run.logs_dir / run.name), write_graph=False)]  # Keras 3 has none to write


if __name__ == "__main__":
    run_script(
        lambda: main(parse(lambda: tyro.extras.overridable_config_cli(PRESETS), commands=PRESETS)),
        when_stopped="the same line goes on after the last finished epoch",
    )
