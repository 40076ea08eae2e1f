"""Text in, handwriting out, in one hand: a PNG a page.

python generate.py "Dear Ada, call me at 9:30 (room 007)!" --seed 7
python generate.py --file letter.txt --width 1200 --style mine/ --out letter.png --boxes letter.json
python generate.py --digits 1 3 5 --spacing 2 5 --source mnist
python generate.py "abc" --threshold 0.5 --variants 5
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from PIL import Image

from config import ASCII, characters_of
from glyph_sources import TEMPERATURE
from handwriting import HandwritingGenerator, check_seed
from inference import is_picture_name
from inference_tasks import default_model
from layout import Box, Layout, Page
from letterspacing import FAINT
from picture import to_glyph
from shell import UserError, parse, run_script, written_whole
from style import Style
from synthetic_image_generator import safe_name

LONG_TEXT = 2000  # characters; writing more shows how far it is
MOST_RANDOM = 1_000_000  # characters
MOST_PIXELS = 100_000_000  # of a grid
SHORT_NAME = 40  # characters
RANDOM_TEXT = 13  # stream of random numbers, beside those of handwriting.py
CHARACTERS = {safe_name(character): character for character in ASCII}  # by the name of their files
EXTRA_NUMBER = re.compile(r"(?<=.)[_-]\d+$")  # that tells pictures of one character apart

Flag = tyro.conf.FlagCreatePairsOff[bool]


@dataclass(frozen=True)
class Arguments:
    """Writes text by hand, all of it in one hand, and saves a PNG a page: exactly the pixels, no frame around them."""

    text: tyro.conf.Positional[tuple[str, ...]] = ()
    """What to write; several pieces are joined by a blank."""
    file: Path | None = None
    """Write the text of this UTF-8 file instead; `-` is standard input."""
    digits: tuple[str, ...] = ()
    """Write these digits instead, side by side: `--digits 1 3 5`."""
    random: int | None = None
    """Write this many characters instead, drawn from --alphabet by the seed."""
    alphabet: str = "digits"
    """What --random draws from: digits, upper, lower, letters, alnum, ascii, or the characters themselves."""
    out: Path | None = None
    """The .png file; NAME-1.png, NAME-2.png and so on where there are several pages. Unset: images/ and a name made of
    the text."""
    boxes: Path | None = None
    """Also write a JSON file with the box, word and line of each character; with several pages one for each."""
    show: Flag = False
    """Also open the first page in the system's viewer."""
    seed: int = 0
    """Draws the hand and how each character turns out."""
    source: Literal["cvae", "mnist", "unipen94"] = "cvae"
    """Where characters come from: drawn by a model, or by people: `mnist` (digits of many hands) or `unipen94` (94
    characters, a hand being one of its writers)."""
    model: str | None = None
    """Name of a trained cvae model; unset: that of the style file, or cvae-digits where text and pictures of --style
    are digits only, or cvae-ascii."""
    temperature: float = TEMPERATURE
    """How unusual hands and characters of a model may be: 0 draws the most usual alone, 1 all as people write."""
    style: Path | None = None
    """The hand: a file of --save-style, or a folder of pictures of your own characters, any few of them. A picture is
    named by its character, a.png, or like the files of synthetic_image_generator.py, upper_A.png, comma.png; a number
    may follow, a_2.png; or it lies in a sub-folder of that name. These characters are written as you wrote them, the
    others in the hand they have in common. Unset: drawn by the seed."""
    save_style: Path | None = None
    """Also save the hand as a JSON file."""
    mix_style: Path | None = None
    """Mix the hand with this one, given like --style."""
    share: float = 0.5
    """Share of --mix-style in the mixture, 0 to 1."""
    variants: int | None = None
    """Draw a grid instead of a text: this many tries of each character, a row a character, each cell --height pixels
    a side. Without --style each try is in a hand of its own."""
    threshold: float | None = None
    """Two tones only: ink where a pixel is inked by more than this share, 0 to 1, and paper elsewhere."""
    skip_unknown: Flag = False
    """Leave a gap for characters that cannot be written, and warn, instead of refusing the text."""
    layout: tyro.conf.OmitArgPrefixes[Layout] = Layout()
    data_dir: Path | None = None
    """Where the data sets are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""

    def __post_init__(self):
        for name, low, high in (("random", 1, MOST_RANDOM), ("variants", 1, 1000), ("threshold", 0, 1)):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ValueError(f"`{name}` must lie in [{low}, {high}]. Received: {name}={value}")


def main(arguments: Arguments) -> None:
    """Writes the text and saves its pages.

    Raises:
        UserError: There is nothing to write, or it cannot be written so; a file is in the way.
    """
    check_seed(arguments.seed)
    out, text = output_file(arguments), text_to_write(arguments)
    generator = HandwritingGenerator(
        arguments.model or model_for(arguments, text),
        arguments.seed,
        arguments.models_dir,
        arguments.source,
        arguments.temperature,
        arguments.data_dir,
    )
    style = chosen_style(arguments, generator)
    to_save = arguments.save_style and (style or generator.style(arguments.seed))
    if arguments.variants is None:
        pages = generator.write_pages(text, style, arguments.layout, arguments.skip_unknown)
    else:
        pages = iter([draw_grid(arguments, generator, text, style)])
    if arguments.threshold is not None:
        pages = (two_toned(page, arguments.threshold) for page in pages)
    if to_save:  # not before: a text that cannot be written shall leave nothing behind
        to_save.save(arguments.save_style)
    save_pages(arguments, with_progress(pages, text), out)


def text_to_write(arguments: Arguments) -> str:
    """What the command line asks for, in one of its four ways."""
    ways = {
        "a text": arguments.text,
        "--file": arguments.file,
        "--digits": arguments.digits,
        "--random": arguments.random,
    }
    given = [way for way, value in ways.items() if value]
    if len(given) != 1:
        raise UserError(f"expected one of {', '.join(ways)}; received {' and '.join(given) or 'none'}; "
                        f'try `python generate.py "Dear Ada"`')  # fmt: skip
    if arguments.file:
        return read_text(arguments.file)
    if arguments.digits:
        return joined_digits(arguments.digits)
    if arguments.random:
        rng, alphabet = np.random.default_rng([arguments.seed, RANDOM_TEXT]), characters_of(arguments.alphabet)
        return "".join(rng.choice(list(alphabet), arguments.random)) if alphabet else ""
    return " ".join(arguments.text)


def read_text(file: Path) -> str:
    """The text of a UTF-8 file, or of standard input."""
    content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: expected text in UTF-8, received byte 0x{content[error.start]:02X} at place "
                        f"{error.start}; save it as UTF-8") from None  # fmt: skip


def joined_digits(pieces: tuple[str, ...]) -> str:
    """Digits side by side."""
    text = "".join(pieces)
    if not set(text) <= set(characters_of("digits")):
        raise UserError(f"--digits: expected digits, received {' '.join(pieces)!r}; write other characters as text")
    return text


def output_file(arguments: Arguments) -> Path:
    """Where the page goes, or where the pages' names derive from."""
    out = arguments.out or Path("images") / f"{short_name(arguments)}.png"
    if out.suffix.lower() != ".png":
        raise UserError(f"--out {out}: expected a .png file; received {out.suffix or 'a name without suffix'}")
    outputs = [path for path in (out, arguments.boxes, arguments.save_style) if path]
    inputs = [path for path in (arguments.file, arguments.style, arguments.mix_style) if path]
    files = [path.resolve() for path in outputs]
    for path in outputs:
        given = [other.resolve() for other in inputs]
        shown = is_picture_name(path) and any(folder in given for folder in path.resolve().parents)  # among the hand's
        if shown or path.resolve() in given or files.count(path.resolve()) > 1:
            raise UserError(f"{path}: would overwrite a file that was given, or another result; choose another name")
    return out


def short_name(arguments: Arguments) -> str:
    """A file name that tells what was written."""
    if arguments.random:
        return f"random-{arguments.random}-seed-{arguments.seed}"
    if arguments.file:
        told = "standard-input" if str(arguments.file) == "-" else arguments.file.stem
    else:
        told = " ".join(arguments.text or arguments.digits)
    return re.sub(r"[^A-Za-z0-9]+", "-", told)[:SHORT_NAME].strip("-") or "text"


def model_for(arguments: Arguments, text: str) -> str:
    """The model that a style is of, or the shipped one that knows the text, and the characters shown, best."""
    paths, shown = [path for path in (arguments.style, arguments.mix_style) if path], ""
    for path in paths:
        if path.is_file():
            return Style.load(path).model
        shown += "".join(own_characters(path).values()) if path.is_dir() else ""
    return default_model("cvae", "".join(text.split()) + shown)


# --------------------------------------------------------------------------------------------------------- the hand


def chosen_style(arguments: Arguments, generator: HandwritingGenerator) -> Style | None:
    """The hand asked for, and mixed as asked; None: the source may choose."""
    style = arguments.style and read_style(arguments.style, generator)
    if arguments.mix_style:
        other = read_style(arguments.mix_style, generator)
        style = (style or generator.style(arguments.seed)).mix(other, arguments.share)
    if style:
        generator.check_style(style)
    return style


def read_style(path: Path, generator: HandwritingGenerator) -> Style:
    """A saved hand, or that of a folder of somebody's characters.

    Raises:
        UserError: It is neither, or a picture of the folder is blank or does not tell its character.
    """
    if not path.is_dir():
        return Style.load(path)
    model, shown = generator.model, own_characters(path)
    for file, character in shown.items():  # a mistake shall be told before all pictures are read
        if character not in model.alphabet:
            raise UserError(f"{file}: expected one of {model.alphabet!r}, which {model.name} can write, received "
                            f"{character!r}; remove it, or choose another --model")  # fmt: skip
    glyphs = np.stack([to_glyph(file, model.image_size) for file in shown])[..., None]
    return generator.style_of(glyphs, "".join(shown.values()))


def own_characters(folder: Path) -> dict[Path, str]:
    """The pictures in a folder of somebody's characters, and what each shows.

    Raises:
        UserError: There are none, or one does not tell its character.
    """
    files = sorted(file for file in folder.rglob("*") if is_picture_name(file) and file.is_file())
    if not files:
        raise UserError(f"{folder}: expected pictures of your characters, such as a.png; received none; put some there")
    return {file: character_shown(file, folder) for file in files}


def character_shown(file: Path, folder: Path) -> str:
    """The character that a picture's name, or that of its sub-folder, tells.

    Raises:
        UserError: It tells none.
    """
    name = EXTRA_NUMBER.sub("", file.stem) if file.parent == folder else file.parent.name
    if len(name) != 1 and name not in CHARACTERS:
        raise UserError(f"{file}: expected a name that tells the character, such as a.png, upper_A_2.png or comma.png, "
                        f"or a sub-folder of such a name; rename or remove it")  # fmt: skip
    return CHARACTERS.get(name, name)


# --------------------------------------------------------------------------------------------------------- the pages


def draw_grid(arguments: Arguments, generator: HandwritingGenerator, text: str, style: Style | None) -> Page:
    """Several tries of each character of a text: a row a character, a square cell a try, nothing between them."""
    unknown = generator.find_unknown(text, arguments.skip_unknown)
    characters = "".join(dict.fromkeys(c for c in text if not c.isspace() and c not in unknown))
    if not characters:
        raise UserError("text: expected characters to draw, received none; write some")
    side, tries = arguments.layout.height, arguments.variants
    if len(characters) * tries * side**2 > MOST_PIXELS:
        raise UserError(f"--variants {tries}: expected a grid of at most {MOST_PIXELS:,} pixels, received one of "
                        f"{len(characters)} x {tries} cells of {side} x {side}; ask for fewer")  # fmt: skip
    glyphs = generator.sample("".join(c * tries for c in characters), style)[..., 0]
    cells = np.stack([np.asarray(Image.fromarray(glyph).resize((side, side), Image.Resampling.LANCZOS))
                      for glyph in glyphs])  # fmt: skip
    ink = cells.reshape(-1, tries, side, side).swapaxes(1, 2).reshape(-1, tries * side)
    boxes = [cell_box(cell, characters[k // tries], k, tries) for k, cell in enumerate(cells)]
    return Page(ink, arguments.layout.palette, tuple(boxes))


def cell_box(cell: np.ndarray, character: str, number: int, columns: int) -> Box:
    """Where the ink is in a grid's cell, the whole of it where there is none; each cell is a word of its own."""
    side, (row, column) = len(cell), divmod(number, columns)
    left, top, right, bottom = Image.fromarray(cell > FAINT).getbbox() or (0, 0, side, side)
    return Box(character, column * side + left, row * side + top, right - left, bottom - top, number, row, 0)


def two_toned(page: Page, threshold: float) -> Page:
    """The page with every pixel either ink or paper."""
    paper, ink = page.palette[[0, -1]].astype(float)
    telling = np.argmax(np.abs(ink - paper))
    span = ink[telling] - paper[telling]
    if not span:
        return page
    inked = (page.palette[:, telling] - paper[telling]) / span > threshold
    return replace(page, palette=page.palette[np.where(inked, 255, 0)])


def with_progress(pages: Iterator[Page], text: str) -> Iterator[Page]:
    """The pages, with a bar that tells how much of a long text is written, on a terminal."""
    if len(text) < LONG_TEXT:
        yield from pages
        return
    from tqdm import tqdm  # loaded here: a line does without

    with tqdm(total=sum(map(len, text.split())), unit=" characters", leave=False, delay=1, disable=None) as bar:
        for page in pages:
            bar.update(len(page.boxes))
            yield page


def save_pages(arguments: Arguments, pages: Iterator[Page], out: Path) -> None:
    """Writes each page as soon as it is there, and its boxes; each file appears whole."""
    for page, number in numbered_if_several(pages):
        file = out.with_stem(out.stem + number)
        page.save_png(file)
        if arguments.boxes:
            with written_whole(arguments.boxes.with_stem(arguments.boxes.stem + number)) as draft:
                draft.write_text(page.to_json(), encoding="utf-8")
        (height, width), count = page.ink.shape, len(page.boxes)
        noun = "character" if count == 1 else "characters"
        print(f"{file}: {count:,} {noun}, {width} x {height} pixels")
        if arguments.show and number in ("", "-1"):
            page.show()


def numbered_if_several(pages: Iterator[Page]) -> Iterator[tuple[Page, str]]:
    """Each page with the ending of its files' names: none for a single one, else -1, -2 and so on."""
    page, number = next(pages), 1
    while page is not None:
        following = next(pages, None)
        yield page, f"-{number}" if following is not None or number > 1 else ""
        page, number = following, number + 1


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
