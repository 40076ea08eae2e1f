"""Text in, handwriting out, in one hand: a PNG a page.

python generate.py "Dear Ada, call me at 9:30 (room 007)!" --seed 7
python generate.py --file letter.txt --width 1200 --style mine/ --out letter.png --boxes letter.json
python generate.py --digits 1 3 5 --spacing 2 5 --source mnist
python generate.py "abc" --threshold 0.5 --variants 5
python generate.py "646775" --source cgan --seed 3
python generate.py --mix "1*2+7" --variants 8
python generate.py --random 20 --source gan
"""

import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from config import characters_of
from glyph_grids import check_grid_size, set_grid
from glyph_sources import SAMPLED_SETS, TEMPERATURE
from handwriting import USUAL_SEED, HandwritingGenerator, check_seed
from idle_options import refuse_idle
from inference import is_picture_name
from invented_glyphs import UntoldGlyphs
from layout import Layout
from mixture import parse_mixture
from own_characters import own_characters, read_style
from shell import UserError, parse, run_script, written_whole
from source_choice import source_of, usual_model
from style import Style
from written_page import Page

LONG_TEXT = 2000  # characters; writing more shows how far it is
MOST_RANDOM = 1_000_000  # characters
LARGEST_TEXT = 4_000_000  # bytes: two thousand pages
SHORT_NAME = 40  # characters
MIXTURE_COLUMNS = 10
EVEN_SHARE = 0.5  # of either hand
RANDOM_TEXT = 13  # stream of random numbers, beside those of handwriting.py

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
    """Write this many characters instead, drawn from --alphabet by the seed; with --source gan, whichever it draws."""
    alphabet: str | None = None
    """What --random draws from: digits (unset), upper, lower, letters, alnum, ascii, or the characters themselves."""
    mix: str | None = None
    """Draw a picture between several characters instead: 1+7, or 1*2+7 for two thirds of a 1 (weights are brought to a
    sum of 1). What each part begins with is its character, so +*2+* mixes a plus with an asterisk. --variants is how
    many tries, each in a hand of its own without --style. It takes --source cgan, and means it where none is told."""
    out: Path | None = None
    """The .png file; NAME-1.png, NAME-2.png and so on where there are several pages. Unset: images/ and a name made of
    the text."""
    boxes: Path | None = None
    """Also write a JSON file with the box, word and line of each character; with several pages one for each."""
    show: Flag = False
    """Also open the first page in the system's viewer."""
    seed: int = USUAL_SEED
    """Draws the hand and how each character turns out."""
    source: Literal["cvae", "cgan", "gan", "mnist", "unipen94"] | None = None
    """Where characters come from. Models: `cvae`, `cgan` (invents what it is told), `gan` (told nothing, invents some
    digit; for --random, whose boxes tell what recogniser-digits reads). People: `mnist` (digits of many hands),
    `unipen94` (94 characters, a hand being one of its writers). Unset: what --model or --style is of, or cvae."""
    model: str | None = None
    """Name of a trained model of the source; unset: that of the style file, or cvae-digits, cgan-digits where text and
    pictures of --style are digits only, or cvae-ascii, cgan-ascii; gan-digits."""
    temperature: float | None = None
    """How unusual hands and characters of a model may be: 0 draws the most usual alone, 1 all as people write. Unset:
    0.65."""
    style: Path | None = None
    """The hand: a file of --save-style, or a folder of pictures of your own characters, any few of them. A picture is
    named by its character, a.png, or like the files of synthetic_image_generator.py, upper_A.png, comma.png; a number
    may follow, a_2.png; or it lies in a sub-folder of that name. These characters are written as you wrote them, the
    others in the hand they have in common. Unset: drawn by the seed."""
    save_style: Path | None = None
    """Also save the hand as a JSON file."""
    mix_style: Path | None = None
    """Mix the hand with this one, given like --style."""
    share: float | None = None
    """Share of --mix-style in the mixture, 0 to 1; unset: 0.5."""
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
    source = source_for(arguments)
    refuse_idle(arguments, source)
    out, text = output_file(arguments), text_to_write(arguments)
    generator = HandwritingGenerator(
        arguments.model or model_for(arguments, source, text),
        arguments.seed,
        arguments.models_dir,
        source,
        TEMPERATURE if arguments.temperature is None else arguments.temperature,
        arguments.data_dir,
    )
    style = chosen_style(arguments, generator)
    to_save = arguments.save_style and (style or generator.style(arguments.seed))
    pages = pages_of(arguments, generator, text, style)
    if arguments.threshold is not None:
        pages = (two_toned(page, arguments.threshold) for page in pages)
    if to_save:  # not before: a text that cannot be written shall leave nothing behind
        to_save.save(arguments.save_style)
    save_pages(arguments, with_progress(pages, text), out)


def text_to_write(arguments: Arguments) -> str:
    """What the command line asks for, in one of its five ways; a mixture is no text."""
    ways = {
        "a text": arguments.text,
        "--file": arguments.file,
        "--digits": arguments.digits,
        "--random": arguments.random,
        "--mix": arguments.mix,
    }
    given = [way for way, value in ways.items() if value not in (None, ())]
    if len(given) != 1:
        raise UserError(f"expected one of {', '.join(ways)}; received {' and '.join(given) or 'none'}; "
                        f'try `python generate.py "Dear Ada"`')  # fmt: skip
    if arguments.file:
        return read_text(arguments.file)
    if arguments.digits:
        return joined_digits(arguments.digits)
    if arguments.random:
        rng = np.random.default_rng([arguments.seed, RANDOM_TEXT])
        alphabet = characters_of("digits" if arguments.alphabet is None else arguments.alphabet)
        if not alphabet:
            raise UserError("--alphabet: expected characters, received none; name some, as --alphabet digits")
        return "".join(rng.choice(list(alphabet), arguments.random))
    return " ".join(arguments.text)


def read_text(file: Path) -> str:
    """The text of a UTF-8 file, or of standard input."""
    with contextlib.nullcontext(sys.stdin.buffer) if str(file) == "-" else open(file, "rb") as opened:
        content = opened.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise UserError(f"{file}: expected a text of at most {LARGEST_TEXT:,} bytes, received more; divide it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: expected text in UTF-8, received byte 0x{content[error.start]:02X} at place "
                        f"{error.start}; save it as UTF-8") from None  # fmt: skip
    if not text.strip():
        raise UserError(f"{file}: expected text, received none; write some into it")
    return text


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
    files = [path.resolve() for path in outputs]
    hands = [path.resolve() for path in (arguments.style, arguments.mix_style) if path]
    given = [*hands, *(path.resolve() for path in (arguments.file,) if path)]
    for path in outputs:
        shown = is_picture_name(path) and any(folder in hands for folder in path.resolve().parents)  # among the hand's
        if shown or path.resolve() in given or files.count(path.resolve()) > 1:
            raise UserError(f"{path}: would overwrite a file that was given, or another result; choose another name")
    return out


def short_name(arguments: Arguments) -> str:
    """A file name that tells what was written."""
    if arguments.random:
        return f"random-{arguments.random}-seed-{arguments.seed}"
    if arguments.mix is not None:
        told = f"mix {arguments.mix}"
    elif arguments.file:
        told = "standard-input" if str(arguments.file) == "-" else arguments.file.stem
    else:
        told = " ".join(arguments.text or arguments.digits)
    return re.sub(r"[^A-Za-z0-9]+", "-", told)[:SHORT_NAME].strip("-") or "text"


def source_for(arguments: Arguments) -> str:
    """The source asked for, or the one that what else is asked for is of."""
    if arguments.source or arguments.mix is not None:
        return arguments.source or "cgan"
    model = arguments.model or next(models_of_styles(arguments), None)
    return source_of(model, arguments.models_dir) if model else "cvae"


def models_of_styles(arguments: Arguments) -> Iterator[str]:
    """The models that the style files given are of."""
    for path in (arguments.style, arguments.mix_style):
        if path and path.is_file():
            yield Style.load(path).model


def model_for(arguments: Arguments, source: str, text: str) -> str | None:
    """The model that a style is of, or the shipped one of the source that knows text and characters shown best."""
    if source in SAMPLED_SETS:
        return None
    for model in models_of_styles(arguments):
        if source_of(model, arguments.models_dir) == source:
            return model
    mixed = "".join(parse_mixture(arguments.mix)) if arguments.mix is not None else ""
    folders = [path for path in (arguments.style, arguments.mix_style) if path and path.is_dir()]
    shown = [character for folder in folders for character in own_characters(folder).values()]
    return usual_model(source, "".join([*text.split(), mixed, *shown]))


# --------------------------------------------------------------------------------------------------------- the hand


def chosen_style(arguments: Arguments, generator: HandwritingGenerator) -> Style | None:
    """The hand asked for, and mixed as asked; None: the source may choose."""
    style = arguments.style and read_style(arguments.style, generator)
    if arguments.mix_style:
        other = read_style(arguments.mix_style, generator)
        share = EVEN_SHARE if arguments.share is None else arguments.share
        style = (style or generator.style(arguments.seed)).mix(other, share)
    if style:
        generator.check_style(style)
    return style


# --------------------------------------------------------------------------------------------------------- the pages


def pages_of(arguments: Arguments, generator: HandwritingGenerator, text: str, style: Style | None) -> Iterator[Page]:
    """What is asked for: a mixture, characters that nobody chose, a grid, or a text."""
    if arguments.mix is not None:
        return iter([draw_mixture(arguments, generator, style)])
    if arguments.random and isinstance(generator.source, UntoldGlyphs):
        return generator.invent_pages(arguments.random, arguments.layout)
    if arguments.variants is not None:
        return iter([draw_grid(arguments, generator, text, style)])
    return generator.write_pages(text, style, arguments.layout, arguments.skip_unknown)


def draw_grid(arguments: Arguments, generator: HandwritingGenerator, text: str, style: Style | None) -> Page:
    """Several tries of each character of a text: a row a character."""
    text = generator.in_its_marks(text)
    unknown = generator.find_unknown(text, arguments.skip_unknown)
    characters = "".join(dict.fromkeys(c for c in text if not c.isspace() and c not in unknown))
    if not characters:
        raise UserError("text: expected characters to draw, received none; write some")
    tries = arguments.variants
    check_grid_size(len(characters) * tries, tries, arguments.layout)
    cells = [character for character in characters for _ in range(tries)]
    return set_grid(generator.sample("".join(cells), style)[..., 0], cells, tries, arguments.layout)


def draw_mixture(arguments: Arguments, generator: HandwritingGenerator, style: Style | None) -> Page:
    """A picture between several characters, or as many tries as are asked for, side by side and row by row."""
    tries = arguments.variants or 1
    check_grid_size(tries, tries, arguments.layout)
    drawn = generator.mix(parse_mixture(arguments.mix), tries, style)
    return set_grid(drawn[..., 0], [arguments.mix] * tries, min(tries, MIXTURE_COLUMNS), arguments.layout)


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
