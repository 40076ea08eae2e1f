"""Pictures of handwriting in, what a trained model makes of them out.

python inference.py scan.png
python inference.py scans/ photo.jpg --font "DejaVu Serif" --json
python inference.py seven.png --alphabet digits --out seven_in_type.png
python inference.py scans/ --task recognise
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro
from PIL import Image

from config import characters_of
from inference_figures import TOP, draw_reading, draw_typeset, preview
from ink import BlankError
from picture import FORMATS, SUFFIXES, FoundGlyph, find_glyph, open_picture
from runtime import Reading, Recogniser, Translator
from shell import USAGE_ERROR, UserError, naming, parse, run_script, written_whole

CHUNK = 256  # pictures held in memory at a time


@dataclass(frozen=True)
class Arguments:
    """Reads pictures of handwritten characters, one character each, and sets them in type if asked to."""

    images: tyro.conf.Positional[tuple[Path, ...]]
    """Picture files, or folders of them."""
    task: Literal["translate", "recognise"] = "translate"
    """What to do with them: `translate` sets the character in a typeface; `recognise` says which it is, how sure that
    is, and what else it may be, or that it is none."""
    model: str | None = None
    """Name of a trained model in the models folder; unset: translator-digits or recogniser-digits where --alphabet
    holds digits only, else translator-ascii or recogniser-ascii."""
    font: str | None = None
    """Typeface to set the character in, one of those the model was trained on; unset: the first of them. Of `translate`
    alone."""
    alphabet: str | None = None
    """Characters that may be read: digits, upper, lower, letters, alnum, ascii, or the characters themselves; unset:
    all that the model knows."""
    json: bool = False
    """Print one JSON object a picture and line."""
    out: Path | None = None
    """Folder for the figures, or with one picture the name of a .png file; unset: images/inference for `translate`, no
    figures for `recognise`."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""


class Opened(NamedTuple):
    """A picture ready to be read."""

    path: Path
    glyph: np.ndarray  # uint8 (S, S), what the model sees
    found: FoundGlyph | None  # None: there is no ink
    preview: Image.Image | None  # RGB, for a figure


class Answer(NamedTuple):
    """What a task makes of one picture."""

    report: dict[str, Any]  # fields of its JSON object
    line: str  # the same for the eye
    draw: Callable[[], Image.Image]


class Translation:
    """The task `translate`. Mistakes in its arguments are told here, before any picture is opened."""

    model_family, figures, ending = "translator", Path("images/inference"), "typeset"
    takes_blank = False

    def __init__(self, arguments: Arguments, allowed: str | None):
        self.model = Translator.open(arguments.model or default_model(self.model_family, allowed), arguments.models_dir)
        self.font = self.model.card["fonts"][self.model.font_number(arguments.font)]
        self.allowed = allowed
        self.model.log_prior(allowed)

    def answers(self, opened: Sequence[Opened]) -> Iterator[Answer]:
        """Reads the pictures and sets them in type."""
        glyphs, probabilities = self.model.translate(stacked(opened), self.font, self.allowed)
        for picture, glyph, row in zip(opened, glyphs, probabilities, strict=True):
            character, confidence = self.model.alphabet[row.argmax()], float(row.max())
            said = f"{character}  {percent(confidence)}"
            captions = "given", f"read as  {character}   {percent(confidence)}", self.font
            report = {"font": self.font, "character": character, "confidence": round(confidence, 6)}
            yield Answer(report, said, partial(draw_typeset, picture.preview, picture.glyph, glyph, captions))


class Recognition:
    """The task `recognise`. Mistakes in its arguments are told here, before any picture is opened."""

    model_family, figures, ending = "recogniser", None, "read"
    takes_blank = True

    def __init__(self, arguments: Arguments, allowed: str | None):
        if arguments.font is not None:
            raise UserError(f"--font {arguments.font}: --task recognise sets nothing in type; leave it out, or choose "
                            f"--task translate")  # fmt: skip
        self.model = Recogniser.open(arguments.model or default_model(self.model_family, allowed), arguments.models_dir)
        self.allowed = allowed
        self.labels = np.flatnonzero(self.model.log_prior(allowed)[0] == 0)

    def answers(self, opened: Sequence[Opened]) -> Iterator[Answer]:
        """Reads the pictures, or says why they show no character."""
        reading = self.model.recognise(stacked(opened), self.allowed)
        for k, picture in enumerate(opened):
            reason, top = self.why_none(picture, reading, k), self.likeliest(reading.probabilities[k])
            (character, confidence), *others = top
            report = {
                "character": None if reason else character,
                "confidence": None if reason else confidence,
                "top": top,
                "is_character": reason is None,
                "evidence": round(float(reading.evidence[k]), 4),
                "reason": reason,
            }
            named = [f"{character}  {percent(confidence)}", *(f"{other} {percent(share)}" for other, share in others)]
            line = f"no character; {reason}" if reason else "   ".join(named)
            yield Answer(report, line, partial(draw_reading, picture.preview, picture.glyph, top, reason))

    def likeliest(self, probabilities: np.ndarray) -> list[tuple[str, float]]:
        """The characters that may be read with the largest probabilities `(K,)`, at most `TOP`, largest first."""
        order = self.labels[np.argsort(-probabilities[self.labels], kind="stable")[:TOP]]
        return [(self.model.alphabet[label], round(float(probabilities[label]), 6)) for label in order]

    def why_none(self, picture: Opened, reading: Reading, k: int) -> str | None:
        """Why picture k shows no character; None: it shows one."""
        if picture.found is None:
            return "blank: no ink found"
        if reading.is_character[k]:
            return None
        evidence, least = reading.evidence[k], self.model.card["no_character"]["least_evidence"]
        return f"unlike every character the model knows (evidence {evidence:.3f}, at least {least:.3f} expected)"


TASKS = {"translate": Translation, "recognise": Recognition}


def main(arguments: Arguments) -> int:
    """Does the task with all pictures; the bad ones are reported at the end.

    Returns:
        The exit code: 0, or 2 where some picture could not be read.

    Raises:
        UserError: Nothing can be done at all: an unknown model, font or alphabet, no picture, an output in the way.
    """
    allowed = characters_of(arguments.alphabet) if arguments.alphabet is not None else None
    task = TASKS[arguments.task](arguments, allowed)
    paths = picture_files(arguments.images)
    out = task.figures if arguments.out is None else arguments.out
    outputs = output_files(paths, out, task.ending) if out else {}
    failures: list[str] = []
    try:
        for start in range(0, len(paths), CHUNK):
            chunk = paths[start : start + CHUNK]
            opened = list(open_all(chunk, failures, task, previews=bool(outputs)))
            for picture, answer in zip(opened, task.answers(opened) if opened else (), strict=True):
                tell(picture, answer, task, outputs.get(picture.path), arguments.json)
    finally:  # a full disk is no reason to hide what else is wrong
        for failure in failures:
            print(f"error: {failure}", file=sys.stderr)
    return USAGE_ERROR if failures else 0


def default_model(family: str, allowed: str | None) -> str:
    """The shipped model of a family that knows the characters best."""
    return f"{family}-digits" if allowed and set(allowed) <= set(characters_of("digits")) else f"{family}-ascii"


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


def output_files(paths: Sequence[Path], out: Path, ending: str) -> dict[Path, Path]:
    """Where each picture's figure goes: in a folder NAME-ending.png; names that two pictures share are numbered.

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
            outputs[path] = out / f"{path.stem}-{ending}{number}.png"
    inputs = {path.resolve() for path in paths}
    for output in outputs.values():
        if output.resolve() in inputs:
            raise UserError(f"{output}: would overwrite a picture that was given; choose another --out")
    return outputs


def open_all(
    paths: Sequence[Path], failures: list[str], task: Translation | Recognition, *, previews: bool
) -> Iterator[Opened]:
    """Opens pictures and finds their characters; what cannot be read is added to `failures`.

    Args:
        task: Says how large glyphs its model takes, and whether a picture without ink is a failure.
        previews: Figures will be drawn.
    """
    size = task.model.image_size
    for path in paths:
        try:
            picture = open_picture(path)
            with naming(path):
                found = find(picture, size, task.takes_blank)
            glyph = found.glyph if found else np.zeros((size, size), np.uint8)
            yield Opened(path, glyph, found, preview(picture, found) if previews else None)
        except UserError as error:
            failures.append(str(error))


def find(picture: Image.Image, size: int, takes_blank: bool) -> FoundGlyph | None:
    """`find_glyph`; None for a picture without ink, where that may be."""
    try:
        return find_glyph(picture, size)
    except BlankError:
        if takes_blank:
            return None
        raise


def stacked(opened: Sequence[Opened]) -> np.ndarray:
    """What a model sees of pictures: uint8 `(N, S, S, 1)`."""
    return np.stack([picture.glyph for picture in opened])[..., None]


def tell(picture: Opened, answer: Answer, task: Translation | Recognition, output: Path | None, as_json: bool) -> None:
    """Writes the figure, where one is wanted, and prints the answer."""
    if output:
        with written_whole(output) as draft:
            answer.draw().save(draft)
    found, count = picture.found, picture.found.characters if picture.found else 0
    if as_json:
        common = {"image": str(picture.path), "task": task.model.task, "model": task.model.card["name"]}
        place = {
            "characters": count,
            "box": list(found.box) if found else None,
            "output": str(output) if output else None,
        }
        print(json.dumps({**common, **answer.report, **place}))
    else:
        figure = f"  -> {output}" if output else ""
        note = f"   (holds {count} characters; the largest was taken)" if count > 1 else ""
        print(f"{picture.path}: {answer.line}{figure}{note}")


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
