"""Each corruption does what its name says, as strongly as it says, and the same to picture k in any batch."""

import numpy as np
import pytest
from fresh_python import loaded_by
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from scipy import ndimage

import corruptions
from corruptions import CANVAS, CORRUPTIONS, apply
from data_processor import TEST, load
from picture import to_glyph
from readers import Translator
from runtime import MODELS_DIR
from shell import UserError

LARGER = {"scale 1.3"}
RANDOM = {"Gaussian noise", "salt noise", "dark on light"}

pictures = st_numpy.arrays(np.uint8, (28, 28, 1))


def strokes(count: int = 8, width: int = 2) -> np.ndarray:
    """An L with a bar: no symmetry, so a wrong turn or sign shows; ink 20 pixels high."""
    picture = np.zeros((28, 28, 1), np.uint8)
    picture[4:24, 9 : 9 + width] = picture[24 - width : 24, 9:20] = picture[10 : 10 + width, 9:16] = 255
    return np.repeat(picture[None], count, axis=0)


def ink_of(images: np.ndarray) -> np.ndarray:
    return images.sum(axis=(1, 2, 3), dtype=float)


def centres(images: np.ndarray) -> np.ndarray:
    """Centres of mass from the middle, `(N, 2)`: down and right, pixels."""
    middle = (images.shape[1] - 1) / 2
    return np.array([ndimage.center_of_mass(image[..., 0].astype(float)) for image in images]) - middle


def parts(image: np.ndarray) -> int:
    return ndimage.label(image[..., 0] > 100, np.ones((3, 3)))[1]


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_changes_pictures_and_leaves_its_input(name):
    images = strokes()
    corrupted = apply(name, images)
    side = CANVAS if name in LARGER else 28
    assert corrupted.shape == (8, side, side, 1) and corrupted.dtype == np.uint8
    np.testing.assert_array_equal(images, strokes())
    inner = (side - 28) // 2
    assert (corrupted[:, inner : inner + 28, inner : inner + 28] != images).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_picture_is_corrupted_alike_in_any_batch(name):
    images = np.concatenate([strokes(5), strokes(6, width=4)])
    whole = apply(name, images, seed=3)
    batches = [apply(name, images[start : start + 4], seed=3, first=start) for start in range(0, 11, 4)]
    np.testing.assert_array_equal(np.concatenate(batches), whole)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_only_noise_depends_on_the_seed(name):
    same = np.array_equal(apply(name, strokes(), seed=1), apply(name, strokes(), seed=2))
    assert same != (name in RANDOM)


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_no_two_pictures_have_the_same_noise(name):
    corrupted = apply(name, strokes(5))
    assert len({image.tobytes() for image in corrupted}) == 5


@settings(max_examples=30)
@given(picture=pictures, pixels=st.sampled_from([2, 4, 6]), k=st.integers(0, 7))
def test_a_shift_moves_what_stays_in_the_box_and_cuts_the_rest(picture, pixels, k):
    shifted = apply(f"shift {pixels} px", picture[None], first=k)[0]
    (to_row, from_row), (to_column, from_column) = (
        (slice(pixels, 28), slice(0, 28 - pixels))[::way] for way in corruptions.DIAGONALS[k % 4]
    )
    expected = np.zeros_like(picture)
    expected[to_row, to_column] = picture[from_row, from_column]
    np.testing.assert_array_equal(shifted, expected)


def test_framing_does_not_undo_the_farthest_shift():
    shifted = apply("shift 6 px", strokes(4))
    assert ink_of(shifted).max() < ink_of(strokes(1))[0]
    assert all((to_glyph(after) != to_glyph(strokes(1)[0, ..., 0])).any() for after in shifted[..., 0])


@pytest.mark.parametrize("pixels", [2, 4])  # by 6, ink is cut
def test_shifts_take_the_four_diagonals_in_turn(pixels):
    moves = centres(apply(f"shift {pixels} px", strokes())) - centres(strokes())
    assert {tuple(move) for move in np.round(moves, 9)} == {
        (a, b) for a in (-pixels, pixels) for b in (-pixels, pixels)
    }
    np.testing.assert_allclose(moves[:4], moves[4:])


@pytest.mark.parametrize("degrees", [10, 20])
def test_rotations_turn_about_the_middle_to_either_side(degrees):
    before, after = (centres(images) @ (1j, 1) for images in (strokes(), apply(f"rotation {degrees}", strokes())))
    counter_clockwise = np.exp(-1j * np.radians([degrees, -degrees] * 4))  # as pixels count downwards
    np.testing.assert_allclose(after, before * counter_clockwise, atol=0.1)


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_scaling_cuts_no_ink(factor):
    full = np.full((1, 28, 28, 1), 255, np.uint8)
    scaled = apply(f"scale {factor}", full)
    assert ink_of(scaled) == pytest.approx(factor**2 * ink_of(full), rel=0.01)
    assert not scaled[:, [0, -1]].any() and not scaled[:, :, [0, -1]].any()
    np.testing.assert_allclose(centres(apply(f"scale {factor}", strokes(1))), factor * centres(strokes(1)), atol=0.05)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_strokes_are_thinner_or_thicker_and_stay_whole(width):
    thin, normal, thick = (
        apply("thinner stroke", strokes(1, width)),
        strokes(1, width),
        apply("thicker stroke", strokes(1, width)),
    )
    assert 0.4 < ink_of(thin) / ink_of(normal) < 0.85
    assert 1.3 < ink_of(thick) / ink_of(normal) < 2.2
    assert [parts(image[0]) for image in (thin, normal, thick)] == [1, 1, 1]
    assert min(thin.max(), thick.max()) > 200  # thin, not pale


@pytest.mark.parametrize(("width", "left"), [(2, 1.5), (3, 2), (4, 3)])
def test_a_stroke_loses_a_pixel_or_as_much_as_it_can_spare(width, left):
    across = apply("thinner stroke", strokes(1, width))[0, 17, :, 0]
    assert across.sum() / 255 == pytest.approx(left, abs=0.1)


def test_a_stroke_of_one_pixel_is_made_no_thinner():
    hair = strokes(1, width=1)
    thin = apply("thinner stroke", hair)
    assert ink_of(thin) > 0.7 * ink_of(hair)
    assert parts(thin[0]) == 1


def test_normal_noise_is_as_strong_as_it_says():
    noise = apply("Gaussian noise", np.full((20, 28, 28, 1), 128, np.uint8)).astype(float) - 128
    assert noise.mean() == pytest.approx(0, abs=1)
    assert noise.std() == pytest.approx(corruptions.NOISE, rel=0.03)


def test_salt_is_white_and_as_frequent_as_it_says():
    salted = apply("salt noise", np.full((100, 28, 28, 1), 7, np.uint8))
    assert set(np.unique(salted)) == {7, 255}
    assert np.mean(salted == 255) == pytest.approx(corruptions.SALT, rel=0.1)


def test_uneven_light_falls_off_from_each_corner_in_turn_and_leaves_ink():
    paper, ink = np.zeros((4, 28, 28, 1), np.uint8), np.full((4, 28, 28, 1), 255, np.uint8)
    lit = apply("uneven light", paper)[..., 0]
    darkest = [np.unravel_index(image.argmin(), image.shape) for image in lit]
    assert sorted(darkest) == [(0, 0), (0, 27), (27, 0), (27, 27)]
    assert (lit.min(axis=(1, 2)) == 0).all() and (lit.max(axis=(1, 2)) == 128).all()
    np.testing.assert_array_equal(apply("uneven light", ink), ink)


def test_dark_on_light_is_grey_ink_on_grey_paper_with_grain():
    images = strokes(30)
    page, ink = apply("dark on light", images), images > 0
    for part, level in ((page[ink], corruptions.INK), (page[~ink], corruptions.PAPER)):
        assert part.mean() == pytest.approx(level, abs=0.5)
        assert part.std() == pytest.approx(corruptions.GRAIN, rel=0.1)


def test_blur_spreads_a_dot_as_wide_as_it_says():
    dot = np.zeros((1, 28, 28, 1), np.uint8)
    dot[0, 14, 14] = 255
    blurred = apply("blur", dot)[0, ..., 0]
    assert blurred[14, 14] == pytest.approx(255 / (2 * np.pi * corruptions.BLUR**2), rel=0.05)
    assert blurred[14, 15] / blurred[14, 14] == pytest.approx(np.exp(-0.5 / corruptions.BLUR**2), rel=0.05)


def test_an_unknown_corruption_is_told_in_one_line():
    with pytest.raises(
        UserError, match=r"'gaussian noize' \(did you mean 'Gaussian noise'\?\); expected one of shift 2"
    ):
        apply("gaussian noize", strokes())


@pytest.mark.parametrize("images", [strokes()[..., 0], strokes().astype(float), strokes()[:, :20], strokes()[:0]])
def test_other_arrays_are_refused(images):
    with pytest.raises(ValueError, match=r"Received: images="):
        apply("blur", images)


def test_importing_the_suite_does_not_load_scipy():
    assert not loaded_by("import corruptions", ["scipy"])


@pytest.fixture(scope="module")
def digits(data_dir) -> tuple[np.ndarray, np.ndarray]:
    """Test pictures of MNIST and what they show."""
    images, labels = load("mnist", data_dir).part(TEST)
    return images[:40], labels[:40]


@pytest.fixture(scope="module")
def reader() -> Translator:
    return Translator.open("translator-digits", MODELS_DIR)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_what_is_corrupted_can_still_be_read_through_the_picture_path(digits, reader, name):
    images, labels = digits
    glyphs = np.stack([to_glyph(picture) for picture in apply(name, images)])[..., None]
    read = reader.translate(glyphs)[1].argmax(axis=1)
    assert np.mean(read == labels) >= 0.9
