"""Pictures of somebody's own characters in a folder: which character each shows, and the hand that they tell."""

import re
from pathlib import Path

import numpy as np

from config import ASCII, in_words
from handwriting import HandwritingGenerator
from inference import is_picture_name
from picture import to_glyph
from shell import UserError
from style import Style
from synthetic_image_generator import safe_name

CHARACTERS = {safe_name(character): character for character in ASCII}  # by the name of their files
EXTRA_NUMBER = re.compile(r"(?<=.)[_-]\d+$")  # that tells pictures of one character apart


def read_style(path: Path, generator: HandwritingGenerator) -> Style:
    """A saved hand, or that of a folder of somebody's characters.

    Raises:
        UserError: It is neither, or a picture of the folder is blank or does not tell its character; the generator's
            source is none that finds the style of pictures.
    """
    if not path.is_dir():
        return Style.load(path)
    model, shown = generator.cvae, own_characters(path)
    for file, character in shown.items():  # a mistake shall be told before all pictures are read
        if character not in model.alphabet:
            raise UserError(f"{file}: expected one of {in_words(model.alphabet)}, which {model.name} can write, "
                            f"received {character!r}; remove it, or choose another --model")  # fmt: skip
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
