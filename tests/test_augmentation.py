"""How training pictures are moved, bent, thickened and made into non-characters."""

import keras
import numpy as np
import pytest

from augmentation import SAMPLINGS, RandomGrain, RandomStrays, RandomStroke, RandomWarp, augmented, sampled, soiled
from config import AugmentConfig

STILL = {"rotation": 0.0, "shift": 0.0, "zoom": 0.0, "shear": 0.0}


def test_augmentation_rests_outside_training_and_at_zero():
    images = written(20)
    moving = RandomWarp(AugmentConfig(), seed=1)
    np.testing.assert_array_equal(moving(images, training=False), images)
    still = RandomWarp(AugmentConfig(**STILL), seed=1)
    np.testing.assert_allclose(still(images, training=True), images, atol=1e-3)
    assert np.abs(keras.ops.convert_to_numpy(moving(images, training=True)) - images).mean() > 1


def moved_square(change: dict) -> tuple[np.ndarray, np.ndarray]:
    """Second moments `(200, 2, 2)` and centres `(200, 2)`, rows before columns, of a 6x12 bar moved 200 times."""
    image = np.zeros((200, 28, 28, 1), "float32")
    image[:, 11:17, 8:20] = 255
    moved = keras.ops.convert_to_numpy(RandomWarp(AugmentConfig(**STILL | change), seed=2)(image, training=True))
    weights = moved[..., 0] / moved.sum(axis=(1, 2, 3), keepdims=True)[..., 0]
    axes = np.stack(np.mgrid[:28, :28] - 13.5)  # (2, 28, 28)
    centres = np.einsum("nhw,ahw->na", weights, axes)
    return np.einsum("nhw,ahw,bhw->nab", weights, axes, axes) - centres[:, :, None] * centres[:, None], centres


@pytest.mark.parametrize("change", [{"rotation": 90.0}, {"shift": 3.0}, {"zoom": 0.3}, {"shear": 0.4}])
def test_augmentation_moves_about_the_centre(change):
    _, centres = moved_square(change)
    limit = change.get("shift", 0.0)
    assert 0.9 * limit <= np.abs(centres).max() <= limit + 0.15
    assert np.abs(centres.mean(axis=0)).max() < limit / 2 + 0.1


def test_rotation_is_in_degrees_and_keeps_the_size():
    moments, _ = moved_square({"rotation": 30.0})
    angles = np.degrees(np.arctan2(2 * moments[:, 0, 1], moments[:, 1, 1] - moments[:, 0, 0]) / 2)
    assert 25 < np.abs(angles).max() < 32
    np.testing.assert_allclose(np.trace(moments, axis1=1, axis2=2), 36 / 12 + 144 / 12, rtol=0.1)


def test_zoom_is_a_share_of_width_and_of_height():
    moments, _ = moved_square({"zoom": 0.25})
    widths, heights = np.sqrt(moments[:, 1, 1] / 12), np.sqrt(moments[:, 0, 0] / 3)
    for scale in (widths, heights):
        assert 0.72 < scale.min() < 0.85
        assert 1.15 < scale.max() < 1.3
    assert abs(np.corrcoef(widths, heights)[0, 1]) < 0.3


def test_shear_is_pixels_across_per_pixel_down():
    moments, _ = moved_square({"shear": 0.5})
    slant = moments[:, 0, 1] / moments[:, 0, 0]
    assert 0.4 < np.abs(slant).max() < 0.55
    np.testing.assert_allclose(moments[:, 0, 0], 3, rtol=0.15)


def written(count: int) -> np.ndarray:
    """Pictures of three bars, another width and place in each."""
    images = np.zeros((count, 28, 28, 1), "float32")
    for k, image in enumerate(images):
        image[6 + k % 5 : 9 + k % 5, 5:23] = 255
        image[5:23, 12 : 14 + k % 3] = 200
    return images


def test_some_pictures_stay_unmoved():
    images = written(400)
    moved = keras.ops.convert_to_numpy(RandomWarp(AugmentConfig(share=0.3), seed=1)(images, training=True))
    assert 0.2 < (moved != images).any(axis=(1, 2, 3)).mean() < 0.4


def test_the_two_ways_of_resampling_agree():
    images, change = written(30), {"rotation": 30.0, "shift": 3.0, "zoom": 0.2, "shear": 0.3}
    plain = RandomWarp(AugmentConfig(**change), seed=4)(images, training=True)
    bent = RandomWarp(AugmentConfig(**change, elastic=1e-6), seed=4)(images, training=True)
    np.testing.assert_allclose(bent, plain, atol=0.1)


def test_bending_keeps_the_ink_in_place_and_changes_its_shape():
    images = written(200)
    layer = RandomWarp(AugmentConfig(**STILL, elastic=1.0), seed=3)
    bent = keras.ops.convert_to_numpy(layer(images, training=True))
    assert 0.85 < bent.sum() / images.sum() < 1.15
    assert np.abs(bent - images).mean() > 5
    assert np.abs(bent.mean(axis=0) - images.mean(axis=0)).mean() < 10


def read_off(image: np.ndarray, x: np.ndarray, y: np.ndarray, sampling: str) -> np.ndarray:
    return keras.ops.convert_to_numpy(sampled(image, x, y, SAMPLINGS[sampling])).ravel()


def test_bilinear_sampling_interpolates_and_finds_paper_outside():
    image = np.zeros((1, 16, 16, 1), "float32")
    image[0, 3, 5], image[0, 3, 6] = 100, 200
    x, y = np.full((1, 256), -50, "float32"), np.full((1, 256), 3, "float32")
    x[0, :4] = 5.25, 6, 4.5, 6.5
    read = read_off(image, x, y, "bilinear")
    np.testing.assert_allclose(read[:4], [125, 200, 50, 100], rtol=1e-4)
    assert not read[4:].any()


@pytest.mark.parametrize(("sampling", "form"), [
    ("bilinear", lambda x, y: 9 * x + 3 * y + x * y / 5),
    ("bicubic", lambda x, y: (x - 7) ** 2 + (y - 4) ** 2 / 2 + 20),  # Keys 1981: exact up to squares
])  # fmt: skip
def test_sampling_is_exact_where_pictures_are_smooth(sampling, form):
    rows, columns = np.mgrid[:16, :16]
    image = form(columns, rows)[None, ..., None].astype("float32")
    x, y = np.random.default_rng(1).uniform(1, 14, (2, 1, 256)).astype("float32")
    np.testing.assert_allclose(read_off(image, x, y, sampling), form(x, y)[0], rtol=1e-3)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_paper_around_a_picture_is_read_as_if_it_were_part_of_it(sampling):
    image = np.random.default_rng(4).uniform(0, 255, (1, 16, 16, 1)).astype("float32")
    x, y = np.random.default_rng(5).uniform(-1, 16, (2, 1, 256)).astype("float32")
    padded = np.pad(image, [(0, 0), (4, 4), (4, 4), (0, 0)])
    x, y = (np.pad(places, [(0, 0), (0, 24**2 - 256)]) for places in (x, y))
    x[:, 256:] = y[:, 256:] = 30
    expected = read_off(padded, x + 4, y + 4, sampling)[:256]
    np.testing.assert_allclose(read_off(image, x[:, :256], y[:, :256], sampling), expected, atol=0.02)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_sampling_on_the_pixels_gives_them_back_and_paper_lies_around(sampling):
    image = np.random.default_rng(2).uniform(0, 255, (1, 16, 16, 1)).astype("float32")
    y, x = (places.reshape(1, -1).astype("float32") for places in np.mgrid[:16, :16])
    np.testing.assert_allclose(read_off(image, x, y, sampling), image.ravel(), atol=1e-3)
    for far in (-40.0, 60.0):
        assert not read_off(image, x + np.float32(far), y, sampling).any()
        assert not read_off(image, x, y + np.float32(far), sampling).any()


def test_bicubic_sampling_blurs_a_stroke_less_than_half_as_much():
    def stroke(x, y):
        return 255 * np.exp(-np.square(x + y / 4 - 10) / 2)

    rows, columns = np.mgrid[:16, :16]
    image = stroke(columns, rows)[None, ..., None].astype("float32")
    x, y = np.random.default_rng(3).uniform(1, 14, (2, 1, 256)).astype("float32")
    errors = {name: np.abs(read_off(image, x, y, name) - stroke(x, y)[0]).mean() for name in SAMPLINGS}
    assert errors["bicubic"] < errors["bilinear"] / 2


def test_without_bending_too_bicubic_sampling_moves_alike_and_blurs_less():
    images = np.repeat(written(5), 20, axis=0)
    change = {"rotation": 20.0, "shift": 1.5, "zoom": 0.1, "shear": 0.2}
    bilinear, bicubic = (
        keras.ops.convert_to_numpy(RandomWarp(AugmentConfig(**change, sampling=name), seed=4)(images, training=True))
        for name in SAMPLINGS
    )
    assert bilinear.std() < 0.99 * bicubic.std()
    np.testing.assert_allclose(bilinear.mean(axis=(1, 3)), bicubic.mean(axis=(1, 3)), atol=16)
    still = RandomWarp(AugmentConfig(**STILL, sampling="bicubic"), seed=1)
    np.testing.assert_allclose(still(images, training=True), images, atol=1e-2)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_moved_pictures_stay_in_range(sampling):
    change = {"rotation": 20.0, "elastic": 0.5, "sampling": sampling}
    moved = keras.ops.convert_to_numpy(RandomWarp(AugmentConfig(**change), seed=6)(written(100), training=True))
    assert moved.min() == 0
    assert 200 < moved.max() <= 255


@pytest.mark.parametrize("reach", [0.3, 1.0])
def test_strokes_grow_and_shrink_within_reach(reach):
    images = np.zeros((300, 28, 28, 1), "float32")
    images[:, 10:15, 4:24] = 255
    layer = RandomStroke(reach, seed=1)
    np.testing.assert_array_equal(layer(images, training=False), images)
    heights = keras.ops.convert_to_numpy(layer(images, training=True))[:, :, 14, 0].sum(axis=1) / 255
    assert 5 - 2 * reach <= heights.min() < 5 - 1.8 * reach
    assert 5 + 1.8 * reach < heights.max() <= 5 + 2 * reach + 1e-3


def test_strays_are_of_two_kinds_as_many_as_asked_and_pictures():
    images = written(64)
    strays = keras.ops.convert_to_numpy(RandomStrays(one_in=16, seed=2)(images))
    assert strays.shape == (8, 28, 28, 1)
    assert 0 <= strays.min() < strays.max() <= 255
    assert RandomStrays(one_in=16)(images[:5]).shape == (2, 28, 28, 1)


def test_a_tangle_is_of_two_to_four_characters_thrown_over_each_other():
    levels = np.arange(40, 240, 4)
    images = np.zeros((len(levels), 28, 28, 1), "float32")
    images[:, 9:19, 9:19] = levels[:, None, None, None]  # each of its own grey, to be known again
    tangles = keras.ops.convert_to_numpy(RandomStrays(one_in=1, seed=3)(images))[: len(levels)]
    areas = (np.abs(tangles - levels) < 0.01).sum(axis=(1, 2))  # (N, levels), in pixels
    shown = (areas > 8).sum(axis=1)
    assert shown.min() >= 1 and shown.max() <= 4 and shown.mean() > 2  # one may hide another
    assert len({tuple(np.argwhere(tangle[..., 0] > 0).mean(axis=0).round()) for tangle in tangles}) > 20


def test_every_other_picture_gets_grain_up_to_its_limit():
    images = np.full((400, 28, 28, 1), 128, "float32")
    layer = RandomGrain(0.2, seed=1)
    np.testing.assert_array_equal(layer(images, training=False), images)
    grainy = keras.ops.convert_to_numpy(layer(images, training=True))
    assert 0.4 < (grainy != 128).any(axis=(1, 2, 3)).mean() < 0.6
    assert 0 <= grainy.min() < grainy.max() == 255
    white = grainy == 255
    deviations = np.where(white, 128, grainy).std(axis=(1, 2, 3)) / 255
    assert 0.15 < deviations.max() < 0.21
    specks = white.mean(axis=(1, 2, 3))
    assert 0.03 < specks.max() < 0.07
    assert ((specks > 0.01) & (deviations > 0.05)).any()  # of both kinds
    again = RandomGrain(0.2, seed=1)
    np.testing.assert_array_equal(grainy, again(images, training=True))


@pytest.mark.parametrize(
    ("settings", "layers"),
    [({}, ["augment"]), ({"stroke": 0.2}, ["augment", "stroke"]),
     ({"share": 0.0, "stroke": 0.2, "noise": 0.1}, ["stroke", "grain"]), ({"share": 0.0}, [])],
)  # fmt: skip
def test_pictures_are_changed_no_more_than_asked(settings, layers):
    image, config = keras.Input((28, 28, 1)), AugmentConfig(**settings)
    changed = soiled(augmented(image, config, seed=0), config, seed=0)
    model = keras.Model(image, [changed])
    assert [layer.name for layer in model.layers[1:]] == layers
