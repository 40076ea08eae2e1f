"""Pictures drawn anew, by a writer whose every answer is known beforehand."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import style_fitting
from generators import Writer
from noises import add_noise
from restoration import (
    MOST_STEPS,
    arc,
    blended,
    denoise,
    interpolate,
    most_likely_labels,
    psnr,
    reconstruct,
)
from shell import UserError

SIZE, STYLES = 16, 3


class LinearWriter(Writer):
    """Draws a bar, a cross or a frame, and moves ink along three patterns by the style: linear, until it clips."""

    def __init__(self):
        card = {"name": "linear", "alphabet": "abc", "image_size": SIZE, "latent_size": STYLES, "files": {}}
        super().__init__(Path(), card)
        forms = np.full((3, SIZE, SIZE), 0.15, np.float32)
        forms[0, :, 6:10] = 0.85
        forms[1, 6:10, :] = forms[1, :, 6:10] = 0.85
        forms[2, 2:14, 2:14] = 0.85
        forms[2, 5:11, 5:11] = 0.15
        waves = np.random.default_rng(0).choice([-0.03, 0.03], (STYLES, SIZE * SIZE))
        object.__setattr__(self, "forms", forms.reshape(3, -1))
        object.__setattr__(self, "patterns", waves.astype(np.float32))

    def encode(self, images, labels):
        rest = images.reshape(len(images), -1) / 255 - self.forms[labels]
        means = rest @ self.patterns.T @ np.linalg.inv(self.patterns @ self.patterns.T)
        return means.astype(np.float32), np.full((len(images), STYLES), -5.0, np.float32)

    def decode(self, styles, labels):
        return np.clip(self.forms[labels] + styles @ self.patterns, 0, 1).reshape(-1, SIZE, SIZE, 1)


class BentWriter(LinearWriter):
    """The same with a learned prior: styles are noise stretched and moved, for each character by another vector."""

    has_prior = True

    def styles(self, noise, labels):
        return (0.5 * noise + np.asarray(labels)[:, None] - 1).astype(np.float32)

    def noise(self, styles, labels):
        return (2 * (styles - np.asarray(labels)[:, None] + 1)).astype(np.float32), np.zeros(len(styles), np.float32)


@pytest.fixture(params=[LinearWriter, BentWriter])
def writer(request) -> Writer:
    return request.param()


def written(writer: Writer, count: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clean pictures uint8, their labels, and the noise that their styles were made from."""
    labels = np.arange(count, dtype=np.int32) % 3
    noise = np.random.default_rng(5).standard_normal((count, STYLES), np.float32)
    drawn = writer.decode(writer.styles(noise, labels), labels)
    return np.round(255 * drawn).astype(np.uint8), labels, noise


def test_a_reconstruction_is_what_the_writer_can_draw(writer):
    images, labels, _ = written(writer)
    drawn = reconstruct(writer, images, labels)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn, images / 255, atol=0.01)
    np.testing.assert_array_equal(reconstruct(writer, images), drawn)


@pytest.mark.parametrize(
    ("kind", "amount"), [("gaussian", 0.1), ("gaussian", 0.4), ("salt", 0.3), ("pepper", 0.2), ("salt-and-pepper", 0.4)]
)
def test_whatever_the_noise_the_picture_before_it_is_found(writer, kind, amount):
    images, labels, _ = written(writer)
    noisy = add_noise(images, kind, amount, 3)
    clean = denoise(writer, noisy, labels)
    assert clean.shape == images.shape
    assert clean.min() >= 0
    assert clean.max() <= 1
    assert psnr(clean, images).min() > 20
    assert (psnr(clean, images) - psnr(noisy, images)).mean() > 8
    assert (most_likely_labels(writer, noisy)[0] == labels).all()
    np.testing.assert_allclose(denoise(writer, noisy), clean, atol=1e-3)


def test_salt_is_left_out_where_least_squares_would_smear_it(writer):
    images, labels, noise = written(writer)
    noisy = add_noise(images, "salt", 0.2, 3)
    _, found, _ = style_fitting.explained(writer, noisy, labels[:, None])
    assert (
        np.abs(found - noise).mean()
        < 0.5 * np.abs(writer.noise(writer.encode(noisy, labels)[0], labels)[0] - noise).mean()
    )


def test_a_style_is_drawn_towards_the_plain_as_far_as_the_picture_is_vague():
    writer = LinearWriter()
    images, labels, noise = written(writer)
    _, found, _ = style_fitting.explained(writer, images, labels[:, None])
    certainty = (style_fitting.TAIL + 1) / style_fitting.TAIL / style_fitting.LEAST_SCALE**2
    told = certainty * writer.patterns @ writer.patterns.T
    np.testing.assert_allclose(found, np.linalg.solve(told + np.eye(STYLES), told @ noise.T).T, atol=0.12)


class IdleWriter(LinearWriter):
    """Draws all its characters alike, but only those of the first with style."""

    def decode(self, styles, labels):
        return super().decode(styles * (np.asarray(labels) == 0)[:, None], np.zeros_like(labels))


def test_of_two_characters_that_explain_alike_the_one_with_less_freedom_is_read():
    images = np.round(255 * IdleWriter().decode(np.zeros((1, STYLES)), np.zeros(1, np.int32))).astype(np.uint8)
    assert most_likely_labels(IdleWriter(), images, "ab")[0].tolist() == [1]


def test_a_grey_veil_and_pale_ink_are_no_noise_of_the_shape(writer):
    images, labels, _ = written(writer)
    veiled = np.round(60 + 0.6 * images).astype(np.uint8)
    assert psnr(denoise(writer, veiled, labels), images).min() > 22
    assert psnr(veiled, images).max() < 18


def test_a_character_is_read_only_among_those_allowed(writer):
    images, labels, _ = written(writer)
    read, lead = most_likely_labels(writer, images, "ac")
    assert set(read.tolist()) <= {0, 2}
    assert (read[labels != 1] == labels[labels != 1]).all()
    assert (lead > 0).all()
    alone, infinite = most_likely_labels(writer, images, "b")
    assert (alone == 1).all()
    assert np.isinf(infinite).all()
    with pytest.raises(UserError, match="does not know 'x'"):
        most_likely_labels(writer, images, "ax")


def test_answers_do_not_depend_on_the_batch(writer, monkeypatch):
    images, _, _ = written(writer)
    noisy = add_noise(images, "gaussian", 0.3, 1)
    together = denoise(writer, noisy)
    monkeypatch.setattr(style_fitting, "PAIRS", 2)
    np.testing.assert_allclose(denoise(writer, noisy), together, atol=1e-3)
    np.testing.assert_allclose(denoise(writer, noisy[5:6]), together[5:6], atol=1e-3)


def test_nothing_given_is_changed(writer):
    images, labels, _ = written(writer)
    kept, kept_labels = images.copy(), labels.copy()
    for work in (reconstruct, denoise):
        work(writer, images, labels)
    np.testing.assert_array_equal(images, kept)
    np.testing.assert_array_equal(labels, kept_labels)


@pytest.mark.parametrize("work", [reconstruct, denoise])
def test_what_does_not_fit_is_a_mistake_of_the_program(writer, work):
    images, labels, _ = written(writer)
    wrong = [
        (images / 255, labels),
        (images[..., 0], labels),
        (images[:, :8], labels),
        (images[:0], labels[:0]),
        (images, labels[:3]),
        (images, labels + 1),
        (images, labels.astype(float)),
    ]
    for case in wrong:
        with pytest.raises(ValueError, match="Received"):
            work(writer, *case)


@pytest.mark.parametrize("light", [0, 90, 255])
def test_a_picture_of_one_grey_is_survived(writer, light):
    drawn = denoise(writer, np.full((1, SIZE, SIZE, 1), light, np.uint8))
    assert np.isfinite(drawn).all()


def test_a_median_drops_single_pixels_and_keeps_edges():
    images = np.zeros((1, SIZE, SIZE, 1), np.uint8)
    images[0, :, 8:] = 200
    edge = images.copy()
    images[0, 4, 3] = images[0, 0, 0] = 255
    np.testing.assert_array_equal(style_fitting.without_specks(images)[0, 1:-1], edge[0, 1:-1])


@pytest.mark.parametrize("steps", [2, 3, 12])
@pytest.mark.parametrize("second", [0, 2])
def test_an_interpolation_begins_and_ends_as_it_was_told(writer, steps, second):
    labels = np.array([0, second], np.int32)
    styles = writer.styles(np.random.default_rng(2).standard_normal((2, STYLES), np.float32), labels)
    frames = interpolate(writer, (styles[0], 0), (styles[1], second), steps)
    assert (frames.shape, frames.dtype) == ((steps, SIZE, SIZE, 1), np.float32)
    np.testing.assert_allclose(frames[[0, -1]], writer.decode(styles, labels), atol=1e-5)
    strides = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    assert strides.max() < 4 * strides.mean()


@pytest.mark.parametrize("steps", [-1, 0, 1, MOST_STEPS + 1])
def test_a_way_of_too_few_or_too_many_steps_is_a_mistake_of_the_user(writer, steps):
    end = np.zeros(STYLES, np.float32), 0
    with pytest.raises(UserError, match=f"received {steps}"):
        interpolate(writer, end, end, steps)


def test_ends_that_do_not_fit_are_a_mistake_of_the_program(writer):
    right = np.zeros(STYLES, np.float32), 0
    for wrong in ((np.zeros(STYLES + 1, np.float32), 0), (right[0], 3), (right[0], -1), (np.full(STYLES, np.nan), 0)):
        with pytest.raises(ValueError):
            interpolate(writer, wrong, wrong, 4)


vectors = arrays(np.float32, 4, elements=st.floats(-4, 4, width=32))


@given(vectors, vectors, st.integers(2, 9))
def test_an_arc_keeps_its_ends_and_no_point_is_longer_than_they(first, second, steps):
    share = np.linspace(0, 1, steps)
    points = arc(first, second, share)
    np.testing.assert_allclose(points[[0, -1]], [first, second], atol=1e-4)
    assert np.linalg.norm(points, axis=1).max() <= max(np.linalg.norm(first), np.linalg.norm(second)) + 1e-4


def test_an_arc_is_as_typical_half_way_as_at_its_ends():
    points = arc(np.array([2.0, 0, 0]), np.array([0, 4.0, 0]), np.linspace(0, 1, 5))
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), [2, 2.5, 3, 3.5, 4], rtol=1e-6)
    np.testing.assert_allclose(points[2, 0], points[2, 1], rtol=1e-6)


def test_a_blend_keeps_what_both_leave_blank_and_fades_the_rest():
    first, second = (np.zeros((3, 2, 2, 1), np.float32) for _ in range(2))
    first[:, 0], second[:, :, 0] = 1, 1
    frames = blended(first, second, np.array([0, 0.5, 1]))
    np.testing.assert_array_equal(frames[[0, 2]], [first[0], second[0]])
    np.testing.assert_allclose(frames[1, ..., 0], [[1, 0.5], [0.5, 0]], atol=2e-4)


def test_psnr_of_known_errors():
    right = np.zeros((3, 4, 4, 1), np.float32)
    pictures = np.stack([right[0], right[0] + 0.1, right[0] + 1])
    np.testing.assert_allclose(psnr(pictures, right), [np.inf, 20, 0], atol=1e-5)
    assert psnr(np.full((1, 4, 4, 1), 255, np.uint8), right[:1])[0] == 0
