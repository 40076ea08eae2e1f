"""Trained folders as a test wants them: changed on their cards, or damaged where nobody looks."""

import json
from pathlib import Path

import numpy as np

from runtime import CARD, file_sha256


def card_of(folder: Path) -> dict:
    return json.loads((folder / CARD).read_text(encoding="utf-8"))


def change_card(folder: Path, **changes) -> None:
    """Changes fields of a card; None takes one away."""
    card = {field: value for field, value in (card_of(folder) | changes).items() if value is not None}
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")


def fill_with_nan(folder: Path, file: str) -> None:
    """Makes NaN of the weights of a network; the card knows the file."""
    import onnx

    graph = onnx.load(folder / file)
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim > 1:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full_like(values, np.nan), tensor.name))
    onnx.save(graph, folder / file)
    change_card(folder, files=card_of(folder)["files"] | {file: file_sha256(folder / file)})
