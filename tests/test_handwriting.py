"""Text by hand: one hand, any seed, any number of characters at a time, a hand of one's own."""

from pathlib import Path

import numpy as np
import pytest
from fresh_python import loaded_by
from hypothesis import given, settings
from hypothesis import strategies as st
from test_glyph_sources import SIZE, BentWriter, SpotWriter
from toy_generators import write_generator

from glyph_sources import ModelGlyphs
from handwriting import HandwritingGenerator
from layout import Layout
from shell import UserError
from style import Style


def generator_of(writer=None, seed: int = 0, **options) -> HandwritingGenerator:
    return HandwritingGenerator(source=ModelGlyphs(writer or SpotWriter(), **options), seed=seed)


def writer_of(alphabet: str) -> SpotWriter:
    writer = SpotWriter()
    writer.alphabet = alphabet
    return writer


def test_a_seed_gives_a_page_and_another_seed_another():
    pages = [generator_of(seed=seed).write("abc 012") for seed in (7, 7, 8)]
    assert np.array_equal(pages[0].image, pages[1].image)
    assert pages[0].image.shape != pages[2].image.shape or (pages[0].image != pages[2].image).any()
    assert [box.character for box in pages[0].boxes] == list("abc012")


def test_leading_zeros_stay():
    assert "".join(box.character for box in generator_of().write("003").boxes) == "003"


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


@settings(max_examples=50)
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


def test_unknown_characters_are_skipped_with_a_gap_and_a_warning(capsys):
    generator = generator_of()
    page = generator.write("abAcd", skip_unknown=True)
    assert "warning: text: skipped 'A'" in capsys.readouterr().err
    assert [box.character for box in page.boxes] == list("abcd")
    assert page.image.shape[1] > generator.write("abcd").image.shape[1]


@pytest.mark.parametrize(("text", "written"), [("a\u2019b", "a'b"), ("\u201ca\u2014", '"a-'), ("b\u2026", "b...")])
def test_marks_of_print_are_written_as_a_typewriter_has_them(text, written):
    generator = generator_of(writer_of("ab'\"-."))
    assert [box.character for box in generator.write(text).boxes] == list(written)


def test_marks_that_a_typewriter_would_have_but_the_model_has_not_are_named_as_they_are():
    with pytest.raises(UserError, match="U\\+2019"):
        generator_of(writer_of("ab")).write("a\u2019b")
    assert generator_of(writer_of("a\u2019'")).in_its_marks("a\u2019") == "a\u2019"


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
        ({"seed": 1.5}, "seed"),
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


def test_a_style_of_another_model_is_refused_with_the_reason():
    style, retrained = generator_of().style(1), generator_of(SpotWriter("two"))
    with pytest.raises(UserError, match="an earlier one of that name"):
        retrained.write("ab", style)
    with pytest.raises(UserError, match="'spots', received one of 'x'"):
        retrained.sample("ab", Style(style.vector, "x", "y"))
    with pytest.raises(UserError, match="'spots', received one of 'x'"):
        style.mix(Style(style.vector[:2], "x", "y"), 0.5)


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


def test_letters_of_ones_own_are_written_as_they_were(tmp_path):
    generator = generator_of(temperature=0)
    images = generator_of(seed=4).sample("ab1")
    style = generator.style_of(images, "ab1")
    style.save(tmp_path / "mine.json")
    written = generator.sample("ab1", Style.load(tmp_path / "mine.json"))
    np.testing.assert_allclose(written / 255, images / 255, atol=0.06)
    assert np.abs(generator.sample("c", style)[0] / 255 - images[0] / 255).max() > 0.1
    to_own = generator.interpolate((style, "a"), (style, "c"), 2)
    np.testing.assert_allclose(to_own[0], images[0] / 255, atol=0.06)


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
    for end in ((style, "ab"), (images[0][..., 0], "a"), (images[0] / 255, "a")):
        with pytest.raises(ValueError, match="an end must"):
            generator.interpolate(end, (style, "b"), 2)


# -------------------------------------------------------------------------------------------------------- generators


@pytest.fixture(scope="module")
def generators(tmp_path_factory) -> Path:
    """A folder of models: one that invents what it is told, and one that is told nothing."""
    folder = tmp_path_factory.mktemp("generators")
    write_generator(folder, "told")
    write_generator(folder, "untold", labelled=False)
    return folder


def test_a_generator_writes_lines_in_a_hand(generators, tmp_path):
    generator = HandwritingGenerator("told", seed=5, models_dir=generators)
    page = generator.write("42 007")
    assert "".join(box.character for box in page.boxes) == "42007"
    generator.style(9).save(tmp_path / "hand.json")
    same = [generator.write("42", style).image for style in (Style.load(tmp_path / "hand.json"), generator.style(9))]
    np.testing.assert_array_equal(*same)
    with pytest.raises(UserError, match="'a'; change the text"):
        generator.write("4a")


def test_the_source_of_a_model_may_be_named_or_left_out(generators):
    named = HandwritingGenerator("told", 5, generators, source="cgan")
    unnamed = HandwritingGenerator("told", 5, generators)
    np.testing.assert_array_equal(named.sample("08"), unnamed.sample("08"))


@settings(max_examples=20)
@given(st.integers(0, 40), st.integers(1, 10))
def test_an_invented_sample_is_a_function_of_seed_and_number(generators, start, count):
    generator, text = HandwritingGenerator("told", 4, generators), "0123456789" * 5
    np.testing.assert_array_equal(
        generator.sample(text[start : start + count], start=start), generator.sample(text)[start : start + count]
    )


def test_mixing_is_by_weights_of_any_sum(generators):
    generator = HandwritingGenerator("told", 5, generators)
    mixed = generator.mix({"1": 4, "7": 2}, 3)
    np.testing.assert_array_equal(mixed, generator.mix({"7": 0.5, "1": 1}, 3))
    np.testing.assert_array_equal(generator.mix({"1": 1, "7": 0}, 3), generator.sample("111"))
    held = generator.mix({"1": 4, "7": 2}, 3, generator.style(1))
    assert (held != mixed).any()


def test_what_cannot_be_mixed_is_refused(generators):
    generator = HandwritingGenerator("told", 5, generators)
    with pytest.raises(UserError, match="mix: .*'told' can write|mix: .*received 'x'; change the mix"):
        generator.mix({"1": 1, "x": 1})
    with pytest.raises(UserError, match="-1"):
        generator.mix({"1": -1, "2": 3})
    with pytest.raises(UserError, match="choose the source 'cgan'"):
        generator_of().mix({"a": 1, "b": 1})
    with pytest.raises(UserError, match="'told', received one of 'x'"):
        generator.mix({"1": 1}, style=Style(np.zeros(10, np.float32), "x", "y"))


def test_what_takes_a_cvae_says_so(generators):
    generator, picture = HandwritingGenerator("told", 5, generators), np.full((1, SIZE, SIZE, 1), 9, np.uint8)
    for call in (generator.style_of, generator.reconstruct, generator.denoise):
        with pytest.raises(UserError, match="expected a CVAE.*choose the source 'cvae'"):
            call(picture, "1")
    with pytest.raises(UserError, match="expected a CVAE"):
        generator.interpolate((generator.style(1), "1"), (generator.style(2), "2"), 3)


def test_a_plain_generator_writes_so_many_and_no_text(generators):
    generator = HandwritingGenerator("untold", 3, generators)
    page = next(generator.invent_pages(12))
    assert len(page.boxes) == 12
    assert set("".join(box.character for box in page.boxes)) <= set("0123456789")
    for call in (generator.write, generator.sample):
        with pytest.raises(UserError, match="--random 20.*told none.*'cgan'"):
            call("123")
    with pytest.raises(UserError, match="no styles"):
        generator.style(1)
    with pytest.raises(UserError, match="choose the source 'gan'"):
        next(HandwritingGenerator("told", 3, generators).invent_pages(12))


# ------------------------------------------------------------------------------------------------- real characters


def test_characters_of_a_data_set_are_joined(data_dir):
    generator = HandwritingGenerator(source=ModelGlyphs(SpotWriter()), seed=1, data_dir=data_dir)
    page = generator.draw_from_dataset("00123")
    assert "".join(box.character for box in page.boxes) == "00123"
    np.testing.assert_array_equal(generator.draw_from_dataset([0, 0, 1, 2, 3]).image, page.image)
    assert len(generator.draw_from_dataset("Ada").boxes) == 3
    with pytest.raises(UserError, match="expected a model"):
        HandwritingGenerator(source="mnist", data_dir=data_dir).style(1)


def test_only_what_is_needed_is_loaded():
    assert not loaded_by("import handwriting")
