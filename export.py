"""The folder a trained model is handed over in: weights, ONNX files that were compared with Keras, and the card."""

import importlib
import json
import os
import platform
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

from config import RunConfig
from model_task import ModelTask
from pen_strokes import sha256_of
from run_settings import PLACES, from_settings, to_settings
from run_state import RunState, save_weights
from runtime import CARD, card_text, file_sha256, open_session
from shell import UserError, written_whole
from tasks import build_model, identity_of

LARGEST_DIFFERENCE = 1e-4
COMPARED = 64  # random pictures an exported file is compared with Keras on
EXPORTING = """
import sys
sys.path.insert(0, sys.argv[1])
from export import main
from shell import run_script
run_script(lambda: main(*sys.argv[2:]))
"""
"""What a process of its own runs, given the place of this file, the settings and the folder."""


def export_model(task: ModelTask, model: keras.Model, state: RunState) -> Path:
    """Writes `modelh5/NAME/`, as a whole or not at all.

    Raises:
        UserError: An exported file does not compute what the Keras model does.
    """
    run = task.run
    target = run.models_dir / run.name
    with written_whole(target) as folder:
        folder.mkdir()
        model = plain_copy(run, model)
        task.finish(model)
        save_weights(model, folder / f"{run.name}.weights.h5")
        pack(folder / f"{run.name}.weights.h5")
        if keras.backend.backend() == "tensorflow":
            export_parts(model, folder)
        else:
            export_apart(run, folder)
        hashes = {file.name: file_sha256(file) for file in sorted(folder.iterdir())}
        card = {**describe_run(task, model, state), "quality": {}, "files": hashes}
        (folder / CARD).write_text(card_text(card), encoding="utf-8")
    return target


def pack(path: Path) -> None:
    """Rewrites an HDF5 file with its arrays compressed, bytes of like weight together; it is read as before.

    An array is one chunk, which the formats since HDF5 1.10 need no index for: indices would take a tenth of the file.
    """
    import h5py

    packed = path.with_name(f"{path.name}.packed")
    with h5py.File(path) as given, h5py.File(packed, "w", libver=("v110", "v110")) as smaller:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = smaller.require_group(name)
            else:
                packing = {"chunks": item.shape, "compression": "gzip", "compression_opts": 9, "shuffle": True}
                made = smaller.create_dataset(name, data=item[()], **packing if item.size > 1 else {})
            made.attrs.update(item.attrs)

        smaller.attrs.update(given.attrs)
        given.visititems(copy)
    packed.replace(path)


def export_parts(model: keras.Model, folder: Path) -> None:
    """Exports every part that a user runs."""
    for name, part in model.parts().items():
        export_part(part, folder / f"{name}.onnx", model.index_limits)


def export_apart(run: RunConfig, folder: Path) -> None:
    """Exports in a process of its own on TensorFlow, the one backend whose ONNX export needs no further library."""
    command = [
        sys.executable,
        "-P",
        "-c",
        EXPORTING,
        str(Path(__file__).parent),
        json.dumps(to_settings(run)),
        str(folder),
    ]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}  # the GPU is the trainer's
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(f"{run.name}: the ONNX export failed: {reason}")


def plain_copy(run: RunConfig, model: keras.Model) -> keras.Model:
    """The model on one device, in float32, which ONNX runs everywhere, and without its optimizer's moments."""
    keras.distribution.set_distribution(None)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        copy = build_model(run)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(model.get_weights())
    return copy


def describe_run(task: ModelTask, model: keras.Model, state: RunState) -> dict:
    """What the card says of how the model came to be."""
    run, best, backend = task.run, state.history[state.best_epoch - 1], keras.backend.backend()
    return {
        "name": run.name,
        **task.card(model),
        "ink": "white (255) on black (0)",
        "config": {key: value for key, value in to_settings(run).items() if key not in PLACES},
        "data": {"name": task.data.name, "sha256": task.data.sha256}
        | ({"words": list(task.data.class_names)} if task.data.has_words else {})
        | ({"strokes_sha256": sha256_of(task.strokes)} if task.strokes else {})
        | (identity_of(task.reader) if task.reader else {}),
        "seed": run.seed,
        "epochs": {"trained": len(state.history), "best": state.best_epoch},
        "seconds": round(sum(row["seconds"] for row in state.history)),
        "validation": {name.removeprefix("val_"): value for name, value in best.items() if name.startswith("val_")},
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "backend": f"{backend} {importlib.import_module(backend).__version__}",
            **{library: version(library) for library in ("keras", "numpy", "pillow", "onnx", "onnxruntime")},
        },
    }


def export_part(part: keras.Model, path: Path, index_limits: dict[str, int]) -> None:
    """Exports a functional model to ONNX and compares the file with it on random input.

    `index_limits` says how many values each integer input has, but for pictures.
    An input of a fixed batch of one is a setting that callers may leave out: zeros are stored as its default.

    Raises:
        UserError: The largest difference is 1e-4 or more, of the largest output where that is over 1 (Keras exports
            some layers without a word and wrongly).
    """
    import onnx

    inputs = random_inputs(part, index_limits)
    with keras.device("cpu:0"):  # a GPU may multiply in 19 bits, and differ by more than a wrong layer does
        expected = part(inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of tf2onnx, about NumPy
        part.export(path, format="onnx", verbose=False)
    graph = onnx.load(path)
    for tensor in part.inputs:
        if tensor.shape[0] == 1:
            zeros = np.zeros(tensor.shape, tensor.dtype)
            graph.graph.initializer.append(onnx.numpy_helper.from_array(zeros, tensor.name))
    onnx.save(graph, path)
    session = open_session(path)
    names = [output.name for output in session.get_outputs()]
    fed = {tensor.name: value for tensor, value in zip(part.inputs, inputs, strict=True)}
    received = dict(zip(names, session.run(names, fed), strict=True))
    for name, value in expected.items():
        right = keras.ops.convert_to_numpy(value)
        difference = float(np.abs(received[name] - right).max() / max(1.0, np.abs(right).max()))
        if not difference < LARGEST_DIFFERENCE:
            raise UserError(f"{path.name}: output {name!r} differs from Keras by {difference:.2g}; expected less than "
                            f"{LARGEST_DIFFERENCE:g}; the model holds a layer that ONNX export gets wrong")  # fmt: skip


def random_inputs(part: keras.Model, index_limits: dict[str, int]) -> list[np.ndarray]:
    """Inputs of every kind a part takes, `COMPARED` at a time."""
    rng, inputs = np.random.default_rng(0), []
    for tensor in part.inputs:
        shape = (tensor.shape[0] or COMPARED, *tensor.shape[1:])
        if "int" in tensor.dtype:
            values = rng.integers(0, index_limits.get(tensor.name, 256), shape)
        else:
            values = rng.normal(size=shape)
        inputs.append(values.astype(tensor.dtype))
    return inputs


def main(settings: str, folder: str) -> None:
    """Exports the parts of a model from its settings and the weights in `folder`."""
    run = from_settings(json.loads(settings))
    model = build_model(run)
    model.load_weights(Path(folder) / f"{run.name}.weights.h5")
    export_parts(model, Path(folder))
