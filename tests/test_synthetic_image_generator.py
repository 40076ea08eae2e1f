"""Fonts are found by name, glyphs are crisp, whole and on one line, and every mistake ends in one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tyro
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import config
import synthetic_image_generator as generator
from shell import UserError, parse

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ["STIXGeneral", "DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"]


def ink_box(glyph: np.ndarray) -> tuple[int, int, int, int]:
    """First and last row, first and last column of the ink."""
    rows, columns = np.flatnonzero(glyph.max(axis=(1, 2))), np.flatnonzero(glyph.max(axis=(0, 2)))
    return rows[0], rows[-1], columns[0], columns[-1]


def glyphs_by_character(font: str, alphabet: str, size: int = 28) -> dict[str, np.ndarray]:
    return dict(zip(alphabet, generator.render_alphabet(font, alphabet, size), strict=True))


def draw(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["synthetic_image_generator.py", *arguments])
    generator.main(parse(lambda: tyro.cli(generator.Arguments)))


@pytest.fixture
def own_fonts(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "fonts"
    folder.mkdir()
    monkeypatch.setattr(generator, "FONTS_DIR", folder)
    return folder


@pytest.mark.parametrize("name", SHIPPED)
def test_the_four_fonts_are_always_there(name):
    assert generator.find_font(name) == generator.list_fonts()[name]
    assert generator.find_font(name.upper()) == generator.find_font(name.replace(" ", "").lower())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_font_is_found_without_a_scan_of_the_system(name, tmp_path, monkeypatch):
    opened, font_name = [], generator.font_name
    mine = tmp_path / "mine.ttf"
    mine.write_bytes(generator.find_font(name).read_bytes())
    monkeypatch.setattr(generator, "LINUX_FONT_DIRS", [str(tmp_path)])
    monkeypatch.setattr(generator, "font_name", lambda path: opened.append(path) or font_name(path))
    generator.find_font(name)
    assert opened and mine not in opened
    generator.list_fonts()
    assert mine in opened


def test_own_fonts_come_first_and_a_damaged_one_hides_none(own_fonts):
    (own_fonts / "a_damaged.ttf").write_bytes(b"no font at all")
    (own_fonts / "sub").mkdir()
    mine = own_fonts / "sub" / "Mine.TTF"
    mine.write_bytes(generator.find_font("DejaVu Serif").read_bytes())
    assert generator.list_fonts()["DejaVu Serif"] == mine
    assert generator.find_font("dejavu serif") == mine
    assert generator.find_font("sub/Mine.TTF") == mine
    assert generator.find_font(str(mine)) == mine


def test_a_stray_file_does_not_hide_a_font(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("STIXGeneral").write_text("notes")
    assert generator.find_font("STIXGeneral").suffix == ".ttf"


@pytest.mark.parametrize("name", ["cmex10", "cmmi10", "cmsy10"])
def test_signs_of_formulas_are_no_typeface(name):
    assert name not in generator.list_fonts()
    path = generator.find_font("STIXGeneral").with_name(f"{name}.ttf")
    with pytest.raises(UserError, match=f"font '{name}': expected a typeface, received signs of formulas"):
        generator.render_alphabet(str(path), "A")


def test_an_unknown_font_says_what_to_do():
    with pytest.raises(UserError, match=r"'DejaVu Sanz'.*did you mean 'DejaVu Sans'.*--list"):
        generator.find_font("DejaVu Sanz")


@settings(max_examples=20)
@given(st.text(max_size=300))
def test_any_name_is_a_font_or_a_clear_error(name):
    try:
        assert generator.find_font(name).is_file()
    except UserError as error:
        assert len(str(error).splitlines()) == 1


@pytest.mark.parametrize("font", SHIPPED)
@pytest.mark.parametrize("alphabet", [config.ASCII, config.DIGITS, config.UPPER, config.LOWER])
@pytest.mark.parametrize("size", [28, 64])
def test_the_whole_alphabet_fits_and_is_centred(font, alphabet, size):
    glyphs = generator.render_alphabet(font, alphabet, size)
    assert glyphs.shape == (len(alphabet), size, size, 1)
    assert glyphs.dtype == np.uint8
    assert len({glyph.tobytes() for glyph in glyphs}) == len(alphabet)  # I l 1 | 0 O o can be told apart
    margin, boxes = round(size / 14) - 1, np.array([ink_box(glyph) for glyph in glyphs])
    first_row, first_column = boxes[:, 0].min(), boxes[:, 2]
    last_row, last_column = boxes[:, 1].max(), boxes[:, 3]
    assert first_row >= margin
    assert last_row < size - margin
    assert abs(first_row + last_row - (size - 1)) <= 2
    assert np.all(np.abs(first_column + last_column - (size - 1)) <= 1)
    assert np.all(first_column >= margin)


@pytest.mark.parametrize("font", SHIPPED)
def test_digits_fill_the_square_with_sharp_strokes(font):
    for glyph in generator.render_alphabet(font, config.DIGITS):
        top, bottom, _, _ = ink_box(glyph)
        assert 20 <= bottom - top + 1 <= 26
        assert np.mean((glyph[glyph > 0] > 64) & (glyph[glyph > 0] < 192)) < 0.5
        assert glyph.max() == 255


@pytest.mark.parametrize("font", SHIPPED)
def test_glyphs_stand_on_one_baseline(font):
    glyphs = glyphs_by_character(font, config.ASCII)
    top, bottom = ({c: ink_box(glyph)[edge] for c, glyph in glyphs.items()} for edge in (0, 1))
    baseline = bottom["H"]
    assert all(bottom[c] == baseline for c in "EFILMTXxikmrh124")
    assert all(bottom[c] > baseline for c in "gpqy,;_")
    assert bottom["'"] < top["."]
    assert top["x"] == top["z"] > top["h"]


@pytest.mark.parametrize("font", SHIPPED)
def test_a_wide_glyph_does_not_shrink_the_others(font):
    narrow, wide = (glyphs_by_character(font, alphabet, 64) for alphabet in ("HIEFL", "HIEFLMW"))
    for character in "HIEFL":
        assert ink_box(wide[character])[:2] == pytest.approx(ink_box(narrow[character])[:2], abs=1)


def test_a_lone_full_stop_stays_a_dot():
    top, bottom, _, _ = ink_box(generator.render_alphabet("DejaVu Sans", ".")[0])
    assert bottom - top < 14


def test_glyphs_of_several_calls_stand_on_one_line():
    together = glyphs_by_character("DejaVu Serif", config.ASCII)
    for character in "Hg,":
        np.testing.assert_array_equal(generator.render_glyph(character, "DejaVu Serif"), together[character])
    assert generator.render_glyph("é", "DejaVu Serif", 32).shape == (32, 32, 1)


@pytest.mark.parametrize("font", SHIPPED)
def test_missing_characters_are_named_with_their_font(font):
    with pytest.raises(UserError, match=rf"{font}.*'漢'"):
        generator.render_alphabet(font, "A漢é")
    with pytest.raises(UserError, match=f"'{font}'"):
        generator.render_glyph("漢", font)


def test_a_font_of_placeholders_is_no_typeface():
    with pytest.raises(UserError, match=r"Last Resort.*alike"):
        generator.render_alphabet("Last Resort High-Efficiency", "ABC")


@pytest.mark.parametrize(
    ("alphabet", "size", "complaint"),
    [
        ("", 28, "received none"),
        ("abca", 28, "once, received 'a'"),
        ("a b", 28, "leave ink, received ' '"),
        ("a\n", 28, "leave ink"),
        ("a\u200b", 28, "leave ink"),
        ("a\ud800", 28, "leave ink"),
        ("ab", 7, "received 7"),
        ("ab", 10**9, "received 1000000000"),
    ],
)
def test_what_cannot_be_drawn_is_refused(alphabet, size, complaint):
    with pytest.raises(UserError, match=complaint):
        generator.render_alphabet("DejaVu Sans", alphabet, size)


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=4))
def test_any_text_is_drawn_with_ink_or_refused(text):
    try:
        glyphs = generator.render_alphabet("DejaVu Sans", text)
    except UserError:
        return
    assert glyphs.shape == (len(text), 28, 28, 1)
    assert np.all(glyphs.max(axis=(1, 2, 3)) > 0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_font_file_is_a_clear_error_or_still_draws(tmp_path, data):
    whole = generator.find_font("cmr10").read_bytes()
    kept = data.draw(st.integers(0, len(whole)) | st.just(len(whole)))
    damaged = bytearray(whole[:kept])
    for place in data.draw(st.lists(st.integers(0, max(0, kept - 1)), max_size=30)) if kept else ():
        damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.ttf"
    path.write_bytes(damaged)
    try:
        assert generator.render_alphabet(str(path), "A7").shape == (2, 28, 28, 1)
    except UserError as error:
        assert len(str(error).splitlines()) == 1


def test_file_names_of_ascii_say_what_they_hold():
    names = {character: generator.safe_name(character) for character in config.ASCII}
    assert (names["7"], names["A"], names["a"], names[","]) == ("7", "upper_A", "lower_a", "comma")
    assert generator.safe_name("é") == "u+00e9"
    assert all(name.isascii() and not set(name) & set('/\\:*?"<>|. ') for name in names.values())
    everything = [generator.safe_name(chr(code)).casefold() for code in range(0x3000)]
    assert len(set(everything)) == len(everything)


@given(st.characters(), st.characters())
def test_file_names_differ_even_where_case_is_ignored(one, other):
    same = generator.safe_name(one).casefold() == generator.safe_name(other).casefold()
    assert same == (one == other)


def test_the_files_hold_the_glyphs_and_others_are_left_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "synthetic_digits").mkdir()
    notes = tmp_path / "synthetic_digits" / "notes.txt"
    notes.write_text("mine")
    draw(monkeypatch, tmp_path, "--font", "DejaVu Sans Mono")
    written = {path.name for path in notes.parent.iterdir()}
    assert written == {f"{digit}.png" for digit in config.DIGITS} | {"contact_sheet.png", "notes.txt"}
    assert notes.read_text() == "mine"
    drawn = generator.render_alphabet("DejaVu Sans Mono", config.DIGITS)
    np.testing.assert_array_equal(np.asarray(Image.open(notes.parent / "7.png")), drawn[7, ..., 0])
    assert "synthetic_digits: 10 glyphs" in capsys.readouterr().out


def test_several_fonts_get_a_folder_each(tmp_path, monkeypatch):
    draw(monkeypatch, tmp_path, "--font", "stixgeneral", "DejaVu Serif", "--alphabet", "Aaé", "--size", "32")
    for font in ("STIXGeneral", "DejaVu Serif"):
        written = {path.name for path in (tmp_path / "synthetic_characters" / font).iterdir()}
        assert written == {"upper_A.png", "lower_a.png", "u+00e9.png", "contact_sheet.png"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--font", "STIXGeneral", "stix general"], "different fonts"),
        (["--font"], "at least one font"),
        (["--font", "DejaVu Sans", "nonsense"], "'nonsense'"),
        (["--out", "taken"], "expected a folder"),
        (["--alphabet", "aa"], "once"),
    ],
)
def test_a_mistake_writes_nothing(arguments, complaint, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(UserError, match=complaint):
        draw(monkeypatch, tmp_path, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_contact_sheet_shows_every_glyph_sharply():
    glyphs = generator.render_alphabet("DejaVu Sans", config.ASCII)
    sheet = np.asarray(generator.draw_contact_sheet(glyphs, config.ASCII))
    last = np.kron(glyphs[-1, ..., 0], np.ones((3, 3), np.uint8))
    windows = np.lib.stride_tricks.sliding_window_view(sheet[-112:], last.shape)
    assert np.any(np.all(windows == last, axis=(2, 3)))


def test_the_list_can_be_read_by_a_program(own_fonts, tmp_path, monkeypatch, capsys):
    (own_fonts / "broken.otf").write_bytes(b"\0" * 100)
    draw(monkeypatch, tmp_path, "--list")
    printed = capsys.readouterr()
    rows = [line.split("\t") for line in printed.out.splitlines()]
    assert [name for name, _ in rows] == sorted((name for name, _ in rows), key=str.casefold)
    assert set(SHIPPED) <= {name for name, _ in rows}
    assert str(own_fonts) in printed.err
    assert "broken.otf" in printed.err


def test_help_and_errors_at_the_terminal(tmp_path):
    script = [sys.executable, str(ROOT / "synthetic_image_generator.py")]
    helped = subprocess.run([*script, "--help"], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert helped.returncode == 0
    assert "--alphabet" in helped.stdout
    failed = subprocess.run([*script, "--font", "nonsense"], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (failed.returncode, failed.stdout, len(failed.stderr.splitlines())) == (2, "", 1)


def test_matplotlib_is_never_imported():
    drawing = "import sys, synthetic_image_generator as g; g.render_alphabet('STIXGeneral', '7')"
    probe = f"{drawing}; print('matplotlib' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, timeout=60).stdout
    assert printed.strip() == "False"
