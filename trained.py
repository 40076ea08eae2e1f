"""Trained models by name, opened as the kind that their cards say."""

from pathlib import Path

from generators import Generator, Writer
from readers import Recogniser, Translator
from runtime import CARD, TrainedModel, find_models, read_card
from shell import UserError

KINDS = {kind.task: kind for kind in (Recogniser, Translator, Writer, Generator)}
"""Kinds of trained models by the task on their cards."""


def open_model(name: str, models_dir: Path | None = None) -> Recogniser | Translator | Writer | Generator:
    """Opens a trained model as the kind that its card says it is.

    Raises:
        UserError: It is missing or damaged, or of an unknown kind.
    """
    models, kind = find_models(models_dir), TrainedModel
    if name in models:  # else the error is for `open` to tell
        card = models[name] / CARD
        task = read_card(card)["task"]
        if task not in KINDS:
            raise UserError(f"{card}: expected a model of a task among {', '.join(KINDS)}, received {task!r}; choose "
                            f"another model")  # fmt: skip
        kind = KINDS[task]
    return kind.open(name, models_dir)
