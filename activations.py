"""What every layer of a trained model makes of one input. NumPy, onnx and onnxruntime only.

>>> writer = Writer.open("cvae-digits")
>>> [layer.name for layer in Activations(writer).of(drawing_inputs(writer, "2", seed=5))]
['00 style', '01 dense', ..., '08 image']
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from checks import unit_range
from config import in_words
from generators import Generator, Writer
from glyph_sources import TEMPERATURE, NoiseGlyphs
from runtime import TrainedModel, open_session
from shell import UserError

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

STEPS = {
    **dict.fromkeys(("Conv", "ConvTranspose"), "convolution"),
    **dict.fromkeys(("MatMul", "Gemm"), "dense"),
    **dict.fromkeys(("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"), "pooling"),
    "Softmax": "softmax",
}
"""Operators of ONNX that begin a layer, and its name by them; whatever follows up to the next belongs to it."""
MOVES = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Cast"}  # values, without changing them
CHANNELS_FIRST = (0, 3, 1, 2)  # the order of axes that brings Keras's pictures to ONNX's
MADE_UP = {
    *("conv2d", "conv2d_transpose", "dense", "max_pooling2d", "average_pooling2d", "batch_normalization"),
    *("re_lu", "leaky_re_lu", "activation", "add"),
}  # names that Keras gives by itself, before their numbers
PICTURES = ("image", "glyph")  # names of what is a picture


class Layer(NamedTuple):
    """What a layer makes of one input."""

    name: str
    """Its number in the order of computation, and what it is: `03 convolution`. Inputs have the number 00."""
    kind: str
    """`convolution`, `dense`, `sum` and the like, `input`, or `picture`, whose values are in [0, 1]."""
    values: np.ndarray
    """float32 `(H, W, C)`, or `(C,)` where it has no places."""


class Step(NamedTuple):
    """A layer in a graph: the tensor that shows it best."""

    kind: str
    tensor: str
    name: str = ""  # telling, as somebody gave it; else empty
    channels_first: bool = False


def drawing_inputs(model: Writer | Generator, character: str | None, seed: int) -> dict[str, np.ndarray]:
    """What a model that draws is told, of the noise that `glyph_sources.py` draws the first character of a seed of.

    Args:
        character: `None` for a model that is told none.

    Raises:
        UserError: The model does not know the character, or needs one, or takes none.
    """
    size = model.latent_size if isinstance(model, Writer) else model.noise_size
    noise = NoiseGlyphs(model, size, (), TEMPERATURE).noise(1, seed)
    if isinstance(model, Generator) and not model.labelled:
        if character is not None:
            raise UserError(f"--character {character!r}: {model.card['name']} is told none, it draws whichever it "
                            f"likes; leave it out, --seed alone draws")  # fmt: skip
        return {"noise": noise}
    labels = np.array([label_of(model, character)], np.int32)
    if isinstance(model, Generator):
        return {"noise": noise, "label_weights": model.label_weights(labels)}
    return {"style": model.styles(noise, labels), "label": labels}


def reading_inputs(glyph: np.ndarray) -> dict[str, np.ndarray]:
    """What a model that reads is shown, a glyph uint8 `(S, S)`; a translator sets it in its first font."""
    return {"image": glyph[None, ..., None], "font": np.zeros(1, np.int32)}


def label_of(model: TrainedModel, character: str | None) -> int:
    """Where a character is in the model's alphabet.

    Raises:
        UserError: It is not there.
    """
    if character is None or len(character) != 1 or character not in model.alphabet:
        received = "none" if character is None else repr(character)
        raise UserError(f"--character: expected one of {in_words(model.alphabet)}, which {model.card['name']} knows, "
                        f"received {received}; choose one of them")  # fmt: skip
    return model.alphabet.index(character)


class Activations:
    """The layers of a trained model, ready to be looked at; several threads may ask at a time.

    Args:
        model: Of any kind; of a conditional VAE its decoder is shown, of a GAN its generator.
    """

    def __init__(self, model: TrainedModel):
        self.model = model
        if model.has_part("layers"):
            self.session = model.session_of("layers")
            names = sorted(tensor.name for tensor in self.session.get_outputs())  # they begin with numbers
            self.steps = [Step(name.partition("_")[2], name) for name in names]
        else:
            part = "decoder.onnx" if isinstance(model, Writer) else model.parts[0]
            self.steps, self.session = _opened_up(model.folder / part)

    def of(self, inputs: dict[str, np.ndarray]) -> list[Layer]:
        """The inputs that have places or channels, then every layer, in the order of computation.

        Args:
            inputs: By name, `(1, ...)` each, as `drawing_inputs` and `reading_inputs` make them.

        Raises:
            UserError: The model is damaged: it answers with something that is no number.
        """
        taken = {tensor.name: inputs[tensor.name] for tensor in self.session.get_inputs() if tensor.name in inputs}
        results = self.session.run([step.tensor for step in self.steps], taken)
        self.model.refuse_nan(*results)
        given = [_layer(Step("input", name, name), 0, value) for name, value in taken.items() if value.ndim > 1]
        made = [_layer(*shown) for shown in zip(self.steps, range(1, len(results) + 1), results, strict=True)]
        return given + made


def _layer(step: Step, number: int, value: np.ndarray) -> Layer:
    """A layer of its tensor `(1, ...)`."""
    values = np.moveaxis(value[0], 0, -1) if step.channels_first and value.ndim == 4 else value[0]
    values = unit_range(values) if values.dtype == np.uint8 else values.astype(np.float32)
    name = (step.name or step.kind).replace("_", " ")
    return Layer(f"{number:02} {name}", "picture" if name in PICTURES else step.kind, values)


def _opened_up(path: Path) -> tuple[list[Step], object]:
    """Layers of an ONNX file, and a session of it with all of them for outputs."""
    import onnx  # loaded here: a web server has no need of it until somebody looks

    network = onnx.load(path)
    steps = find_steps(network.graph)
    known = {output.name for output in network.graph.output}
    inner = [step.tensor for step in steps if step.tensor not in known]
    network.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in inner)
    return steps, open_session(network.SerializeToString())


def find_steps(graph: "GraphProto") -> list[Step]:
    """The tensors of a graph that are worth a look, in the order of computation, one a layer.

    A layer begins with one of `STEPS`, or with the sum of what two layers made, and has its say after all that only
    scales, shifts or bends its values: normalisation, a style, an activation. An output of the graph is shown as it is.
    """
    outputs, steps = {output.name for output in graph.output}, []
    places: dict[str, tuple[int, bool]] = {}  # of a tensor: in which layer, and whether channels come first
    for node in graph.node:
        before = [places[tensor] for tensor in node.input if tensor in places]
        kind = _begun_by(node, {step for step, _ in before})
        if not (kind or before) or node.op_type == "Shape":
            continue
        if kind:
            steps.append(Step(kind, ""))
        place = len(steps) - 1 if kind else max(before)[0]
        channels_first = _channels_first(node, before)
        for tensor in node.output:
            places[tensor] = place, channels_first
        tensor, step = node.output[0], steps[place]
        if tensor in outputs or (node.op_type not in MOVES and step.tensor not in outputs):
            name = tensor if tensor in outputs else _given_name(node.name)
            steps[place] = Step(step.kind, tensor, name, channels_first)
    return steps


def _begun_by(node: "NodeProto", layers: set[int]) -> str | None:
    """What kind of layer a node begins, if any, that takes what some layers made."""
    return "sum" if node.op_type == "Add" and len(layers) > 1 else STEPS.get(node.op_type)


def _channels_first(node: "NodeProto", before: list[tuple[int, bool]]) -> bool:
    """Whether what a node gives has its channels before its places, as ONNX convolves, or after, as Keras does."""
    if node.op_type == "Transpose":
        return tuple(next(iter(node.attribute)).ints) == CHANNELS_FIRST
    if node.op_type == "Reshape" or STEPS.get(node.op_type) in ("dense", "softmax"):
        return False
    return STEPS.get(node.op_type) in ("convolution", "pooling") or any(first for _, first in before)


def _given_name(node: str) -> str:
    """The name that somebody gave a layer, of a node's, `MODEL/PART/LAYER/OPERATION`; empty where Keras made it up."""
    parts = node.split("/")
    name = parts[2].rstrip("0123456789").rstrip("_") if len(parts) > 3 else ""  # made unique by numbers
    return "" if name.rstrip("0123456789").rstrip("_") in MADE_UP else name
