"""Pictures of handwriting in, what a trained model makes of them out.

python inference.py scan.png
python inference.py scans/ photo.jpg --font "DejaVu Serif" --json
python inference.py seven.png --alphabet digits --out seven_in_type.png
python inference.py scans/ --task recognise
python inference.py noisy.png --task denoise --alphabet digits
python inference.py a.png b.png --task interpolate --steps 12
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from config import characters_of
from decoding import FORMATS, SUFFIXES, open_picture
from generators import Writer
from inference_figures import preview
from inference_tasks import Answer, Denoising, Opened, PictureTask, Recognition, Reconstruction, Translation
from interpolation import Interpolation
from noises import NOISES
from readers import Recogniser, Translator
from runtime import card_of
from shell import USAGE_ERROR, UserError, naming, parse, run_script, written_whole

CHUNK = 256  # pictures held in memory at a time


@dataclass(frozen=True)
class Arguments:
    """Reads pictures of handwritten characters, one character each, sets them in type, or draws them anew."""

    images: tyro.conf.Positional[tuple[Path, ...]]
    """Picture files, or folders of them."""
    task: Literal["translate", "recognise", "denoise", "reconstruct", "interpolate"] | None = None
    """What to do with them: `translate` sets the character in a typeface; `recognise` says which it is, how sure that
    is, and what else it may be, or that it is none; `denoise` draws it without the noise of its picture; `reconstruct`
    draws it as the model remembers it; `interpolate` draws the way from one picture to another, or from one picture,
    or none, to styles drawn by --seed, as frames, a strip and a GIF. Unset: what --model is for (`reconstruct` where it
    writes), or `translate`."""
    model: str | None = None
    """Name of a trained model in the models folder; unset: translator-digits, recogniser-digits or cvae-digits where
    --alphabet or --character holds digits only, else translator-ascii, recogniser-ascii or cvae-ascii."""
    font: str | None = None
    """Typeface to set the character in, one of those the model was trained on; unset: the first of them. Of `translate`
    alone."""
    alphabet: str | None = None
    """Characters that may be read: digits, upper, lower, letters, alnum, ascii, or the characters themselves; unset:
    all that the model knows."""
    character: str | None = None
    """The character that the pictures show, where you know it; two, such as 37, are those of either end of an
    interpolation; unset: it is read. Of `denoise`, `reconstruct` and `interpolate`."""
    noise: Literal[*NOISES] | None = None
    """Noise to add first, for a demonstration of `denoise`: normal noise on every pixel; or white, black, or white and
    black pixels."""
    amount: float | None = None
    """Of that noise, in [0, 1]: its standard deviation as a share of the range from paper to ink, or the share of
    pixels hit; unset: 0.3."""
    steps: int | None = None
    """Frames of an interpolation, both ends among them, 2 to 500; unset: 12."""
    seed: int | None = None
    """Of the noise that `denoise` adds, the same to every picture, and of the styles that `interpolate` draws; unset:
    0."""
    json: bool = False
    """Print one JSON object a picture and line."""
    out: Path | None = None
    """Folder for the figures, or with one picture and no interpolation the name of a .png file; unset:
    images/inference, but no figures for `recognise`."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""


TASKS: dict[str, type[PictureTask]] = {
    task.name: task for task in (Translation, Recognition, Denoising, Reconstruction)
}
OPTIONS = {
    "font": ("translate",),
    "character": ("denoise", "reconstruct", "interpolate"),
    "noise": ("denoise",),
    "amount": ("denoise",),
    "steps": ("interpolate",),
    "seed": ("denoise", "interpolate"),
}
"""Arguments that not every task takes, and those that do."""
USUAL_TASKS = {Translator.task: "translate", Recogniser.task: "recognise", Writer.task: "reconstruct"}
"""What is done by a model where no task is named, by what its card says that it is for."""


def main(arguments: Arguments) -> int:
    """Does the task with all pictures; the bad ones are reported at the end.

    Returns:
        The exit code: 0, or 2 where some picture could not be read.

    Raises:
        UserError: Nothing can be done at all: an unknown model, font or alphabet, an argument of another task, no
            picture, an output in the way.
    """
    arguments = replace(arguments, task=arguments.task or usual_task(arguments))
    refuse_foreign(arguments)
    allowed = characters_of(arguments.alphabet) if arguments.alphabet is not None else None
    if arguments.task == "interpolate":
        return interpolate(arguments, allowed)
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


def usual_task(arguments: Arguments) -> str:
    """What is done where no task is named.

    Raises:
        UserError: The card of the model is damaged.
    """
    card = card_of(arguments.model, arguments.models_dir)
    return USUAL_TASKS.get(card["task"], "translate") if card else "translate"


def refuse_foreign(arguments: Arguments) -> None:
    """Refuses an argument that the task does not take."""
    for name, tasks in OPTIONS.items():
        value = getattr(arguments, name)
        if value is not None and arguments.task not in tasks:
            raise UserError(f"--{name} {value}: --task {arguments.task} takes none; leave it out, or choose --task "
                            f"{' or '.join(tasks)}")  # fmt: skip


def interpolate(arguments: Arguments, allowed: str | None) -> int:
    """The one task that makes one thing of all its pictures; any bad one ends it."""
    task = Interpolation(arguments, allowed)
    paths = picture_files(arguments.images) if arguments.images else []
    if len(paths) > 2 or len(paths) < len(arguments.images):
        given = len(arguments.images)
        found = f"{len(paths)}" if len(paths) > 2 else f"the same one {given} times"
        raise UserError(f"--task interpolate: expected at most two different pictures, received {found}; name its ends")
    failures: list[str] = []
    opened = list(open_all(paths, failures, task, previews=False))
    if failures:
        raise UserError(failures[0])
    report, line = task.make(opened)
    print(json.dumps(report) if arguments.json else line)
    return 0


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
    paths: Sequence[Path], failures: list[str], task: PictureTask | Interpolation, *, previews: bool
) -> Iterator[Opened]:
    """Opens pictures and finds their characters; what cannot be read is added to `failures`.

    Args:
        task: Finds the character as its model takes it, and says whether a picture without ink is a failure.
        previews: Figures will be drawn.
    """
    size = task.model.image_size
    for path in paths:
        try:
            picture = open_picture(path)
            with naming(path):
                found = task.find(picture, size)
            glyph = found.glyph if found else np.zeros((size, size), np.uint8)
            yield Opened(path, glyph, found, preview(picture, found) if previews else None)
        except UserError as error:
            failures.append(str(error))


def tell(picture: Opened, answer: Answer, task: PictureTask, output: Path | None, as_json: bool) -> None:
    """Writes the figure, where one is wanted, and prints the answer."""
    if output:
        with written_whole(output) as draft:
            answer.draw().save(draft)
    found, count = picture.found, picture.found.characters if picture.found else 0
    if as_json:
        common = {"image": str(picture.path), "task": task.name, "model": task.model.card["name"]}
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


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
