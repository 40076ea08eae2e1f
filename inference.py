"""Pictures of handwriting in, what a trained model makes of them out.

python inference.py scan.png
python inference.py scans/ photo.jpg --font "DejaVu Serif" --json
python inference.py seven.png --alphabet digits --out seven_in_type.png
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import tyro
from PIL import Image, ImageDraw, ImageOps

from config import characters_of
from drawing import caption_font, enlarge
from picture import FORMATS, FoundGlyph, find_glyph, open_picture, stretched
from runtime import Translator
from shell import USAGE_ERROR, UserError, naming, parse, run_script, written_whole

SUFFIXES = {
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".avifs"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".tga", ".ico"),
}  # looked for in a folder
CHUNK = 256  # pictures held in memory at a time
PANEL, GAP, CAPTION = 168, 16, 34  # pixels


@dataclass(frozen=True)
class Arguments:
    """Reads pictures of handwritten characters, one character each, and sets them in type."""

    images: tyro.conf.Positional[tuple[Path, ...]]
    """Picture files, or folders of them."""
    task: Literal["translate"] = "translate"
    """What to do with them: `translate` sets the character in a typeface."""
    model: str | None = None
    """Name of a trained model in the models folder; unset: translator-digits where --alphabet holds digits only, else
    translator-ascii."""
    font: str | None = None
    """Typeface to set the character in, one of those the model was trained on; unset: the first of them."""
    alphabet: str | None = None
    """Characters that may be read: digits, upper, lower, letters, alnum, ascii, or the characters themselves; unset:
    all that the model knows."""
    json: bool = False
    """Print one JSON object a picture and line."""
    out: Path = Path("images/inference")
    """Folder for the figures, or with one picture the name of a .png file."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""


class Opened(NamedTuple):
    """A picture ready to be read."""

    path: Path
    preview: Image.Image  # RGB, PANEL pixels a side
    found: FoundGlyph


def main(arguments: Arguments) -> int:
    """Translates all pictures; the bad ones are reported at the end.

    Returns:
        The exit code: 0, or 2 where some picture could not be read.

    Raises:
        UserError: Nothing can be done at all: an unknown model, font or alphabet, no picture, an output in the way.
    """
    allowed = characters_of(arguments.alphabet) if arguments.alphabet is not None else None
    translator = Translator.open(arguments.model or default_model(allowed), arguments.models_dir)
    translator.font_number(arguments.font), translator.log_prior(allowed)  # refused before any picture is opened
    paths = picture_files(arguments.images)
    outputs = output_files(paths, arguments.out)
    failures: list[str] = []
    try:
        for start in range(0, len(paths), CHUNK):
            opened = list(open_all(paths[start : start + CHUNK], failures))
            if opened:
                translate(opened, translator, arguments, allowed, outputs)
    finally:  # a full disk is no reason to hide what else is wrong
        for failure in failures:
            print(f"error: {failure}", file=sys.stderr)
    return USAGE_ERROR if failures else 0


def default_model(allowed: str | None) -> str:
    """The shipped model that knows the characters best."""
    return "translator-digits" if allowed and set(allowed) <= set(characters_of("digits")) else "translator-ascii"


def picture_files(named: Sequence[Path]) -> list[Path]:
    """The files named, and those in the folders named, each once."""
    if not named:
        raise UserError("expected at least one picture; received none; try `python inference.py scan.png`")
    files: list[Path] = []
    for path in named:
        inside = [file for file in sorted(path.iterdir()) if is_picture_name(file)] if path.is_dir() else [path]
        if not inside:
            raise UserError(f"{path}: expected a folder with pictures ({', '.join(FORMATS[:6])}); it holds none")
        files += inside
    return list(dict.fromkeys(files))


def is_picture_name(file: Path) -> bool:
    """Whether a file of a folder is meant: its suffix is one of a picture, and it is not hidden."""
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def output_files(paths: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Where each picture's figure goes; names that two pictures share are numbered.

    Raises:
        UserError: A figure would overwrite a picture, or several would go to one file.
    """
    if out.suffix and not out.is_dir():
        if len(paths) > 1:
            raise UserError(f"--out {out}: one file cannot hold the figures of {len(paths)} pictures; name a folder")
        if out.suffix.lower() != ".png":
            raise UserError(f"--out {out}: expected a folder or a .png file; received a {out.suffix} file")
        outputs = {paths[0]: out}
    else:
        outputs, seen = {}, Counter()
        for path in paths:
            alike = path.stem.casefold()  # many disks take A.png for a.png
            seen[alike] += 1
            number = f"-{seen[alike]}" if seen[alike] > 1 else ""
            outputs[path] = out / f"{path.stem}-typeset{number}.png"
    inputs = {path.resolve() for path in paths}
    for output in outputs.values():
        if output.resolve() in inputs:
            raise UserError(f"{output}: would overwrite a picture that was given; choose another --out")
    return outputs


def open_all(paths: Sequence[Path], failures: list[str]) -> Iterator[Opened]:
    """Opens pictures and finds their characters; what cannot be read is added to `failures`."""
    for path in paths:
        try:
            picture = open_picture(path)
            with naming(path):
                found = find_glyph(picture)
            yield Opened(path, preview(picture, found), found)
        except UserError as error:
            failures.append(str(error))


def translate(opened: list[Opened], translator: Translator, arguments: Arguments, allowed: str | None,
              outputs: dict[Path, Path]) -> None:  # fmt: skip
    """Reads and sets the pictures of one chunk, writes their figures and reports them."""
    images = np.stack([picture.found.glyph for picture in opened])[..., None]  # (N, 28, 28, 1)
    glyphs, probabilities = translator.translate(images, arguments.font, allowed)
    font = translator.card["fonts"][translator.font_number(arguments.font)]
    for picture, glyph, row in zip(opened, glyphs, probabilities, strict=True):
        character, confidence = translator.alphabet[row.argmax()], float(row.max())
        output = outputs[picture.path]
        captions = "given", f"read as  {character}   {100 * confidence:.1f} %", font
        with written_whole(output) as draft:
            draw_figure(picture, glyph, captions).save(draft)
        report = {"image": str(picture.path), "task": arguments.task, "model": translator.card["name"], "font": font,
                  "character": character, "confidence": round(confidence, 6), "output": str(output),
                  "characters": picture.found.characters, "box": list(picture.found.box)}  # fmt: skip
        print(json.dumps(report) if arguments.json else as_line(report))


def as_line(report: dict) -> str:
    """A report for the eye."""
    several = report["characters"] > 1
    note = f"   (holds {report['characters']} characters; the largest was taken)" if several else ""
    return f"{report['image']}: {report['character']}  {100 * report['confidence']:.1f} %  -> {report['output']}{note}"


def preview(picture: Image.Image, found: FoundGlyph) -> Image.Image:
    """The picture as given, fitted to a panel; where it holds several characters, the one taken is framed."""
    shown = picture.convert("RGBA") if "A" in picture.getbands() or "transparency" in picture.info else picture
    shown = flatten(shown)
    panel = ImageOps.contain(
        shown, (PANEL, PANEL), Image.Resampling.BOX if max(shown.size) > PANEL else Image.Resampling.NEAREST
    )
    if found.characters > 1:
        scale = panel.width / found.picture_size[0]
        ImageDraw.Draw(panel).rectangle([scale * edge for edge in found.box], outline=(220, 60, 40), width=2)
    return panel


def flatten(picture: Image.Image) -> Image.Image:
    """RGB of any mode: 16-bit and float pictures stretched over their range, see-through ones on light grey."""
    if picture.mode == "RGBA":
        backed = Image.new("RGBA", picture.size, (235, 235, 235, 255))
        return Image.alpha_composite(backed, picture).convert("RGB")
    if picture.mode[0] in "IF":
        levels = stretched(np.asarray(picture, np.float32))
        return Image.fromarray((255 * levels).astype(np.uint8)).convert("RGB")
    return picture.convert("RGB")


def draw_figure(picture: Opened, glyph: np.ndarray, captions: Sequence[str]) -> Image.Image:
    """Draws, side by side, what was given, what the model saw, and the character in type, black on white."""
    size = picture.found.glyph.shape[0]
    seen = enlarge(picture.found.glyph, PANEL // size).convert("RGB")
    ink = Image.fromarray(np.round(255 * (1 - glyph[..., 0])).astype(np.uint8))
    typeset = ink.resize((PANEL, PANEL), Image.Resampling.BICUBIC).convert("RGB")
    figure = Image.new("RGB", (3 * PANEL + 4 * GAP, PANEL + 2 * GAP + CAPTION), (248, 248, 246))
    pen = ImageDraw.Draw(figure)
    for column, (panel, caption) in enumerate(zip((picture.preview, seen, typeset), captions, strict=True)):
        left = GAP + column * (PANEL + GAP)
        figure.paste(panel, (left + (PANEL - panel.width) // 2, GAP + (PANEL - panel.height) // 2))
        pen.rectangle([left - 1, GAP - 1, left + PANEL, GAP + PANEL], outline=(200, 200, 198))
        pen.text(
            (left + PANEL // 2, GAP + PANEL + CAPTION // 2),
            caption,
            fill=(40, 40, 40),
            font=caption_font(14),
            anchor="mm",
        )
    return figure


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
