"""Trained models by name: opened as the kind that is wanted, or as the kind that their cards say."""

from pathlib import Path
from typing import TypeVar

from config import PRESETS
from runtime import (
    CARD,
    Generator,
    Recogniser,
    TrainedModel,
    Translator,
    Writer,
    find_models,
    model_places,
    read_card,
)
from shell import UserError

KINDS = {kind.task: kind for kind in (Recogniser, Translator, Writer, Generator)}
"""Kinds of trained models by the task on their cards."""

Model = TypeVar("Model", bound=TrainedModel)


def open_trained(kind: type[Model], name: str, models_dir: Path | None = None) -> Model:
    """Opens a trained model; where it could be but was not trained yet, the error tells the command."""
    if name in PRESETS and name not in find_models(models_dir):
        places = " or ".join(map(str, model_places(models_dir)))
        raise UserError(f"model {name!r}: not found in {places}; train it: python train.py {name}")
    return kind.open(name, models_dir)


def open_model(name: str, models_dir: Path | None = None) -> Recogniser | Translator | Writer | Generator:
    """Opens a trained model as the kind that its card says it is.

    Raises:
        UserError: It is missing, not trained yet, or damaged, or of an unknown kind.
    """
    models, kind = find_models(models_dir), TrainedModel
    if name in models:  # else the error is for `open_trained` to tell
        card = models[name] / CARD
        task = read_card(card)["task"]
        if task not in KINDS:
            raise UserError(f"{card}: expected a model of a task among {', '.join(KINDS)}, received {task!r}; choose "
                            f"another model")  # fmt: skip
        kind = KINDS[task]
    return open_trained(kind, name, models_dir)
