"""Trained models by name, opened as the kind that their cards say."""

from pathlib import Path

from generators import Generator, Writer
from readers import Recogniser, Translator
from runtime import CARD, find_model, read_card
from shell import UserError

KINDS = {kind.task: kind for kind in (Recogniser, Translator, Writer, Generator)}
"""Kinds of trained models by the task on their cards."""


def open_model(name: str, models_dir: Path | None = None) -> Recogniser | Translator | Writer | Generator:
    """Opens a trained model as the kind that its card says it is.

    Raises:
        UserError: It is missing or damaged, or of an unknown kind.
    """
    folder = find_model(name, models_dir)
    task = read_card(folder / CARD)["task"]
    if task not in KINDS:
        raise UserError(f"{folder / CARD}: expected a model of a task among {', '.join(KINDS)}, received {task!r}; "
                        f"choose another model")  # fmt: skip
    return KINDS[task].of_folder(folder)
