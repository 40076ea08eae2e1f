"""Characters drawn from a font: the targets of translation."""

import contextlib
import math
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image, ImageDraw, ImageFont

import config
from drawing import GAP_GREY, caption_font, enlarge, matplotlib_fonts
from shell import UserError, describe_os_error, did_you_mean, parse, run_script, written_whole

FONTS_DIR = Path(__file__).resolve().parent / "fonts"
LINUX_FONT_DIRS = ["~/.local/share/fonts", "~/.fonts", "/usr/local/share/fonts", "/usr/share/fonts"]
MACOS_FONT_DIRS = ["~/Library/Fonts", "/Library/Fonts", "/System/Library/Fonts"]
WINDOWS_FONT_DIRS = ["~/AppData/Local/Microsoft/Windows/Fonts", "/Windows/Fonts"]
FONT_SUFFIXES = {".ttf", ".otf", ".ttc"}
PLAIN_STYLES = {"regular", "book", "normal", "roman", "plain"}  # what foundries call a face without a style

SIZE_RANGE = range(8, 513)  # pixels
SUPERSAMPLING = 8  # subpixels a pixel side: 64 shades of grey at an edge
MARGIN = 2 / 28  # of the side, on each edge
MEASURING_SIZE = 256  # pixels an em
SMALLEST_SPAN = 0.5  # em; without it a lone full stop would be blown up to a ball
BLANK_CATEGORIES = {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs"}  # Unicode's spaces, controls and lone surrogates
FORMULAS = {"cmex10", "cmmi10", "cmsy10"}  # TeX's, of matplotlib: signs of formulas stand in the places of letters
NONCHARACTERS = "\uffff\U0010ffff"  # no font may assign them, so they draw its sign for "missing"


def list_fonts() -> dict[str, Path]:
    """Every font that can be used here, by name.

    Returns:
        Name (family, and style unless plain: "DejaVu Sans Bold") to file. Where a name occurs twice, `fonts/` comes
        before what matplotlib ships and that before the system's.
    """
    fonts: dict[str, Path] = {}
    for name, path in _named_fonts():
        fonts.setdefault(name, path)
    return fonts


def find_font(name: str) -> Path:
    """The file of a font.

    Args:
        name: As `list_fonts` names it, in any case and spacing ("dejavusans"), or the path of a font file.

    Raises:
        UserError: There is no such font.
    """
    name, known = str(name), []
    may_be_file = Path(name).suffix or Path(name).name != name  # else a stray file called "Arial" would hide the font
    for path in (Path(os.path.expanduser(name)), FONTS_DIR / name) if may_be_file else ():
        if os.path.isfile(path):  # unlike Path.is_file, False for a name too long for the system
            return path
    for known_name, path in _named_fonts():  # lazily: the system's many fonts are opened only for a name of theirs
        if _squeezed(known_name) == _squeezed(name):
            return path
        known.append(known_name)
    expected = f"expected an installed font or a font file, found neither{did_you_mean(name, known)}"
    raise UserError(f"font {name!r}: {expected}; list all with `python synthetic_image_generator.py --list`")


def font_name(path: Path) -> str:
    """The name a font file gives itself: its family, and its style unless that is plain.

    Raises:
        UserError: The file is no font, or a damaged one.
    """
    family, style = _open_font(path, MEASURING_SIZE).getname()
    words = (family or "").split() or [path.stem]
    if style and style.lower() not in PLAIN_STYLES and style.lower() != words[-1].lower():
        words += style.split()
    return "".join(character for character in " ".join(words) if character.isprintable())


def _named_fonts() -> Iterator[tuple[str, Path]]:
    system = [Path(os.path.expanduser(folder)) for folder in LINUX_FONT_DIRS + MACOS_FONT_DIRS + WINDOWS_FONT_DIRS]
    for folder in [FONTS_DIR, matplotlib_fonts(), *system]:
        for path in _font_files(folder):
            with contextlib.suppress(UserError):  # one damaged file must not hide the others
                if (name := font_name(path)) not in FORMULAS:
                    yield name, path


def _font_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in FONT_SUFFIXES and path.is_file())


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


def _open_font(path: Path, pixels_per_em: float) -> ImageFont.FreeTypeFont:
    with _font_damage_reported(path):
        # The basic layout engine is in every Pillow; the other is not, and would draw the same single characters.
        return ImageFont.truetype(str(path), pixels_per_em, layout_engine=ImageFont.Layout.BASIC)


@contextlib.contextmanager
def _font_damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError, MemoryError, OverflowError) as error:
        reason = describe_os_error(error) if isinstance(error, OSError) else error
        complaint = f"expected a TrueType or OpenType font, received a damaged or different file ({reason})"
        raise UserError(f"font file {path}: {complaint}; replace or remove it") from error


@dataclass(frozen=True)
class Ink:
    """One character's ink, cropped to its box."""

    image: Image.Image
    top: int
    """Pixels from the baseline down to the first row of ink; negative for what stands above the baseline."""


def render_alphabet(font: str, alphabet: str, size: int = 28) -> np.ndarray:
    """Draws every character of an alphabet at one scale and on one baseline.

    The scale is the largest at which everything between the highest and the lowest ink of the alphabet, and the
    median width, fit in the square less a margin of 2/28 of its side. The few wider glyphs (`W` or `@`
    among narrower ones) are condensed horizontally, which costs them little and spares the others a smaller scale.

    Args:
        font: A name or file, as `find_font` takes it.
        alphabet: Distinct characters that leave ink.
        size: Side of the square in pixels, 8 to 512.

    Returns:
        uint8 `(len(alphabet), size, size, 1)`, white ink (255) on black paper (0).

    Raises:
        UserError: The font is unknown or damaged or lacks characters; the alphabet or the size cannot be drawn.
    """
    _check_request(alphabet, size)
    path = find_font(font)
    with _font_damage_reported(path):
        return _draw_in_square(path, alphabet, _measure(path, alphabet), size)


def render_glyph(character: str, font: str, size: int = 28) -> np.ndarray:
    """Draws one character at the scale and height it has among the font's printable ASCII characters.

    So glyphs from several calls stand on one line; `render_alphabet` fills the square better for fewer characters.
    Arguments and errors are those of `render_alphabet`.

    Returns:
        uint8 `(size, size, 1)`, white ink (255) on black paper (0).
    """
    if len(character) != 1:
        raise UserError(f"a glyph: expected one character, received {character!r}; draw several with render_alphabet")
    _check_request(character, size)
    path = find_font(font)
    with _font_damage_reported(path):
        neighbours = _measure(path, character) | _drawable_inks(path, config.ASCII)
        return _draw_in_square(path, character, neighbours, size)[0]


def _check_request(alphabet: str, size: int) -> None:
    if not alphabet:
        raise UserError("alphabet: expected at least one character, received none; name it or list its characters")
    if doubles := [c for c in dict.fromkeys(alphabet) if alphabet.count(c) > 1]:
        raise UserError(f"alphabet: expected every character once, received {_quoted(doubles)} again; drop the repeats")
    if blanks := [c for c in alphabet if unicodedata.category(c) in BLANK_CATEGORIES]:
        raise UserError(f"alphabet: expected characters that leave ink, received {_quoted(blanks)}; leave them out")
    if size not in SIZE_RANGE:
        limits = f"{SIZE_RANGE[0]} to {SIZE_RANGE[-1]}"
        raise UserError(f"size: expected a whole number of pixels from {limits}, received {size}; change it")


def _quoted(characters: list[str]) -> str:
    listed = " ".join(map(repr, characters[:12]))
    return listed + (f" and {len(characters) - 12} more" if len(characters) > 12 else "")


def _measure(path: Path, alphabet: str) -> dict[str, Ink]:
    """The ink of every character at `MEASURING_SIZE`, or a `UserError` with those the font has no glyph for."""
    if (name := font_name(path)) in FORMULAS:
        raise UserError(f"font {name!r}: expected a typeface, received signs of formulas; choose another")
    inks = _drawable_inks(path, alphabet)
    if missing := [character for character in alphabet if character not in inks]:
        expected = "expected a glyph for every character of the alphabet"
        remedy = "choose another font or leave them out"
        raise UserError(f"font {name!r}: {expected}, found none for {_quoted(missing)}; {remedy}")
    if len(inks) > 1 and len({ink.image.tobytes() for ink in inks.values()}) == 1:
        received = "received one that draws all characters alike"
        raise UserError(f"font {name!r}: expected a typeface, {received}; choose another")
    return inks


def _drawable_inks(path: Path, alphabet: str) -> dict[str, Ink]:
    font = _open_font(path, MEASURING_SIZE)
    missing_signs = [_draw_ink(font, character) for character in NONCHARACTERS]
    inks = {character: _draw_ink(font, character) for character in alphabet}
    return {character: ink for character, ink in inks.items() if ink and ink not in missing_signs}


def _draw_ink(font: ImageFont.FreeTypeFont, character: str) -> Ink | None:
    """The ink of one character at the font's size; None where it leaves none."""
    left, top, right, bottom = (math.floor(edge) for edge in font.getbbox(character, anchor="ls"))
    if max(right - left, bottom - top) > 20 * font.size:
        raise ValueError(f"the glyph of {character!a} is over 20 em wide or high")
    paper = Image.new("L", (max(1, right - left + 2), max(1, bottom - top + 2)))
    ImageDraw.Draw(paper).text((1 - left, 1 - top), character, fill=255, font=font, anchor="ls")
    box = paper.getbbox()
    return Ink(paper.crop(box), top - 1 + box[1]) if box else None


def _draw_in_square(path: Path, alphabet: str, measured: dict[str, Ink], size: int) -> np.ndarray:
    """Draws `alphabet` at the scale and baseline that suit all of `measured`: uint8 (K, S, S, 1)."""
    inks = measured.values()
    highest, lowest = min(ink.top for ink in inks), max(ink.top + ink.image.height for ink in inks)
    typical_width = float(np.median([ink.image.width for ink in inks]))
    frame = size - 2 * round(MARGIN * size)
    scale = frame / max(lowest - highest, typical_width, SMALLEST_SPAN * MEASURING_SIZE)
    baseline = round((size - (highest + lowest) * scale) / 2)  # whole pixels keep the feet of letters sharp
    font = _open_font(path, MEASURING_SIZE * scale * SUPERSAMPLING)
    glyphs = [_place(_draw_ink(font, character), baseline, frame, size) for character in alphabet]
    return np.stack(glyphs)[..., None]


def _place(ink: Ink, baseline: int, frame: int, size: int) -> np.ndarray:
    """Centres supersampled ink on its column, stands it on the baseline and reduces it to (S, S)."""
    image, side = ink.image, size * SUPERSAMPLING
    if image.width > frame * SUPERSAMPLING:
        image = image.resize((frame * SUPERSAMPLING, image.height), Image.Resampling.BOX)
    square = Image.new("L", (side, side))
    square.paste(image, ((side - image.width) // 2, baseline * SUPERSAMPLING + ink.top))
    return np.asarray(square.reduce(SUPERSAMPLING))


def safe_name(character: str) -> str:
    """A file name, without suffix, for a character: plain ASCII, and unlike any other's even where case is ignored.

    `7` is "7", `A` "upper_A", `a` "lower_a", `,` "comma" (its Unicode name) and any other "u+00e9".
    """
    if len(character) != 1:
        raise UserError(f"a file name: expected one character, received {character!r}; name each by itself")
    if character in config.DIGITS:
        return character
    if character in config.LETTERS:
        return ("upper_" if character in config.UPPER else "lower_") + character
    if character in config.SIGNS:
        return re.sub(r"\W", "_", unicodedata.name(character).lower())
    return f"u+{ord(character):04x}"


def draw_contact_sheet(glyphs: np.ndarray, alphabet: str) -> Image.Image:
    """All glyphs, uint8 `(K, S, S, 1)`, in one grey picture, each over its file name.

    Small glyphs are enlarged by a whole factor, up to 84 pixels, so that every pixel stays a sharp square.
    """
    font, names = caption_font(11), [safe_name(character) for character in alphabet]
    factor = max(1, 84 // glyphs.shape[1])
    side = factor * glyphs.shape[1]
    width, height = max(side, *(math.ceil(font.getlength(name)) for name in names)) + 8, side + 28
    columns = min(len(names), max(10, math.isqrt(len(names)) + 2))
    sheet = Image.new("L", (columns * width, math.ceil(len(names) / columns) * height), GAP_GREY)
    draw = ImageDraw.Draw(sheet)
    for index, (glyph, name) in enumerate(zip(glyphs, names, strict=True)):
        centre, top = index % columns * width + width // 2, index // columns * height + 6
        sheet.paste(enlarge(glyph[..., 0], factor), (centre - side // 2, top))
        draw.text((centre, top + side + 4), name, fill=208, font=font, anchor="ma")
    return sheet


def save_glyphs(glyphs: np.ndarray, alphabet: str, folder: Path) -> None:
    """Writes a PNG a character and `contact_sheet.png`; other files in the folder are left alone."""
    pictures = {safe_name(c): Image.fromarray(glyph[..., 0]) for c, glyph in zip(alphabet, glyphs, strict=True)}
    for name, picture in (pictures | {"contact_sheet": draw_contact_sheet(glyphs, alphabet)}).items():
        with written_whole(folder / f"{name}.png") as draft:
            picture.save(draft)


@dataclass(frozen=True)
class Arguments:
    """Draws an alphabet in a typeface: one PNG a character and a contact sheet."""

    show_list: Annotated[bool, tyro.conf.arg(name="list"), tyro.conf.FlagCreatePairsOff] = False
    """Print every font that can be used here, `name<TAB>file`, and draw nothing."""
    font: tuple[str, ...] = ("STIXGeneral",)
    """Names from --list, or font files. Several fonts get a sub-folder each."""
    alphabet: str = "digits"
    """digits, upper, lower, letters, alnum, ascii, or the very characters to draw."""
    size: int = 28
    """Side of a glyph in pixels, 8 to 512."""
    out: Path | None = None
    """Folder to write to. Default: synthetic_ALPHABET, or synthetic_characters for an alphabet of your own."""


def print_fonts() -> None:
    """Prints `name<TAB>file` to stdout, sorted; where own fonts go and which are damaged to stderr."""
    for name, path in sorted(list_fonts().items(), key=lambda item: item[0].casefold()):
        print(f"{name}\t{path}")
    print(f"Put fonts of your own ({', '.join(sorted(FONT_SUFFIXES))}) into {FONTS_DIR}", file=sys.stderr)
    for path in _font_files(FONTS_DIR):
        try:
            font_name(path)
        except UserError as error:
            print(f"warning: {error}", file=sys.stderr)


def draw_fonts(arguments: Arguments) -> None:
    """Draws the alphabet in every font asked for and only then writes, so that a mistake leaves no half a result."""
    alphabet = config.characters_of(arguments.alphabet)
    out = arguments.out or Path("synthetic_" + (arguments.alphabet if alphabet != arguments.alphabet else "characters"))
    folders = _folders(arguments.font, out)
    for folder in (out, *folders):
        if folder.exists() and not folder.is_dir():
            raise UserError(f"--out {folder}: expected a folder, received a file; choose another place")
    drawn = [render_alphabet(font, alphabet, arguments.size) for font in arguments.font]
    for glyphs, folder in zip(drawn, folders, strict=True):
        save_glyphs(glyphs, alphabet, folder)
        print(f"{folder}: {len(glyphs)} glyphs of {arguments.size}x{arguments.size} pixels and contact_sheet.png")


def _folders(fonts: tuple[str, ...], out: Path) -> list[Path]:
    """Where each font goes: `out` itself for one, sub-folders by name for several."""
    if not fonts:
        raise UserError("--font: expected at least one font, received none; name one from --list")
    if len(fonts) == 1:
        return [out]
    names = [re.sub(r"[^\w -]", "_", font_name(find_font(font))) for font in fonts]
    if len({name.casefold() for name in names}) < len(names):
        raise UserError(f"--font: expected different fonts, received {', '.join(names)}; name each once")
    return [out / name for name in names]


def main(arguments: Arguments) -> None:
    """Lists the fonts, or draws an alphabet in some of them."""
    print_fonts() if arguments.show_list else draw_fonts(arguments)


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
