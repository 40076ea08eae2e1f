"""Where a training run stands, on disk: what lets `kill -9` and the same line again end with the very same weights.

An epoch is committed by one rename of `state/epoch-0007/`, which holds the weights, the optimizer's moments and the
history so far. Everything else a run needs (shuffling, noise, best epoch, patience) is a function of that and the seed.
"""

import contextlib
import json
import math
import shutil
from pathlib import Path

import keras

from config import RunConfig, to_settings
from shell import UserError, written_whole

MONITOR = "val_loss"
PLACES = ("data_dir", "logs_dir", "images_dir", "models_dir")  # may differ where a run goes on


class RunState:
    """The committed epochs of one run.

    Args:
        run: The resolved configuration; it must be the one the run was begun with.

    Raises:
        UserError: The run is already finished, or was begun with other settings.
    """

    def __init__(self, run: RunConfig):
        self.folder = run.logs_dir / run.name
        self.patience, self.epochs = run.patience, run.epochs
        self._claim(run)
        self.history: list[dict[str, float]] = []
        for saved in self._saved():
            self.history = json.loads((saved / "history.json").read_text())

    def _claim(self, run: RunConfig) -> None:
        if (self.folder / "finished.json").exists():
            raise UserError(f"{self.folder}: holds a finished run; expected a new or an interrupted one; "
                            f"give another --name, or delete that folder to train again")  # fmt: skip
        record, settings = self.folder / "config.json", to_settings(run)
        if record.exists():
            begun = json.loads(record.read_text())
            changed = [key for key in settings if key not in PLACES and begun.get(key) != settings[key]]
            if changed:
                key = changed[0]
                raise UserError(f"{self.folder}: holds an interrupted run begun with {key}={begun.get(key)!r}; "
                                f"received {key}={settings[key]!r}; use the same settings, another --name, or "
                                f"delete that folder")  # fmt: skip
        else:
            with written_whole(record) as draft:
                draft.write_text(json.dumps(settings, indent=1))

    @property
    def best_epoch(self) -> int:
        """Number, from 1, of the epoch with the lowest validation loss so far; 0 before the first."""
        losses = [row[MONITOR] for row in self.history]
        return losses.index(min(losses)) + 1 if losses else 0

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or `patience` of them brought nothing."""
        done = len(self.history)
        return done >= self.epochs or done - self.best_epoch >= self.patience

    def restore(self, model: keras.Model) -> None:
        """Brings model and optimizer to the last committed epoch."""
        for saved in self._saved()[-1:]:
            model.optimizer.build(model.trainable_variables)  # else its moments have no place to be loaded to
            model.load_weights(saved / "run.weights.h5")

    def commit(self, model: keras.Model, logs: dict[str, float]) -> None:
        """Makes the epoch just done the one a restart goes on from."""
        self.history.append({name: float(value) for name, value in logs.items()})
        epoch = len(self.history)
        if self.best_epoch == epoch:
            with written_whole(self._best_file(epoch)) as draft:
                save_weights(model, draft)
        with written_whole(self.folder / "state" / f"epoch-{epoch:04d}") as draft:
            draft.mkdir()
            save_weights(model, draft / "run.weights.h5")
            (draft / "history.json").write_text(json.dumps(self.history))
        self._forget_older(epoch)

    def load_best(self, model: keras.Model) -> None:
        """Puts the weights of the best epoch into the model."""
        model.load_weights(self._best_file(self.best_epoch))

    def finish(self) -> None:
        """Marks the run as done and drops what only a restart would need."""
        with written_whole(self.folder / "finished.json") as draft:
            draft.write_text(json.dumps({"best_epoch": self.best_epoch, "history": self.history}, indent=1))
        shutil.rmtree(self.folder / "state")

    def _saved(self) -> list[Path]:
        return sorted((self.folder / "state").glob("epoch-????"))

    def _best_file(self, epoch: int) -> Path:
        return self.folder / "state" / f"best-{epoch:04d}.weights.h5"

    def _forget_older(self, epoch: int) -> None:
        for saved in self._saved()[:-1]:
            shutil.rmtree(saved)
        for file in (self.folder / "state").glob("best-*.weights.h5"):
            if file != self._best_file(self.best_epoch):
                file.unlink()
        for litter in (self.folder / "state").glob(".*"):  # drafts of a process that was killed
            with contextlib.suppress(OSError):
                shutil.rmtree(litter)


def save_weights(model: keras.Model, path: Path) -> None:
    """Saves the weights, and the optimizer's moments where there is one, to a `.weights.h5` file.

    Raises:
        OSError: The disk is full. HDF5 itself would crash the interpreter then, so the room is tried out first.
    """
    optimizer = getattr(model, "optimizer", None)  # none before `compile`
    variables = model.variables + (optimizer.variables if optimizer else [])
    room = 1_000_000 + sum(5 * math.prod(variable.shape) for variable in variables)  # float32 and HDF5's bookkeeping
    path.write_bytes(bytes(room))
    path.unlink()
    model.save_weights(path)
