"""Text by hand: one hand, any seed, any number of characters at a time, a hand of one's own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handwriting
from config import ASCII, DIGITS
from data_processor import TRAIN
from handwriting import (
    HandwritingGenerator,
    ModelGlyphs,
    RealGlyphs,
    Style,
    common_noise,
    named,
    noise_of,
    numbered,
    training_part,
)
from layout import Layout
from shell import UserError

ROOT = Path(handwriting.__file__).parent
SIZE, LATENTS = 28, 4
CENTRES = np.array([[8, 8], [8, 18], [18, 8], [18, 18]])  # of the spots that a style's numbers shade


class SpotWriter:
    """A writer in closed form: each number of a style is the shade of a spot, so that the encoder can tell it."""

    alphabet, image_size, latent_size, has_prior = "0123abcd", SIZE, LATENTS, False
    uncertainty = 0.05  # variance that the encoder claims

    def __init__(self, decoder: str = "one"):
        self.card = {"name": "spots", "files": {"encoder.onnx": "e", "decoder.onnx": decoder}}

    def styles(self, noise, labels):
        return noise

    def noise(self, styles, labels):
        return styles, np.zeros(len(styles), np.float32)

    def decode(self, styles, labels):
        images = np.zeros((len(labels), SIZE, SIZE, 1), np.float32)
        images[:, 4:24, 4] = (0.3 + 0.08 * np.asarray(labels))[:, None, None]  # a bar, of the character's shade
        for number, (y, x) in enumerate(CENTRES):
            images[:, y - 2 : y + 3, x - 2 : x + 3, 0] = (1 / (1 + np.exp(-styles[:, number])))[:, None, None]
        return images

    def encode(self, images, labels):
        shades = np.clip(images[:, CENTRES[:, 0], CENTRES[:, 1], 0] / 255, 0.002, 0.998)
        mean = np.log(shades / (1 - shades)).astype(np.float32)
        return mean, np.full_like(mean, np.log(self.uncertainty))


class BentWriter(SpotWriter):
    """The same with a prior: a style is twice its noise and one more."""

    has_prior = True

    def styles(self, noise, labels):
        return 2 * noise + 1

    def noise(self, styles, labels):
        return (styles - 1) / 2, np.zeros(len(styles), np.float32)


def generator_of(writer=None, seed: int = 0, **options) -> HandwritingGenerator:
    return HandwritingGenerator(source=ModelGlyphs(writer or SpotWriter(), **options), seed=seed)


def test_a_seed_gives_a_page_and_another_seed_another():
    pages = [generator_of(seed=seed).write("abc 012") for seed in (7, 7, 8)]
    assert np.array_equal(pages[0].image, pages[1].image)
    assert pages[0].image.shape != pages[2].image.shape or (pages[0].image != pages[2].image).any()
    assert [box.character for box in pages[0].boxes] == list("abc012")


def test_leading_zeros_stay():
    assert "".join(box.character for box in generator_of().write("003").boxes) == "003"


@given(st.integers(0, 3 * handwriting.BLOCK), st.integers(0, 600), st.integers(0, 600))
def test_a_numbered_row_is_the_same_in_any_window(start, before, count):
    def rows(first, many):
        return numbered([3, 5], first, many, lambda rng: rng.random((handwriting.BLOCK, 2)))

    window = rows(start + before, count)
    assert window.shape == (count, 2)
    np.testing.assert_array_equal(rows(start, before + count)[before:], window)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 10))
def test_a_sample_is_a_function_of_seed_and_number(start, count):
    generator, text = generator_of(seed=4), "abcd0123" * 7
    whole = generator.sample(text)
    np.testing.assert_array_equal(generator.sample(text[start : start + count], start=start), whole[start:][:count])


def test_samples_differ_in_hand_and_a_style_holds_them_together():
    generator = generator_of()
    free, held = (generator.sample("a" * 200, style)[:, 8, 8, 0].std() for style in (None, generator.style(3)))
    assert free > 2 * held > 0


def test_temperature_zero_draws_one_hand_only():
    samples = generator_of(temperature=0).sample("aaaa")
    assert (samples == samples[:1]).all()


def test_labels_and_characters_say_the_same():
    generator = generator_of()
    np.testing.assert_array_equal(generator.sample("3a"), generator.sample([3, 4]))
    with pytest.raises(ValueError, match=r"\[0, 8\)"):
        generator.sample([8])
    with pytest.raises(UserError, match="' '"):
        generator.sample("a b")


@settings(deadline=None, max_examples=50)
@given(st.text(st.sampled_from("0123abcd \n\tAxé\u05d0\x07"), max_size=30))
def test_any_text_is_written_or_refused(text):
    try:
        page = generator_of().write(text, layout=Layout(height=16))
    except UserError as error:
        assert not text.strip() or set(text) & set("Axé\u05d0\x07")
        assert "\n" not in str(error)
    else:
        assert "".join(box.character for box in page.boxes) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("A", "received 'A'; change"),  # there is an a, which is no A
        ("café", r"'é' \(U\+00E9 LATIN SMALL LETTER E WITH ACUTE\)"),
        ("\u05d0", r"\(U\+05D0 HEBREW LETTER ALEF\)"),
        ("a\x07", r"U\+0007"),
        ("", "at least one character"),
        (" \n ", "at least one character"),
    ],
)
def test_what_cannot_be_written_is_named(text, message):
    with pytest.raises(UserError, match=message):
        generator_of().write_pages(text.replace("c", "d").replace("f", "b"))


def test_many_strange_characters_are_counted():
    assert named("wxyz") == "'w', 'x', 'y', 'z'"
    assert named("".join(map(chr, range(65, 91)))).endswith("'L' and 14 more")


def test_unknown_characters_are_skipped_with_a_gap_and_a_warning(capsys):
    generator = generator_of()
    page = generator.write("abAcd", skip_unknown=True)
    assert "warning: text: skipped 'A'" in capsys.readouterr().err
    assert [box.character for box in page.boxes] == list("abcd")
    assert page.image.shape[1] > generator.write("abcd").image.shape[1]


def test_a_text_of_several_pages_comes_in_pages():
    generator, narrow = generator_of(), Layout(height=20, width=90, page_height=60)
    pages = list(generator.write_pages("abcd " * 20, layout=narrow))
    assert len(pages) > 2
    assert "".join(box.character for page in pages for box in page.boxes) == "abcd" * 20
    with pytest.raises(UserError, match="fits a page"):
        generator.write("abcd " * 20, layout=narrow)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "minst"}, "did you mean 'mnist'"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"model": "nothing-of-the-sort"}, "not found"),
    ],
)
def test_a_generator_that_cannot_be_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        HandwritingGenerator(**options)


# ------------------------------------------------------------------------------------------------------------ styles


def test_a_style_is_saved_and_loaded(tmp_path):
    generator = generator_of(seed=5)
    generator.style(9).save(tmp_path / "hand.json")
    loaded = Style.load(tmp_path / "hand.json")
    np.testing.assert_array_equal(loaded.vector, generator.style(9).vector)
    pages = [generator.write("abc", style) for style in (loaded, generator.style(9), None)]
    assert np.array_equal(pages[0].image, pages[1].image)
    assert pages[0].image.shape != pages[2].image.shape or (pages[0].image != pages[2].image).any()


def test_the_style_of_the_seed_is_the_default():
    generator = generator_of(seed=5)
    np.testing.assert_array_equal(generator.write("ab").image, generator.write("ab", generator.style(5)).image)


DAMAGED = ["", "{", "[]", '{"style": 3}', '{"style": {"model": "m", "fingerprint": "f", "vector": []}}', "[" * 10_000,
           '{"style": {"model": "m", "fingerprint": "f", "vector": [NaN]}}', '{"style": {"vector": [1.0]}}',
           '{"style": {"model": 1, "fingerprint": "f", "vector": [1, 2, 3, 4]}}']  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_style_is_one_line(content, tmp_path):
    (tmp_path / "hand.json").write_text(content)
    with pytest.raises(UserError, match=r"hand\.json: expected a style"):
        Style.load(tmp_path / "hand.json")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["style", "model", "fingerprint", "vector"]), inner, max_size=4)))  # fmt: skip
def test_any_json_is_a_style_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(content))
    try:
        assert Style.load(path).vector.ndim == 1
    except UserError as error:
        assert "any.json" in str(error)


def test_a_style_of_another_model_is_refused_with_the_reason():
    style, retrained = generator_of().style(1), generator_of(SpotWriter("two"))
    with pytest.raises(UserError, match="an earlier one of that name"):
        retrained.write("ab", style)
    with pytest.raises(UserError, match="'spots', received one of 'x'"):
        retrained.sample("ab", Style(style.vector, "x", "y"))
    with pytest.raises(UserError, match="'spots', received one of 'x'"):
        style.mix(Style(style.vector[:2], "x", "y"), 0.5)


def test_a_mixture_lies_between():
    one, other = generator_of().style(1), generator_of().style(2)
    np.testing.assert_allclose(one.mix(other, 0).vector, one.vector, atol=1e-6)
    np.testing.assert_allclose(one.mix(other, 1).vector, other.vector, atol=1e-6)
    lengths = [np.linalg.norm(style.vector) for style in (one, other, one.mix(other, 0.5))]
    assert lengths[2] == pytest.approx((lengths[0] + lengths[1]) / 2, rel=1e-5)
    opposite = Style(-one.vector, one.model, one.fingerprint)
    assert np.isfinite(one.mix(opposite, 0.5).vector).all()
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match="share"):
            one.mix(other, share)


@pytest.mark.parametrize("writer", [SpotWriter(), BentWriter()])
def test_a_hand_is_found_again_in_its_characters(writer):
    generator = generator_of(writer)
    hands = np.array([generator.style(seed).vector for seed in range(20)])
    found = []
    for hand in hands:
        style = Style(hand, generator.source.name, generator.source.fingerprint)
        found.append(generator.style_of(generator.sample("0123abcd", style), "0123abcd").vector)
    assert np.corrcoef(hands.ravel(), np.ravel(found))[0, 1] > 0.9
    assert np.abs(found).mean() < 1.5 * np.abs(hands).mean()


def test_one_bad_picture_hardly_matters_and_the_order_not_at_all():
    generator = generator_of()
    style = generator.style(2)
    images = generator.sample("0123ab", style)
    clean = generator.style_of(images, "0123ab").vector
    bad = SpotWriter().decode(-3 * np.sign(style.vector)[None], [7])
    worse = np.concatenate([images, np.round(255 * bad).astype(np.uint8)])
    spoilt = generator.style_of(worse, "0123abd").vector
    assert np.abs(spoilt - clean).max() < 0.25
    order = [6, 2, 0, 1, 5, 4, 3]
    shuffled = generator.style_of(worse[order], "".join("0123abd"[k] for k in order)).vector
    np.testing.assert_allclose(shuffled, spoilt, atol=1e-6)


def test_without_freedom_a_hand_is_the_product_of_what_all_say_and_the_prior_once():
    means, variances = np.array([[0.5], [1.5]]), np.array([[0.2], [0.5]])
    precision = 1 / 0.2 + 1 / 0.5 - 1  # each posterior holds the prior, which counts once
    expected = (0.5 / 0.2 + 1.5 / 0.5) / precision
    np.testing.assert_allclose(common_noise(means, variances, freedom=0), [expected])


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


def test_pictures_that_tell_no_hand_are_refused():
    generator = generator_of()
    images = generator.sample("ab")
    images[1] = 0
    with pytest.raises(UserError, match="picture 1: .*blank"):
        generator.style_of(images, "ab")
    with pytest.raises(UserError, match="'Z'"):
        generator.style_of(images, "aZ")
    for wrong, labels in ((images[:1], "ab"), (images / 255, "ab"), (images[:, ::2], "ab"), (images[:0], "")):
        with pytest.raises(ValueError):
            generator.style_of(wrong, labels)


def test_pictures_are_drawn_anew_and_stay_as_they_are():
    generator = generator_of(seed=3)
    images = generator.sample("0a3d")
    before = images.copy()
    for drawn in (generator.reconstruct(images, "0a3d"), generator.denoise(images, "0a3d")):
        np.testing.assert_allclose(drawn, images / 255, atol=0.1)
    np.testing.assert_array_equal(images, before)
    with pytest.raises(UserError, match="'x'"):
        generator.reconstruct(images, "0axd")


def test_the_way_between_two_leads_from_one_to_the_other():
    generator = generator_of(seed=3)
    images, style = generator.sample("aa"), generator.style(8)
    way = generator.interpolate((images[0], "a"), (images[1], "a"), 5)
    assert way.shape == (5, SIZE, SIZE, 1)
    np.testing.assert_allclose(way[[0, -1]], images / 255, atol=0.02)
    to_style = generator.interpolate((style, "a"), (images[1], "b"), 3)
    np.testing.assert_allclose(to_style[0], SpotWriter().decode(style.vector[None], [4])[0], atol=1e-5)
    with pytest.raises(UserError, match="steps"):
        generator.interpolate((style, "a"), (style, "b"), 1)


# ------------------------------------------------------------------------------------------------- real characters


@pytest.fixture(scope="module")
def people(data_dir) -> RealGlyphs:
    return RealGlyphs("unipen94", data_dir)


def test_a_hand_of_real_characters_is_one_writers(people):
    hand = people.hand(3)
    drawn = people.draw(np.arange(94), 3, 0, hand)
    written = {image.tobytes() for image in people.images[people.writers == hand[0]]}
    assert sum(image.tobytes() in written for image in drawn) == 94
    assert people.hand(4)[0] != hand[0] or people.hand(5)[0] != hand[0]


def test_real_characters_are_the_right_ones_and_none_of_the_test_part(people, data_dir):
    data, _ = training_part("unipen94", data_dir)
    known = {(image.tobytes(), int(label)) for image, label in zip(*data.part(TRAIN), strict=True)}
    labels = np.random.default_rng(0).integers(0, 94, 300)
    for hand in (None, people.hand(0)):
        drawn = people.draw(labels, 1, 5, hand)
        np.testing.assert_array_equal(drawn[7:], people.draw(labels[7:], 1, 12, hand))
        assert all((image.tobytes(), label) in known for image, label in zip(drawn, labels.tolist(), strict=True))


def test_characters_of_a_data_set_are_joined(data_dir):
    generator = HandwritingGenerator(source=ModelGlyphs(SpotWriter()), seed=1, data_dir=data_dir)
    page = generator.draw_from_dataset("00123")
    assert "".join(box.character for box in page.boxes) == "00123"
    np.testing.assert_array_equal(generator.draw_from_dataset([0, 0, 1, 2, 3]).image, page.image)
    assert len(generator.draw_from_dataset("Ada").boxes) == 3
    with pytest.raises(UserError, match="expected a model"):
        HandwritingGenerator(source="mnist", data_dir=data_dir).style(1)


def test_alphabets_of_the_sources(people, data_dir):
    assert set(people.alphabet) == set(ASCII)
    assert RealGlyphs("mnist", data_dir).alphabet == DIGITS


def test_only_what_is_needed_is_loaded():
    code = (
        "import sys, handwriting; print({'tensorflow', 'keras', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
