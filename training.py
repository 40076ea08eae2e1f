"""What happens around an epoch: seeds set, the state committed, curves and pictures written."""

import contextlib
import ctypes
import json
import math
import time

import keras
import numpy as np
from PIL import Image

from averaging import averaged_weights, swap_averages
from config import RunConfig
from data_processor import VALIDATION, evenly_spread
from drawing import save_animation
from model_task import ModelTask
from run_settings import to_settings
from run_state import RunState
from shell import UserError, written_whole

PROJECTED = 1000  # pictures in TensorBoard's projector: what its browser page turns smoothly
EPOCH_STRIDE = 1 << 20  # more random draws than any epoch makes


class EpochRandomness(keras.callbacks.Callback):
    """Makes an epoch's shuffling, augmentation, noise and dropout a function of (seed, epoch) alone.

    Keras neither restores nor resets the state of its seed generators, so it is set here before every epoch.
    """

    def __init__(self, seed: int, batches):
        super().__init__()
        self.seed, self.batches = seed, batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.set_epoch(epoch)
        for number, state in enumerate(seed_states(self.model)):
            state.assign(np.array([self.seed * 1000 + number, epoch * EPOCH_STRIDE], np.uint32))


def seed_states(model: keras.Model) -> list[keras.Variable]:
    """The states `(2,)` of a model's seed generators, in an order that building it again repeats."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def keep_freed_memory() -> None:
    """Lets the C library keep what a training step frees, for the next step to use.

    By default glibc gives large blocks back to the system, which then clears every page again: nearly half the time of
    a step of these small networks. To be called again once TensorFlow reads a Python data set, which sets glibc back.
    """
    trim_threshold, mmap_max = -1, -4  # glibc's M_TRIM_THRESHOLD and M_MMAP_MAX
    with contextlib.suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_max, 0)


class KeepFreedMemory(keras.callbacks.Callback):
    """Calls `keep_freed_memory` in every epoch."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            keep_freed_memory()


class ValidateAverages(keras.callbacks.Callback):
    """Lets validation see the averages of the weights, where there are such, with what the task fits to them."""

    def __init__(self, task: ModelTask):
        super().__init__()
        self.task = task

    def on_test_begin(self, logs=None):
        swap_averages(self.model)
        self.task.settle(self.model)

    def on_test_end(self, logs=None):
        swap_averages(self.model)


class StopAtNaN(keras.callbacks.Callback):
    """Stops a run at once when its loss is no number any more; the epoch that was committed last stays."""

    def __init__(self, state: RunState):
        super().__init__()
        self.state = state

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if math.isfinite(logs["loss"]):
            return
        kept = f"epoch {self.epoch - 1} is kept in {self.state.folder}" if self.epoch > 1 else "no epoch is kept"
        raise UserError(f"{self.state.folder.name}: the training diverged in step {batch + 1} of epoch {self.epoch} "
                        f"(loss={logs['loss']}); {kept}; start anew with a lower --learning-rate and another "
                        f"--name")  # fmt: skip


class ValidateTask(keras.callbacks.Callback):
    """Adds what the task itself finds on validation, with the averages of the weights. To come before whoever logs."""

    def __init__(self, task: ModelTask):
        super().__init__()
        self.task = task

    def on_epoch_end(self, epoch, logs=None):
        with averaged_weights(self.model):
            figures = self.task.validate(self.model, epoch)
        logs.update({f"val_{name}": value for name, value in figures.items()})  # the callbacks share one dictionary


class CommitEpoch(keras.callbacks.Callback):
    """Commits every epoch to the run's state and stops the run when it is over. To be the last of the callbacks."""

    def __init__(self, state: RunState):
        super().__init__()
        self.state = state

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self.state.commit(self.model, {**logs, "seconds": time.monotonic() - self.started})
        self.model.stop_training = self.state.over


class ProgressPictures(keras.callbacks.Callback):
    """Draws the task's picture after every epoch, for the eye, for TensorBoard and for the GIF of the training."""

    def __init__(self, task: ModelTask, run: RunConfig):
        super().__init__()
        self.task, self.folder = task, run.images_dir / run.name
        self.board = Board(run)

    def on_epoch_end(self, epoch, logs=None):
        with averaged_weights(self.model):
            pictures = self.task.draw(self.model)
        with written_whole(self.folder / f"epoch-{epoch + 1:04d}.png") as draft:
            Image.fromarray(pictures["progress"]).save(draft)
        for name, picture in pictures.items():
            self.board.picture(name, picture, epoch)

    def animate(self, epochs: int) -> None:
        """Joins the pictures of all epochs into `training.gif`."""
        frames = [self.folder / f"epoch-{epoch + 1:04d}.png" for epoch in range(epochs)]
        frames = [frame for frame in frames if frame.exists()]  # the user may have moved some away
        if frames:
            with written_whole(self.folder / "training.gif") as draft:
                save_animation(frames, draft)


class Board:
    """TensorBoard beyond curves: pictures, hyper-parameters with their outcome, the projector with thumbnails.

    TensorFlow is imported here alone, for its event files; they are written so on every backend.
    """

    def __init__(self, run: RunConfig):
        import tensorflow as tf

        if keras.backend.backend() != "tensorflow":
            with contextlib.suppress(RuntimeError):  # it has started already, and taken what it takes
                tf.config.set_visible_devices([], "GPU")  # the memory is the backend's
        self.tf, self.run, self.folder = tf, run, run.logs_dir / run.name / "validation"  # a run, to TensorBoard
        self.writer = tf.summary.create_file_writer(str(self.folder))

    def picture(self, name: str, picture: np.ndarray, epoch: int) -> None:
        """Adds an uint8 picture, grey `(H, W)` or coloured `(H, W, 3)`."""
        channels = 3 if picture.ndim == 3 else 1
        with self.writer.as_default():
            self.tf.summary.image(name, picture.reshape(1, *picture.shape[:2], channels), step=epoch)
        self.writer.flush()

    def outcome(self, best: dict[str, float]) -> None:
        """Writes the run's settings beside what the best epoch reached, for TensorBoard's HParams page."""
        from tensorboard.plugins.hparams import api as hparams

        with self.writer.as_default():
            hparams.hparams(flat_settings(to_settings(self.run)), trial_id=self.run.name)
            for name, value in best.items():
                self.tf.summary.scalar(f"best/{name}", value, step=0)
        self.writer.flush()

    def project(self, features: np.ndarray, images: np.ndarray, captions: list[str]) -> None:
        """Writes the projector page.

        Args:
            features: float32 `(N, C)`. images: uint8 `(N, S, S, 1)`, its thumbnails. captions: N of them.
        """
        from tensorboard.plugins import projector

        side, size = int(np.ceil(np.sqrt(len(images)))), images.shape[1]
        padded = np.concatenate([images, np.zeros((side * side - len(images), size, size, 1), np.uint8)])
        sheet = padded.reshape(side, side, size, size).swapaxes(1, 2).reshape(side * size, side * size)
        Image.fromarray(255 - sheet).save(self.folder / "sprites.png")
        (self.folder / "captions.tsv").write_text("\n".join(captions) + "\n")
        np.savetxt(self.folder / "features.tsv", features, fmt="%.4g", delimiter="\t")
        page = projector.ProjectorConfig()
        embedding = page.embeddings.add(
            tensor_name="features", tensor_path="features.tsv", metadata_path="captions.tsv"
        )
        embedding.sprite.image_path = "sprites.png"
        embedding.sprite.single_image_dim.extend([size, size])
        projector.visualize_embeddings(str(self.folder), page)


def write_projector(board: Board, task: ModelTask, model: keras.Model) -> None:
    """Puts the codes of validation pictures of every class, with their thumbnails, on TensorBoard's projector page."""
    images, labels = task.data.part(VALIDATION)
    chosen = evenly_spread(labels, len(task.data.alphabet), PROJECTED)
    captions = [task.data.class_names[label] for label in labels[chosen]]
    board.project(task.features(model, images[chosen], labels[chosen]), images[chosen], captions)


def flat_settings(settings: dict, prefix: str = "") -> dict[str, float | int | str | bool]:
    """Nested settings as `model.code_size: 96`, values that TensorBoard's table cannot hold as JSON text."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= flat_settings(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value if isinstance(value, bool | int | float | str) else json.dumps(value)
    return flat
