"""The layers of trained models: that they are those the model computes by, named, the right way round."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from activations import Activations, drawing_inputs, find_steps, label_of, reading_inputs
from generators import Generator
from glyph_sources import ModelGlyphs
from invented_glyphs import InventedGlyphs
from runtime import MODELS_DIR
from shell import UserError
from trained import open_model


@pytest.fixture(scope="module")
def writer():
    return open_model("cvae-digits", MODELS_DIR)


@pytest.fixture(scope="module")
def translator():
    return open_model("translator-digits", MODELS_DIR)


@pytest.fixture(scope="module")
def reader():
    return open_model("recogniser-digits", MODELS_DIR)


@pytest.fixture(scope="module")
def generator(smoke_gan):
    return open_model(smoke_gan.name, smoke_gan.parent)


@pytest.fixture
def glyph() -> np.ndarray:
    glyph = np.zeros((28, 28), np.uint8)
    glyph[6:20, 8:12] = 255
    return glyph


def ends(layers) -> list[str]:
    """The layers' names without their numbers."""
    return [layer.name.partition(" ")[2] for layer in layers]


def test_a_writers_layers_lead_from_the_style_to_the_very_picture_it_draws(writer):
    layers = Activations(writer).of(drawing_inputs(writer, "2", seed=5))
    assert [layer.name for layer in layers[:2]] == ["00 style", "01 dense"]
    assert {"convolution", "sum"} < set(ends(layers))
    assert (layers[-1].kind, ends(layers)[-1]) == ("picture", "image")
    drawn = ModelGlyphs(writer).draw(np.array([writer.alphabet.index("2")]), seed=5)[0]
    np.testing.assert_array_equal(np.round(255 * layers[-1].values), drawn)


def test_a_translators_layers_are_those_it_reads_and_sets_by(translator, glyph):
    layers = {layer.name[3:]: layer for layer in Activations(translator).of(reading_inputs(glyph))}
    set_in_type, probabilities = translator.translate(glyph[None, ..., None])
    assert layers["softmax"].values.argmax() == layers["logits"].values.argmax() == probabilities.argmax()
    np.testing.assert_allclose(layers["glyph"].values, set_in_type[0], atol=1e-5)
    np.testing.assert_allclose(layers["image"].values[..., 0], glyph / 255, atol=1e-6)
    assert "code" in layers


def test_a_readers_layers_are_numbered_in_the_order_of_computation(reader, glyph):
    layers = Activations(reader).of(reading_inputs(glyph))
    assert [int(layer.name[:2]) for layer in layers] == list(range(len(layers)))
    assert ends(layers)[-2:] == ["features", "logits"]
    reading = reader.recognise(glyph[None, ..., None])
    np.testing.assert_allclose(layers[-2].values, reading.features[0], rtol=1e-4, atol=1e-5)
    sides = [layer.values.shape[0] for layer in layers if layer.values.ndim == 3]
    assert sides == sorted(sides, reverse=True)


def test_maps_are_the_right_way_round(reader, glyph):
    activations = Activations(reader)
    here, right, below = (activations.of(reading_inputs(np.roll(glyph, 4, axis)))[1].values for axis in ((), 1, 0))
    stride = 28 // len(here)
    inner = slice(2, -2)  # at the edge it is another picture
    for moved, axis in ((right, 1), (below, 0)):
        expected = np.roll(here, 4 // stride, axis)
        np.testing.assert_allclose(moved[inner, inner], expected[inner, inner], atol=1e-4)


def test_pooling_is_a_layer_without_a_made_up_name():
    judge = open_model("judge-digits", MODELS_DIR)
    layers = Activations(judge).of(reading_inputs(np.zeros((28, 28), np.uint8)))
    assert ends(layers)[1:5] == ["convolution", "pooling"] * 2


def test_a_generators_layers_are_those_it_comes_with(generator):
    inputs = drawing_inputs(generator, "2", seed=5)
    layers = Activations(generator).of(inputs)
    assert ends(layers)[:3] == ["noise", "label weights", "code"]
    for layer, value in zip(layers[2:], generator.layers(**inputs).values(), strict=True):
        np.testing.assert_array_equal(layer.values, value[0])
    drawn = InventedGlyphs(generator).draw(np.array([2]), seed=5)[0]
    assert np.abs(255 * layers[-1].values - drawn).max() <= 0.51


def test_a_generator_that_comes_without_layers_is_opened_up(generator):
    inputs = drawing_inputs(generator, "2", seed=5)
    files = {file: sha256 for file, sha256 in generator.card["files"].items() if file != "layers.onnx"}
    layers = Activations(Generator(generator.folder, {**generator.card, "files": files})).of(inputs)
    assert {"convolution", "dense"} < set(ends(layers))
    np.testing.assert_allclose(layers[-1].values, generator.invent(**inputs)[0], atol=1e-5)


def test_a_model_that_is_told_no_character_needs_none_and_takes_none(generator):
    plain = replace(generator, card={**generator.card, "labelled": False})
    assert list(drawing_inputs(plain, None, seed=5)) == ["noise"]
    with pytest.raises(UserError, match="--seed alone draws"):
        drawing_inputs(plain, "2", seed=5)


@pytest.mark.parametrize("character", ["a", "", "22", None])
def test_a_character_that_is_not_in_the_alphabet_is_refused(writer, character):
    with pytest.raises(UserError, match="expected one of '0123456789', which cvae-digits knows, received"):
        label_of(writer, character)


def test_threads_may_ask_at_a_time(writer):
    activations = Activations(writer)
    asked = [drawing_inputs(writer, character, seed=1) for character in "01234567"]
    alone = [activations.of(inputs)[-1].values for inputs in asked]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(activations.of, asked))
    for values, layers in zip(alone, together, strict=True):
        np.testing.assert_array_equal(layers[-1].values, values)


# ---------------------------------------------------------------------------------------------------- graphs by hand


def graph_of(*nodes: tuple[str, str, str], outputs: str = "y") -> onnx.GraphProto:
    """A graph of nodes `(operator, inputs, output)`, names one letter each; capital letters are weights."""
    made = [helper.make_node(operator, list(inputs), [output], name=f"model/part/layer_{k}/{operator}")
            for k, (operator, inputs, output) in enumerate(nodes)]  # fmt: skip
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)]
    return helper.make_graph(
        made, "g", given, [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs]
    )


def found(*nodes: tuple[str, str, str], outputs: str = "y") -> list[tuple[str, str]]:
    return [(step.kind, step.tensor) for step in find_steps(graph_of(*nodes, outputs=outputs))]


def test_a_layer_is_shown_after_its_activation():
    assert found(("Conv", "xW", "a"), ("Mul", "aS", "b"), ("Relu", "b", "y")) == [("convolution", "y")]
    swish = ("Conv", "xW", "a"), ("Sigmoid", "a", "b"), ("Mul", "ab", "c"), ("MatMul", "cV", "y")
    assert found(*swish) == [("convolution", "c"), ("dense", "y")]


def test_the_sum_of_two_layers_is_a_layer_and_that_of_a_layer_and_a_bias_is_none():
    two = ("Conv", "xW", "a"), ("Conv", "aV", "b"), ("Add", "ab", "y")
    assert found(*two) == [("convolution", "a"), ("convolution", "b"), ("sum", "y")]
    assert found(("MatMul", "xW", "a"), ("Add", "aB", "y")) == [("dense", "y")]


def test_a_flattened_map_is_shown_unflattened():
    flat = ("Conv", "xW", "a"), ("Relu", "a", "b"), ("Flatten", "b", "c"), ("MatMul", "cV", "y")
    assert found(*flat) == [("convolution", "b"), ("dense", "y")]


def test_an_output_of_the_model_is_shown_as_it_is_and_by_its_name():
    prior = ("MatMul", "xW", "y"), ("Add", "yP", "a"), ("Softmax", "a", "z")
    assert found(*prior, outputs="yz") == [("dense", "y"), ("softmax", "z")]
    assert [step.name for step in find_steps(graph_of(*prior, outputs="yz"))] == ["y", "z"]
