"""Pages hold what was written, where the boxes say; lines break where they must; the same seed gives the same page."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import layout as module
from config import ASCII
from drawing import caption_font
from ink import find_parts
from layout import Layout, set_pages
from lettering import Letter
from shell import UserError
from written_page import Box, Page

STEADY = Layout(jitter=0, spacing=(2, 2))
PAPER = 255


def framed(character: str) -> np.ndarray:
    """A character of a typeface as data sets frame it: without its size and place."""
    paper = Image.new("L", (200, 200))
    ImageDraw.Draw(paper).text((60, 150), character, fill=255, font=caption_font(100), anchor="ls")
    ink = paper.crop(paper.getbbox())
    scale = 20 / max(ink.size)
    ink = ink.resize([max(2, round(scale * side)) for side in ink.size])
    glyph = Image.new("L", (28, 28))
    glyph.paste(ink, [(28 - side) // 2 for side in ink.size])
    return np.asarray(glyph)


GLYPHS = {character: framed(character) for character in ASCII}


def draw(characters: str, start: int) -> np.ndarray:
    return np.stack([GLYPHS.get(character, GLYPHS["x"]) for character in characters])


def pages_of(text: str, layout: Layout = STEADY, seed: int = 0, gaps: str = "") -> list[Page]:
    return list(set_pages(text, draw, layout, seed, gaps))


def page_of(text: str, layout: Layout = STEADY, **options) -> Page:
    (page,) = pages_of(text, layout, **options)
    return page


def lines_of(page: Page) -> list[str]:
    """The characters of every line, words parted by a space."""
    lines: dict[int, dict[int, str]] = {}
    for box in page.boxes:
        words = lines.setdefault(box.line, {})
        words[box.word] = words.get(box.word, "") + box.character
    return [" ".join(words.values()) for words in lines.values()]


def bottom(box: Box) -> int:
    return box.y + box.height


def right(box: Box) -> int:
    return box.x + box.width


def boxes_by_character(text: str, layout: Layout = STEADY) -> dict[str, Box]:
    return {box.character: box for box in page_of(text, layout).boxes}


def assert_boxes_hold_the_ink(page: Page) -> None:
    uncovered = (page.image != PAPER).any(axis=2)
    for box in page.boxes:
        assert box.x >= 0 and box.y >= 0
        assert right(box) <= page.image.shape[1] and bottom(box) <= page.image.shape[0]
        ink = (page.image[box.y : bottom(box), box.x : right(box)] != PAPER).any(axis=2)
        assert all(edge.any() for edge in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
        uncovered[box.y : bottom(box), box.x : right(box)] = False
    assert not uncovered.any()


@pytest.mark.parametrize("height", [12, 64, 200])
def test_boxes_hold_all_ink_and_nothing_else(height):
    page = page_of("Dear Ada, (room 007)!\n\n'jumpy' gq", Layout(height=height))
    assert "".join(box.character for box in page.boxes) == "DearAda,(room007)!'jumpy'gq"
    assert_boxes_hold_the_ink(page)


def test_characters_get_their_height_and_place_back():
    box = boxes_by_character("abgd,'-.Hl_")
    body = STEADY.height
    baseline = bottom(box["H"])
    for character in "abdl.":
        assert abs(bottom(box[character]) - baseline) <= 2
    assert bottom(box["g"]) > baseline + 0.15 * body
    assert bottom(box[","]) > baseline + 0.05 * body
    assert bottom(box["'"]) < box["a"].y + 0.1 * body
    assert box["a"].y > box["b"].y + 0.2 * body
    assert abs(box["d"].height - 0.77 * body) < 4
    assert abs(box["a"].y - box["g"].y) <= 4
    assert box["a"].y < box["-"].y and bottom(box["-"]) < baseline
    assert box["_"].y > baseline


@pytest.mark.parametrize("sign", "-_=~.")
def test_a_flat_or_small_sign_is_no_bar(sign):
    assert boxes_by_character(f"{sign} x")[sign].height < 0.35 * STEADY.height


def test_edges_are_crisp_at_any_height():
    for height in (64, 200):
        grey = page_of("lo", Layout(height=height, ink="black", jitter=0)).image[..., 0]
        share = np.mean((grey > 40) & (grey < 215)) / np.mean(grey < 215)
        assert share < 32 / height


def test_words_wrap_and_the_space_at_the_wrap_vanishes():
    wide = page_of("one two three four")
    page = page_of("one two three four", Layout(width=wide.image.shape[1] * 2 // 3, jitter=0, spacing=(2, 2)))
    assert lines_of(wide) == ["one two three four"]
    assert " ".join(lines_of(page)) == "one two three four" and len(lines_of(page)) == 2
    starts = [min(box.x for box in page.boxes if box.line == line) for line in (0, 1)]
    assert starts == [STEADY.border] * 2
    assert [box.word for box in page.boxes if box.character == "t"] == [1, 2]


def test_a_word_longer_than_the_page_is_wide_breaks_inside():
    page = page_of("a " + "mm" * 20 + " b", Layout(width=300))
    assert "".join(box.character for box in page.boxes) == "a" + "m" * 40 + "b"
    assert {box.word for box in page.boxes if box.character == "m"} == {1}
    assert page.boxes[1].line == 1 and page.boxes[-2].line >= 4
    assert_boxes_hold_the_ink(page)


@pytest.mark.parametrize("text", ["one\n\ntwo", "one\r\n\r\ntwo", "one\r\rtwo", "one  \n\t\ntwo\n\n"])
def test_line_breaks_and_blank_lines(text):
    page = page_of(text)
    assert [(box.line, box.word) for box in page.boxes] == [(0, 0)] * 3 + [(2, 1)] * 3
    pitch = round(2 * STEADY.line_pitch)
    assert abs(bottom(page.boxes[3]) - bottom(page.boxes[1]) - pitch) <= 6
    assert page.image.shape[0] == 2 * STEADY.border + STEADY.height + np.ceil(2 * STEADY.line_pitch)


def test_runs_of_spaces_keep_their_width():
    def gap(between: str) -> int:
        first, second = page_of(f"n{between}n").boxes
        return second.x - right(first)

    assert abs(gap("   ") - 3 * gap(" ")) <= 2
    assert gap("\t") == gap("    ")
    assert gap("\u00a0") == gap(" ")


def test_alignment():
    text, inner = "a longer line\nshort", 700 - 2 * STEADY.border
    for align, place in (("left", 0.0), ("centre", 0.5), ("right", 1.0)):
        page = page_of(text, Layout(width=700, align=align, jitter=0))
        for line in (0, 1):
            boxes = [box for box in page.boxes if box.line == line]
            left, end = boxes[0].x, max(map(right, boxes))
            assert abs(left - STEADY.border - place * (inner - (end - left))) <= 1
        assert page.image.shape[1] == 700


@pytest.mark.parametrize("spacing", [(2, 2), (9, 9), (3, 12), (-3, -3)])
def test_spacing_is_the_paper_between_neighbours(spacing):
    boxes = page_of("HHHHHHHH", Layout(spacing=spacing, jitter=0)).boxes
    gaps = [after.x - right(before) for before, after in pairwise(boxes)]
    assert min(gaps) >= spacing[0] - 2 and max(gaps) <= spacing[1] + 1
    assert (len(set(gaps)) > 2) == (spacing[0] < spacing[1])


def test_gaps_follow_the_ink():
    def overlap(pair: str) -> int:
        first, second = page_of(pair).boxes
        return right(first) - second.x

    assert overlap("AV") > 0 > overlap("HH")
    assert overlap("To") > overlap("Ho")
    assert overlap("r.") > overlap("n.")


@pytest.mark.parametrize("pair", ["AV", "To", "r.", "L'", "ll", "oo", "fj", "7)", "T."])
def test_neighbours_do_not_touch(pair):
    page = page_of(pair, Layout(spacing=(4, 4), jitter=0))
    dark = page.image[..., 0] < 128
    assert len(find_parts(dark)[1]) == sum(one in "j" for one in pair) + 2


def test_gaps_stand_for_what_is_not_drawn():
    page, closed = page_of("n\u4e2dn", gaps="\u4e2d"), page_of("nn")
    assert [box.character for box in page.boxes] == ["n", "n"]
    assert page.boxes[1].x > closed.boxes[1].x + 0.3 * STEADY.height
    asked = []
    list(set_pages("a?b", lambda some, start: asked.append((some, start)) or draw(some, start), STEADY, gaps="?"))
    assert asked == [("ab", 0)]


def test_the_same_seed_gives_the_same_page_and_another_another():
    text, alive = "The quick brown fox", Layout()
    first, again, other = (page_of(text, alive, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, again.image)
    assert first.boxes == again.boxes != other.boxes


def test_a_hand_without_jitter_writes_like_letters_alike():
    steady, alive = page_of("nnnn"), page_of("nnnn", Layout(spacing=(2, 2)))
    assert len({(box.y, box.width, box.height) for box in steady.boxes}) == 1
    assert len({(box.y, box.width, box.height) for box in alive.boxes}) > 1


def test_a_letter_depends_on_its_number_and_not_on_what_follows():
    start = "Ada calls " * 8  # more letters than the pen is chosen by
    short, long = page_of(start, Layout(), seed=3), page_of(start + "me again", Layout(), seed=3)
    for mine, its in zip(short.boxes, long.boxes, strict=False):
        assert mine == its


def test_pages_are_the_same_whatever_the_run(monkeypatch):
    text = "The quick brown fox jumps over the lazy dog. " * 12
    layout = Layout(height=20, width=300, page_height=150)
    pages = pages_of(text, layout, seed=5)
    monkeypatch.setattr(module, "RUN", 64)
    again = pages_of(text, layout, seed=5)
    assert len(pages) == len(again) > 2
    for page, other in zip(pages, again, strict=True):
        np.testing.assert_array_equal(page.image, other.image)
        assert page.boxes == other.boxes


def test_glyphs_are_asked_for_in_order_and_only_as_pages_need_them():
    asked = []

    def watched(characters: str, start: int) -> np.ndarray:
        asked.append((start, len(characters)))
        return draw(characters, start)

    pages = set_pages("word " * 500, watched, Layout(height=10, width=200, page_height=100))
    assert not asked
    next(pages)
    assert sum(count for _, count in asked) <= 640
    list(pages)
    starts, counts = zip(*asked, strict=True)
    assert sum(counts) == 2000 and list(starts) == [0, *np.cumsum(counts)[:-1].tolist()]


def test_pages_and_lines_are_numbered_through():
    layout = Layout(height=20, width=200, page_height=90, jitter=0)
    pages = pages_of("one two three four five six seven eight nine ten", layout)
    assert len(pages) > 1 and all(page.image.shape == (90, 200, 3) for page in pages)
    boxes = [box for page in pages for box in page.boxes]
    assert [box.page for box in boxes] == sorted(box.page for box in boxes)
    assert sorted({box.line for box in boxes}) == list(range(boxes[-1].line + 1))
    assert boxes[-1].word == 9 and boxes[-1].page == len(pages) - 1


def test_a_page_without_a_set_size_ends_somewhere(monkeypatch):
    monkeypatch.setattr(module, "MAX_SIDE", 400)
    pages = pages_of("word " * 150, Layout(height=20, margin=5))
    assert len(pages) > 1
    assert all(max(page.image.shape) <= 400 for page in pages)
    monkeypatch.setattr(module, "MAX_PIXELS", 40_000)
    assert all(page.image.size <= 3 * 40_000 for page in pages_of("word " * 60, Layout(height=20, margin=5)))


def test_a_long_text_needs_no_more_memory_than_a_short_one(monkeypatch):
    blot = np.full((9, 6), 255, np.uint8)
    as_cheap_as_can_be = lambda glyphs, some, *_: (Letter(character, blot, -9) for character in some)  # noqa: E731
    monkeypatch.setattr(module, "ink_letters", as_cheap_as_can_be)
    blank, layout = np.zeros((512, 28, 28), np.uint8), Layout(height=12, width=400, page_height=200)

    def peak_of(words: int) -> int:
        tracemalloc.start()
        pages = set_pages("many words " * words, lambda some, _: blank[: len(some)], layout)
        count = sum(len(page.boxes) for page in pages)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 9 * words
        return peak

    peak_of(10)  # whatever is made once
    assert peak_of(600) < 1.2 * peak_of(200)


def test_colours():
    page = page_of("l", Layout(ink="red", paper="#eeeedd", margin=7))
    assert (page.image[0, 0] == (0xEE, 0xEE, 0xDD)).all()
    assert (page.image == (255, 0, 0)).all(axis=2).any()


def test_slant_leans_to_the_right():
    upright, leaning = page_of("l"), page_of("l", Layout(jitter=0, slant=20))
    assert leaning.boxes[0].width > upright.boxes[0].width + 8
    ink = leaning.image[..., 0] < 128
    rows = np.flatnonzero(ink.any(axis=1))
    assert ink[rows[2]].argmax() > ink[rows[-3]].argmax() + 8


def test_glyphs_of_another_size_and_blank_ones():
    twice = page_of("Hxg").boxes
    pages = set_pages("Hxg", lambda some, start: draw(some, start).repeat(2, axis=1).repeat(2, axis=2), STEADY)
    for box, other in zip(next(pages).boxes, twice, strict=True):
        assert abs(box.height - other.height) <= 3 and abs(box.y - other.y) <= 3
    blank = next(set_pages("ab", lambda some, start: np.zeros((len(some), 28, 28), np.uint8), STEADY))
    assert len(blank.boxes) == 2 and (blank.image == PAPER).all()


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("", {}, "received none"),
        (" \n\t ", {}, "received none"),
        ("a\x07b", {}, r"U\+0007 at place 2"),
        ("a\x85", {}, r"U\+0085"),
        ("Wide", {"width": 70}, "--width 70.*'W'"),
        ("a", {"page_height": 80}, "--page-height 80"),
        ("a", {"width": 50, "margin": 40}, "--width 50"),
    ],
)
def test_what_cannot_be_written_is_told_at_once(text, options, told):
    with pytest.raises(UserError, match=told):
        set_pages(text, draw, Layout(**options))


def test_only_gaps_leave_nothing_to_write():
    with pytest.raises(UserError, match="received none"):
        set_pages("??", draw, STEADY, gaps="?")


@pytest.mark.parametrize(
    "options",
    [
        {"height": 4},
        {"width": 0},
        {"width": 10**6},
        {"page_height": 0},
        {"width": 16_000, "page_height": 16_000},
        {"align": "justified"},
        {"spacing": (5, 2)},
        {"spacing": (float("nan"), 2)},
        {"line_spacing": 0},
        {"margin": -1},
        {"ink": "no colour"},
        {"ink": "navy", "paper": "#000080"},
        {"paper": "#12345"},
        {"slant": 90},
        {"jitter": -1},
        {"jitter": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=f"Received: .*{list(options)[0]}="):  # noqa: RUF015
        Layout(**options)


@settings(max_examples=60)
@given(
    text=st.text(st.sampled_from(ASCII + " \n\t\u00e9"), max_size=60),
    height=st.integers(8, 40),
    width=st.none() | st.integers(1, 300),
    page_height=st.none() | st.integers(1, 200),
    margin=st.integers(0, 10),
    low=st.integers(-8, 8),
    extra=st.integers(0, 8),
    jitter=st.floats(0, 4),
    slant=st.floats(-45, 45),
    align=st.sampled_from(["left", "centre", "right"]),
    gaps=st.sampled_from(["", "e", "e.\u00e9"]),
)
def test_any_text_is_written_or_refused(
    text, height, width, page_height, margin, low, extra, jitter, slant, align, gaps
):
    layout = Layout(
        height=height,
        width=width,
        page_height=page_height,
        margin=margin,
        spacing=(low, low + extra),
        jitter=jitter,
        slant=slant,
        align=align,
    )
    try:
        pages = pages_of(text, layout, gaps=gaps)
    except UserError:
        return
    boxes = [box for page in pages for box in page.boxes]
    assert [box.character for box in boxes] == [one for one in text if not one.isspace() and one not in gaps]
    for page in pages:
        assert_boxes_hold_the_ink(page)
        assert width is None or page.image.shape[1] == width
        assert page_height is None or page.image.shape[0] == page_height
