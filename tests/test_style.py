"""Hands: saved, mixed, found behind somebody's characters."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_glyph_sources import BentWriter

from shell import UserError
from style import Style, common_noise, noise_of

LATENTS = 4


def hand(seed: int, own: str = "") -> Style:
    """A hand by a seed, with characters of its own."""
    vector, *noises = np.random.default_rng(seed).standard_normal((1 + len(own), LATENTS), np.float32)
    return Style(vector, "m", "f", dict(zip(own, noises, strict=True)))


def assert_alike(one: Style, other: Style, tolerance: float = 0) -> None:
    characters = [*one.own, *other.own, "z"]
    np.testing.assert_allclose(one.noise(characters), other.noise(characters), atol=tolerance)
    np.testing.assert_allclose(one.vector, other.vector, atol=tolerance)


def test_a_character_of_its_own_is_drawn_from_its_own_noise():
    style = hand(1, own="ab")
    drawn_from = [style.vector, style.own["b"], style.own["a"], style.own["b"]]
    np.testing.assert_array_equal(style.noise("cbab"), drawn_from)


def test_noise_of_another_length_is_refused():
    with pytest.raises(ValueError, match="noise of 'a'.*Received"):
        Style(np.zeros(4, np.float32), "m", "f", {"a": np.zeros(3, np.float32)})


# ------------------------------------------------------------------------------------------------------- saved, loaded


@pytest.mark.parametrize("own", ["", "a", 'aB"\u00e9'])
def test_a_style_is_saved_and_loaded_to_the_bit(tmp_path, own):
    style = hand(9, own)
    style.save(tmp_path / "hand.json")
    loaded = Style.load(tmp_path / "hand.json")
    assert_alike(loaded, style)
    assert (loaded.model, loaded.fingerprint, set(loaded.own)) == ("m", "f", set(own))
    assert {noise.dtype for noise in (loaded.vector, *loaded.own.values())} == {np.dtype(np.float32)}


def test_a_style_without_characters_of_its_own_is_one(tmp_path):
    (tmp_path / "hand.json").write_text('{"style": {"model": "m", "fingerprint": "f", "vector": [1, 2.5]}}')
    assert_alike(Style.load(tmp_path / "hand.json"), Style(np.array([1, 2.5], np.float32), "m", "f"))


def with_own(own: str) -> str:
    return f'{{"style": {{"model": "m", "fingerprint": "f", "vector": [1, 2], "own": {own}}}}}'


DAMAGED = ["", "{", "[]", '{"style": 3}', '{"style": {"model": "m", "fingerprint": "f", "vector": []}}', "[" * 10_000,
           '{"style": {"model": "m", "fingerprint": "f", "vector": [NaN]}}', '{"style": {"vector": [1.0]}}',
           '{"style": {"model": 1, "fingerprint": "f", "vector": [1, 2, 3, 4]}}',
           *map(with_own, ("3", "null", "[]", '{"a": 1}', '{"a": [1]}', '{"a": [1, NaN]}', '{"a": [1, "2"]}',
                           '{"ab": [1, 2]}', '{"": [1, 2]}', '{"a": [1, 2], "b": [1, 2, 3]}'))]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_style_is_one_line(content, tmp_path):
    (tmp_path / "hand.json").write_text(content)
    with pytest.raises(UserError, match=r"hand\.json: expected a style"):
        Style.load(tmp_path / "hand.json")


def test_a_picture_is_no_style(tmp_path):
    (tmp_path / "hand.json").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    with pytest.raises(UserError, match=r"hand\.json: expected a style"):
        Style.load(tmp_path / "hand.json")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["style", "model", "fingerprint", "vector", "own", "a"]), inner, max_size=4),
)  # fmt: skip
NEARLY = st.fixed_dictionaries(
    {"style": st.fixed_dictionaries(
        {"model": st.just("m"), "fingerprint": st.just("f"), "vector": st.lists(st.floats(), max_size=2)},
        optional={"own": st.dictionaries(st.text(max_size=2), st.lists(st.floats(), max_size=2), max_size=2)})}
)  # fmt: skip


@given(ANYTHING | NEARLY)
def test_any_json_is_a_style_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content))
    try:
        style = Style.load(path)
    except UserError as error:
        assert "any.json" in str(error)
    else:
        assert np.isfinite(style.noise(["a", *style.own])).all()


# -------------------------------------------------------------------------------------------------------------- mixed


def test_a_mixture_lies_between():
    one, other = hand(1), hand(2)
    assert_alike(one.mix(other, 0), one, 1e-6)
    assert_alike(one.mix(other, 1), other, 1e-6)
    lengths = [np.linalg.norm(style.vector) for style in (one, other, one.mix(other, 0.5))]
    assert lengths[2] == pytest.approx((lengths[0] + lengths[1]) / 2, rel=1e-5)
    opposite = Style(-one.vector, one.model, one.fingerprint)
    assert np.isfinite(one.mix(opposite, 0.5).vector).all()
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="share"):
            one.mix(other, share)


def test_a_character_that_one_of_two_wrote_is_mixed_with_what_the_other_would_write():
    one, other = hand(1, own="ab"), hand(2, own="bc")
    assert_alike(one.mix(other, 0), one, 1e-6)
    assert_alike(one.mix(other, 1), other, 1e-6)
    mixed = one.mix(other, 0.3)
    assert set(mixed.own) == set("abc")
    for character in "abc":
        ends = [Style(style.noise(character)[0], "m", "f") for style in (one, other)]
        np.testing.assert_array_equal(mixed.own[character], ends[0].mix(ends[1], 0.3).vector)


@pytest.mark.parametrize(
    "other", [Style(np.zeros(4), "x", "y"), Style(np.zeros(4), "m", "y"), Style(np.ones(3), "m", "f")]
)
def test_a_style_of_another_model_is_not_mixed(other):
    with pytest.raises(UserError, match="expected one of the model 'm'"):
        hand(1).mix(other, 0.5)


# --------------------------------------------------------------------------------------------- behind what was written


def test_without_freedom_a_hand_is_the_product_of_what_all_say_and_the_prior_once():
    means, variances = np.array([[0.5], [1.5]]), np.array([[0.2], [0.5]])
    precision = 1 / 0.2 + 1 / 0.5 - 1  # each posterior holds the prior, which counts once
    expected = (0.5 / 0.2 + 1.5 / 0.5) / precision
    np.testing.assert_allclose(common_noise(means, variances, freedom=0), [expected])


@given(st.floats(-3, 3), st.floats(0.01, 1))
def test_one_picture_without_freedom_says_what_it_says(mean, variance):
    np.testing.assert_allclose(common_noise(np.array([[mean]]), np.array([[variance]]), freedom=0), [mean], atol=1e-9)


def test_with_freedom_a_hand_is_that_of_the_joint_normal_distribution():
    """Against the conditional mean of h given all readings, by the covariance matrix of both."""
    means, variances, freedom = np.array([[0.8], [-0.2]]), np.array([[0.1], [0.3]]), 0.4
    evidence = 1 / variances[:, 0] - 1
    read = means[:, 0] / variances[:, 0] / evidence
    covariance = (1 - freedom) * np.ones((2, 2)) + np.diag(freedom + 1 / evidence)
    expected = (1 - freedom) ** 0.5 * np.ones(2) @ np.linalg.solve(covariance, read)
    np.testing.assert_allclose(common_noise(means, variances, freedom), [expected])


def test_a_prior_is_looked_through():
    writer = BentWriter()
    noise = np.array([[0.5, -0.5, 0.2, 0.0]], np.float32)
    images = np.round(255 * writer.decode(writer.styles(noise, [1]), [1])).astype(np.uint8)
    mean, variance = noise_of(writer, images, np.array([1]))
    np.testing.assert_allclose(mean, noise, atol=0.1)
    np.testing.assert_allclose(variance, writer.uncertainty / 4, rtol=1.0)


def test_what_a_picture_tells_does_not_depend_on_the_others():
    writer, labels = BentWriter(), np.array([0, 1, 1])
    noise = np.random.default_rng(0).standard_normal((3, 4), np.float32)
    images = np.round(255 * writer.decode(writer.styles(noise, labels), labels)).astype(np.uint8)
    for some, every in zip(noise_of(writer, images[:2], labels[:2]), noise_of(writer, images, labels), strict=True):
        np.testing.assert_allclose(some, every[:2], atol=1e-6)
