"""Where a training run stands, on disk: what lets `kill -9` and the same line again end with the very same weights.

An epoch is committed by one rename of `state/epoch-0007/`, which holds the weights, the optimizer's moments and the
history so far. Everything else a run needs (shuffling, noise, best epoch, patience) is a function of that and the seed.
"""

import contextlib
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from averaging import averaged_weights
from config import RunConfig
from run_settings import PLACES, from_settings, to_settings
from shell import UserError, written_whole

if TYPE_CHECKING:
    import keras

MONITOR = "val_loss"


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
        self.settings = {key: value for key, value in to_settings(run).items() if key not in PLACES}
        self._refuse_finished_or_other()
        self.history: list[dict[str, float]] = []

    def _refuse_finished_or_other(self, **facts: str) -> None:
        if (self.folder / "finished.json").exists():
            raise UserError(f"{self.folder}: holds a finished run; expected a new or an interrupted one; "
                            f"give another --name, or delete that folder to train again")  # fmt: skip
        record = self.folder / "config.json"
        begun = self._completed(json.loads(record.read_text())) if record.exists() else {}
        for key, value in {**self.settings, **facts}.items():
            if key in begun and begun[key] != value:
                raise UserError(f"{self.folder}: holds an interrupted run begun with {key}={begun[key]!r}; received "
                                f"{key}={value!r}; use the same, another --name, or delete that folder")  # fmt: skip

    def _completed(self, begun: dict) -> dict:
        """What a run was begun with; settings that were not known yet are at their defaults, as if they had been."""
        known = {key: value for key, value in begun.items() if key in self.settings}
        with contextlib.suppress(ValueError):  # then they differ, and are shown as they are
            begun |= {key: value for key, value in to_settings(from_settings(known)).items() if key not in PLACES}
        return begun

    @contextlib.contextmanager
    def claimed(self, **facts: str) -> Iterator[None]:
        """Holds the run for this process, once it is known that it can be trained.

        Args:
            facts: What else must stay the same for the run to go on, such as the hash of the data.

        Raises:
            UserError: Another process trains it, or one of the facts has changed.
        """
        self._refuse_finished_or_other(**facts)
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as lock:
            lock_or_refuse(lock, self.folder)
            with written_whole(self.folder / "config.json") as draft:
                draft.write_text(json.dumps({**self.settings, **facts}, indent=1))
            self.history = self._read_history()  # only now can no other process add to it
            try:
                yield
            except UserError:
                if not self._saved():  # it never began: whoever mends the mistake may change any setting
                    (self.folder / "config.json").unlink(missing_ok=True)
                raise

    def _read_history(self) -> list[dict[str, float]]:
        """The history that the last committed epoch holds; empty before the first."""
        for saved in self._saved()[-1:]:
            try:
                return json.loads((saved / "history.json").read_text())
            except (OSError, ValueError) as error:
                raise UserError(f"{saved}: expected an epoch's state, received something damaged; delete "
                                f"{self.folder} to train anew") from error  # fmt: skip
        return []

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

    def restore(self, model: "keras.Model") -> None:
        """Brings model and optimizer to the last committed epoch."""
        for saved in self._saved()[-1:]:
            model.optimizer.build(model.trainable_variables)  # else its moments have no place to be loaded to
            model.load_weights(saved / "run.weights.h5")

    def commit(self, model: "keras.Model", logs: dict[str, float]) -> None:
        """Makes the epoch just done the one a restart goes on from.

        Raises:
            UserError: The loss is no number any more.
        """
        if not math.isfinite(logs[MONITOR]):
            raise UserError(f"{self.folder.name}: the training diverged in epoch {len(self.history) + 1} ({MONITOR}="
                            f"{logs[MONITOR]}); start anew with a lower --learning-rate")  # fmt: skip
        self.history.append({name: float(value) for name, value in logs.items()})
        epoch = len(self.history)
        if self.best_epoch == epoch:
            with averaged_weights(model), written_whole(self._best_file(epoch)) as draft:
                save_weights(model, draft)
        with written_whole(self.folder / "state" / f"epoch-{epoch:04d}") as draft:
            draft.mkdir()
            save_weights(model, draft / "run.weights.h5")
            (draft / "history.json").write_text(json.dumps(self.history))
        self._forget_older()

    def load_best(self, model: "keras.Model") -> None:
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

    def _forget_older(self) -> None:
        for saved in self._saved()[:-1]:
            shutil.rmtree(saved)
        for file in (self.folder / "state").glob("best-*.weights.h5"):
            if file != self._best_file(self.best_epoch):
                file.unlink()
        for litter in (self.folder / "state").glob(".*"):  # drafts of a process that was killed
            shutil.rmtree(litter, ignore_errors=True)


def lock_or_refuse(lock, folder: Path) -> None:
    """Locks an open file for as long as it stays open; the system unlocks it when the process ends, however it ends.

    Raises:
        UserError: Another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows: two processes on one run are not told apart there
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"{folder}: another process is training this run; wait for it, or give another --name"
        ) from None


def save_weights(model: "keras.Model", path: Path) -> None:
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
