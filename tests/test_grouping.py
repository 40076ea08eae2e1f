"""Pieces of ink become characters: in a line small signs, too, where they are wanted, and never dirt."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_picture import likeness, side_by_side

from config import ASCII
from drawing import caption_font
from ink import Part
from letterforms import form_of
from picture import FoundGlyph, find_glyph, find_glyphs
from readers import Recogniser
from signs import weighed_by_place

SCALE = 6  # pixels of a line for each of the glyphs it is composed of
CAPITAL = 24  # pixels of those glyphs


@pytest.mark.parametrize(("gap", "lean"), [(0.04, 0), (0.15, -0.15), (0.15, 0.15), (0.3, -0.3), (0.3, 0), (0.3, 0.3)])
@pytest.mark.parametrize("text", ["0.5", "1,7", "-5", "0'5", "5-7", "5:0", "1.5.7", "7."])
def test_small_signs_are_kept_where_they_are_wanted(text, gap, lean):
    line = side_by_side(text, gap, lean)
    found = find_glyphs(line, signs=True)
    assert [one.place is None for one in found] == [character.isdigit() for character in text]
    for digit, one in zip(text, found, strict=True):
        assert not digit.isdigit() or likeness(one.glyph, find_glyph(side_by_side(digit, 0, lean)).glyph) > 0.9


def test_a_sign_is_framed_by_the_height_of_its_line_and_told_with_its_place():
    places, sides = {}, {}
    for sign in ".,-'":
        (one,) = [one for one in find_glyphs(side_by_side(f"0{sign}0", 0.2, 0), signs=True) if one.place is not None]
        rows, columns = np.nonzero(one.glyph > 128)
        places[sign], sides[sign] = one.place, max(np.ptp(rows), np.ptp(columns)) + 1
    assert places == {",": pytest.approx(0, abs=0.08), ".": pytest.approx(0.07, abs=0.05),
                      "-": pytest.approx(0.5, abs=0.08), "'": pytest.approx(0.87, abs=0.08)}  # fmt: skip
    assert max(sides["."], 1) <= 4 < sides[","] < sides["-"] <= 12


@pytest.mark.parametrize("sign", "ij:;=%!?")
@pytest.mark.parametrize("text", ["{}", "7{}7"])
def test_signs_of_several_parts_stay_whole_beside_small_ones(sign, text):
    page = Image.new("L", (400, 160), 255)
    ImageDraw.Draw(page).text((40, 20), text.format(sign), 0, caption_font(90))
    assert len(find_glyphs(page, signs=True)) == len(text.format(sign))


def test_the_dot_of_an_i_is_its_own_also_aside_of_it():
    page = side_by_side("010", 0.3, 0)
    pen = ImageDraw.Draw(page)
    left, top, right, _ = find_glyphs(page)[1].box
    pen.rectangle((left - 9, top - 9, right + 9, top + 45), 255)  # the stem goes up to the height of an x alone
    pen.rectangle((right + 2, top + 18, right + 10, top + 26), 0)
    assert [one.place for one in find_glyphs(page, signs=True)] == [None] * 3


def test_dust_is_no_sign():
    page, rng = np.asarray(side_by_side("0150", 0.3, 0)).astype(float) * 0.8 + 20, np.random.default_rng(0)
    page = page + rng.normal(0, 4, page.shape)
    clean = find_glyphs(page.clip(0, 255).astype(np.uint8), signs=True)
    for row, column in rng.integers((10, 10), (190, page.shape[1] - 10), (12, 2)):
        page[row : row + 3, column : column + 3] -= 90
    found = find_glyphs(page.clip(0, 255).astype(np.uint8), signs=True)
    assert len(found) == len(clean) == 4
    assert not any(one.place for one in found)


def test_pieces_of_a_broken_stroke_are_no_signs():
    page = np.asarray(side_by_side("070", 0.3, 0)).astype(float) * 0.8 + 20
    _, top, right, _ = find_glyphs(page.astype(np.uint8))[1].box
    cut = slice(right - 16, right - 8)
    page[top : top + 12, cut] = 224 - 0.35 * (224 - page[top : top + 12, cut])  # fainter than half
    page += np.random.default_rng(0).normal(0, 3, page.shape)
    found = find_glyphs(page.clip(0, 255).astype(np.uint8), signs=True)
    assert [one.place for one in found] == [None] * 3
    assert found[1].box[2] == pytest.approx(right, abs=2)


def test_a_part_knows_its_longest_piece():
    dots = Part((0, 0, 4, 4), 16, (1,), 4) + Part((0, 20, 6, 25), 30, (2,), 6)
    assert (dots.box, dots.longest, dots.height) == ((0, 0, 6, 25), 6, 25)


# ------------------------------------------------------------------------------------------------------- real data


@pytest.fixture(scope="module")
def written(data_dir) -> dict[str, np.ndarray]:
    """Pictures by character, of writers whom no model was trained on; signs are as large as beside their capitals."""
    with np.load(data_dir / "unipen94" / "unipen94.npz") as data:
        test = data["split"] == "test"
        images, labels = data["images"][test], data["labels"][test]
    chosen = np.random.default_rng(0).permutation(len(labels))
    return {character: images[chosen[labels[chosen] == ASCII.index(character)]] for character in "0123456789.,-'"}


def line_of(text: str, written: dict[str, np.ndarray], rng: np.random.Generator) -> Image.Image:
    """A line of characters that people wrote: digits on its foot, signs where they are in type."""
    page, right = Image.new("L", (220 * len(text), 400)), 30
    for character in text:
        glyph = Image.fromarray(written[character][rng.integers(len(written[character]))])
        ink = glyph.crop(glyph.getbbox()).resize(tuple(SCALE * side for side in glyph.crop(glyph.getbbox()).size))
        form, capital = form_of(character), CAPITAL * SCALE / form_of("H").top
        middle = (form.top + form.bottom) / 2 * capital
        top = 250 - ink.height if character.isdigit() else 250 - round(middle + ink.height / 2)
        page.paste(ink, (right, top))
        right += ink.width + int(rng.integers(15, 50))
    return page.point(lambda level: 255 - level)


def read(found: list[FoundGlyph], model: Recogniser) -> str:
    rows = model.recognise(np.stack([one.glyph for one in found])[..., None]).probabilities
    placed = [row if one.place is None else weighed_by_place(row, model.alphabet, one.place)
              for one, row in zip(found, rows, strict=True)]  # fmt: skip
    return "".join(model.alphabet[row.argmax()] for row in placed)


def test_signs_between_digits_that_people_wrote_are_found_and_read(written):
    model, right_signs, lines = Recogniser.open("recogniser-ascii"), 0, 40
    for number in range(lines):
        rng = np.random.default_rng([1, number])
        sign = ".,-'"[number % 4]
        text = f"{rng.integers(10)}{sign}{rng.integers(10)}{rng.integers(10)}"
        found = find_glyphs(line_of(text, written, rng), signs=True)
        right_signs += len(found) == len(text) and found[1].place is not None and read(found, model)[1] == sign
    assert right_signs / lines > 0.7  # without their places half of them


def test_digits_that_people_wrote_are_the_same_whether_signs_are_wanted_or_not(written):
    for number in range(30):
        rng = np.random.default_rng([2, number])
        line = line_of("".join(map(str, rng.integers(0, 10, 4))), written, rng)
        plain, wanted = find_glyphs(line), find_glyphs(line, signs=True)
        assert [one.glyph.tobytes() for one in plain] == [one.glyph.tobytes() for one in wanted]
