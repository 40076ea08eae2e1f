"""A trained folder of a generator in closed form, made in no time: it sets type, which its noise makes paler."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from config import DIGITS
from runtime import CARD, file_sha256
from synthetic_image_generator import render_alphabet

SIDE = 28


def type_of(alphabet: str) -> np.ndarray:
    """What it draws at its darkest, float32 `(K, S, S, 1)`."""
    return render_alphabet("DejaVu Sans", alphabet).astype(np.float32) / 255


def write_generator(models_dir: Path, name: str, alphabet: str = DIGITS, labelled: bool = True) -> Path:
    """Writes `models_dir/name/`: characters mixed by their weights, or, not labelled, that of the highest noise.

    The first number of the noise z makes them sigmoid(z) times as dark as type.
    """
    folder = models_dir / name
    folder.mkdir(parents=True)
    onnx.save(_graph(alphabet, labelled), folder / "generator.onnx")
    card = {
        "name": name,
        "task": "invent",
        "alphabet": alphabet,
        "image_size": SIDE,
        "noise_size": len(alphabet),
        "labelled": labelled,
        "files": {"generator.onnx": file_sha256(folder / "generator.onnx")},
    }
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")
    return folder


def _graph(alphabet: str, labelled: bool) -> onnx.ModelProto:
    count = len(alphabet)
    constants = {
        "type": type_of(alphabet).reshape(count, -1),
        "first": np.eye(count, 1, dtype=np.float32),
        "sharpness": np.array(1e6, np.float32),
        "shape": np.array([-1, SIDE, SIDE, 1]),
    }
    nodes = [
        *([] if labelled else [helper.make_node("Mul", ["noise", "sharpness"], ["scores"])]),
        *([] if labelled else [helper.make_node("Softmax", ["scores"], ["label_weights"])]),
        helper.make_node("MatMul", ["label_weights", "type"], ["dark"]),
        helper.make_node("MatMul", ["noise", "first"], ["number"]),
        helper.make_node("Sigmoid", ["number"], ["shade"]),
        helper.make_node("Mul", ["dark", "shade"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["image"]),
    ]
    inputs = ["noise", "label_weights"][: 1 + labelled]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", count]) for name in inputs],
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", SIDE, SIDE, 1])],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
