"""The pictures of layers: all channels, in colours that tell values, in a place for each layer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activations import Layer
from layer_figure import COOL, FRAME, GAP, PAGE, TEXT, WARM, ZERO, Scene, draw_frames, draw_layer, draw_sheet, grid_for


@pytest.fixture
def scene() -> Scene:
    rng = np.random.default_rng(0)
    layers = [
        Layer("00 style", "input", rng.normal(size=24).astype(np.float32)),
        Layer("01 convolution", "convolution", rng.normal(size=(7, 7, 40)).astype(np.float32)),
        Layer("02 logits", "dense", rng.normal(size=10).astype(np.float32)),
        Layer("03 image", "picture", rng.random((28, 28, 1)).astype(np.float32)),
    ]
    return Scene(layers, "mine", "draws '2', seed 5", "0123456789")


def colours(picture) -> set[tuple[int, ...]]:
    return set(map(tuple, np.asarray(picture).reshape(-1, 3).tolist()))


@given(side=st.integers(1, 64), channels=st.integers(1, 600), width=st.integers(64, 1500), height=st.integers(64, 600))
def test_tiles_stay_in_their_space_and_all_channels_are_there_if_they_can(side, channels, width, height):
    factor, columns, rows = grid_for((side, side, channels), width, height)
    pitch = factor * side + GAP
    assert factor >= 1
    assert columns * pitch <= width + GAP
    assert rows * pitch <= height + GAP
    if columns * rows < channels:  # not even the smallest tiles would do
        assert factor == 1
        assert ((width + GAP) // (side + GAP)) * ((height + GAP) // (side + GAP)) < channels


def test_every_channel_is_there_in_whole_squares():
    values = np.arange(1, 7, dtype=np.float32).reshape(1, 1, 6)
    panel = np.asarray(draw_layer(Layer("01 sum", "sum", values), "", 200, 100))
    factor, columns, rows = grid_for(values.shape, 200, 100)
    for channel in range(6):
        row, column = divmod(channel, columns)
        square = panel[row * (factor + GAP) :, column * (factor + GAP) :][:factor, :factor].reshape(-1, 3)
        assert len(square) == factor**2
        assert len(np.unique(square, axis=0)) == 1
    assert rows * columns == 6


def test_colours_tell_what_is_above_and_below_0():
    values = np.zeros((3, 1, 1), np.float32)
    values[0], values[2] = 4, -4
    panel = np.asarray(draw_layer(Layer("01 sum", "sum", values), "", 50, 90))
    assert [tuple(panel[y, 0]) for y in (0, 45, 89)] == [WARM[-1], ZERO, COOL[0]]


def test_a_layer_of_zeros_is_dark():
    assert colours(draw_layer(Layer("01 sum", "sum", np.zeros((2, 2, 1), np.float32)), "", 50, 50)) == {ZERO}


def test_one_outlier_does_not_darken_the_rest():
    values = np.ones((28, 28, 1), np.float32)
    values[0, 0] = 1000
    assert colours(draw_layer(Layer("01 sum", "sum", values), "", 60, 60)) == {WARM[-1]}


def test_pictures_are_grey():
    ramp = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4, 1)
    shades = colours(draw_layer(Layer("01 image", "picture", ramp), "", 60, 60))
    assert {(0, 0, 0), (255, 255, 255)} < shades
    assert all(len(set(shade)) == 1 for shade in shades)


def test_bars_go_up_above_0_and_down_below():
    panel = np.asarray(draw_layer(Layer("01 dense", "dense", np.array([1, -1, 0], np.float32)), "", 60, 60))
    up, down, none = panel[:, 5], panel[:, 25], panel[:, 45]
    warm, cool = np.flatnonzero((up == WARM[1]).all(1)), np.flatnonzero((down == COOL[1]).all(1))
    assert warm.max() <= cool.min() + 1
    assert not ((none == WARM[1]) | (none == COOL[1])).all(1).any()


def test_more_values_than_a_row_holds_go_to_the_next():
    values = np.ones(1000, np.float32)
    panel = np.asarray(draw_layer(Layer("01 dense", "dense", values), "", 300, 200))
    filled = (panel == WARM[1]).all(2)
    assert filled.any(axis=0).sum() > 150
    assert np.diff(filled[:, 0].astype(int)).clip(0).sum() == 10  # rows of 100 bars


@pytest.mark.parametrize(("name", "named"), [("07 logits", True), ("07 dense", False)])
def test_values_of_labels_bear_their_characters_and_the_largest_stands_out(name, named):
    values = np.arange(10, dtype=np.float32)
    panel = draw_layer(Layer(name, "dense", values), "0123456789", 600, 100)
    assert (TEXT in colours(panel)) == named


def test_the_sheet_has_all_layers(scene):
    whole = draw_sheet(scene)
    fewer = draw_sheet(Scene(scene.layers[:2], scene.title, scene.subtitle, scene.alphabet))
    assert whole.width == fewer.width > 1500
    assert whole.height > fewer.height + 300
    assert whole.getpixel((0, 0)) == PAGE


def test_each_frame_shows_its_layer_and_where_it_stands(scene):
    frames = draw_frames(scene)
    assert [frame.size for frame in frames] == [FRAME] * 4
    marked = [np.flatnonzero((np.asarray(frame)[620:] == WARM[1]).all(2).sum(axis=0) > 55).min() for frame in frames]
    assert marked == sorted(set(marked))


def test_many_layers_still_fit_the_row_of_all(scene):
    many = Scene(list(scene.layers) * 10, scene.title, scene.subtitle, scene.alphabet)
    assert len(draw_frames(many)) == 40
