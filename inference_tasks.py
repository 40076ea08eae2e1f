"""What inference.py makes of each picture, task by task. NumPy, Pillow and trained models only."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageFilter

from config import characters_of, in_words
from generators import Writer
from inference_figures import TOP, draw_reading, draw_restored, draw_typeset, flatten
from ink import MIN_CONTRAST, BlankError
from noises import add_noise
from picture import FoundGlyph, find_glyph
from readers import Reading, Recogniser, Translator
from restoration import denoise, most_likely_labels, psnr, reconstruct
from runtime import TrainedModel
from shell import UserError

if TYPE_CHECKING:
    from inference import Arguments

FIGURES = Path("images/inference")
FINE = 4  # times as wide as the model's, a picture may lose its finest grain: strokes are about 8 pixels wide
AMOUNT = 0.3  # of noise: much, yet a reader still sees through it


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


class PictureTask(Protocol):
    """What inference.py asks of a task that answers picture by picture."""

    name: str
    model: TrainedModel
    figures: Path | None  # where they go by default; None: nowhere
    ending: str  # of their names

    def __init__(self, arguments: "Arguments", allowed: str | None): ...

    def find(self, picture: Image.Image, size: int) -> FoundGlyph | None:
        """The character as the model takes it; None where there is no ink and that is an answer."""

    def answers(self, opened: Sequence[Opened]) -> Iterator[Answer]: ...


class Translation:
    """The task `translate`. Mistakes in its arguments are told here, before any picture is opened."""

    name, model_family, figures, ending = "translate", "translator", FIGURES, "typeset"
    find = staticmethod(find_glyph)

    def __init__(self, arguments: "Arguments", allowed: str | None):
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

    name, model_family, figures, ending = "recognise", "recogniser", None, "read"

    def __init__(self, arguments: "Arguments", allowed: str | None):
        self.model = Recogniser.open(arguments.model or default_model(self.model_family, allowed), arguments.models_dir)
        self.allowed = allowed
        self.labels = np.flatnonzero(self.model.log_prior(allowed)[0] == 0)

    def find(self, picture: Image.Image, size: int) -> FoundGlyph | None:
        """`find_glyph`; None for a picture without ink."""
        try:
            return find_glyph(picture, size)
        except BlankError:
            return None

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
        return likeliest(probabilities, self.labels, self.model.alphabet)

    def why_none(self, picture: Opened, reading: Reading, k: int) -> str | None:
        """Why picture k shows no character; None: it shows one."""
        if picture.found is None:
            return "blank: no ink found"
        return why_unlike(self.model, reading, k)


class Restoration:
    """What the tasks that draw a character anew share. Mistakes in their arguments are told as they begin."""

    model_family, figures = "cvae", FIGURES
    find = staticmethod(find_glyph)

    def __init__(self, arguments: "Arguments", allowed: str | None):
        self.told = arguments.character
        self.model, self.allowed = open_writer(arguments, allowed), allowed
        if self.told is not None and len(self.told) != 1:
            raise UserError(f"--character {self.told!r}: expected one character, received {len(self.told)}; all "
                            f"pictures of a call must show the same, or leave it out")  # fmt: skip

    def answers(self, opened: Sequence[Opened]) -> Iterator[Answer]:
        """Draws the pictures anew, one by one: where the alphabet is large, to read one takes seconds."""
        for picture in opened:
            yield self.answer(picture, stacked([picture]))

    def answer(self, picture: Opened, seen: np.ndarray) -> Answer:
        """Draws one picture, of which the model sees uint8 `(1, S, S, 1)`, anew."""
        raise NotImplementedError

    def labels(self, seen: np.ndarray) -> np.ndarray:
        """The label int32 `(1,)`: what was told, or else read."""
        if self.told is None:
            return most_likely_labels(self.model, seen, self.allowed)[0]
        return np.array([self.model.alphabet.index(self.told)], np.int32)


class Reconstruction(Restoration):
    """The task `reconstruct`."""

    name, ending = "reconstruct", "reconstructed"

    def answer(self, picture: Opened, seen: np.ndarray) -> Answer:
        """Draws the picture as the model remembers it."""
        labels = self.labels(seen)
        drawn = reconstruct(self.model, seen, labels)
        character, decibels = self.model.alphabet[labels[0]], psnr(drawn, seen)[0]
        report = {"character": character, "told": self.told is not None, "psnr": finite(decibels)}
        captions = "given", "as the model saw it", f"reconstructed as  {character}"
        figure = partial(draw_restored, picture.preview, picture.glyph, drawn[0], captions)
        return Answer(report, f"{character}  {decibels:.1f} dB", figure)


class Denoising(Restoration):
    """The task `denoise`."""

    name, ending = "denoise", "denoised"

    @staticmethod
    def find(picture: Image.Image, size: int) -> FoundGlyph:
        """`find_glyph`; but a noisy picture of just the model's size, also enlarged, is taken with all its noise.

        Raises:
            BlankError: There is no ink.
        """
        grey = flatten(picture).convert("L")
        levels = unenlarged(np.asarray(grey), size)
        edge = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
        if min(levels.shape) >= FINE * size and np.ptp(edge) > 0:
            return find_glyph(grey.filter(ImageFilter.MedianFilter(3)), size)  # each grain would count as an outline
        if levels.shape != (size, size) or np.ptp(edge) == 0:
            return find_glyph(picture, size)
        if np.ptp(levels) < MIN_CONTRAST:
            raise BlankError
        glyph = 255 - levels if np.median(edge) > 127 else levels
        return FoundGlyph(glyph, (0, 0, *picture.size), 1, picture.size)

    def __init__(self, arguments: "Arguments", allowed: str | None):
        for option in ("amount", "seed") if arguments.noise is None else ():
            if (value := getattr(arguments, option)) is not None:
                raise UserError(f"--{option} {value}: expected --noise with it, received none; name the noise to add, "
                                f"or leave it out")  # fmt: skip
        self.noise, self.seed = arguments.noise, arguments.seed or 0
        self.amount = AMOUNT if arguments.amount is None else arguments.amount
        self.noisy(np.zeros((1, 1, 1, 1), np.uint8))  # a wrong amount shows
        super().__init__(arguments, allowed)

    def noisy(self, seen: np.ndarray) -> np.ndarray:
        """A picture uint8 `(1, S, S, 1)` with the noise asked for, the same on each, whatever comes before it."""
        return seen if self.noise is None else add_noise(seen, self.noise, self.amount, self.seed)

    def answer(self, picture: Opened, seen: np.ndarray) -> Answer:
        """Draws the picture without its noise, after some was added if asked for."""
        noisy = self.noisy(seen)
        labels = self.labels(noisy)
        drawn = denoise(self.model, noisy, labels)
        decibels = psnr(noisy, seen)[0], psnr(drawn, seen)[0]
        report, line, captions = self.told_of(self.model.alphabet[labels[0]], decibels)
        return Answer(report, line, partial(draw_restored, picture.preview, noisy[0, ..., 0], drawn[0], captions))

    def told_of(self, character: str, decibels: tuple[float, float]) -> tuple[dict[str, Any], str, Sequence[str]]:
        """Report, line and captions of a picture; how near it came, in dB, only where the clean picture is known."""
        report = {"character": character, "told": self.told is not None, "noise": None, "psnr": None}
        denoised = f"denoised as  {character}"
        if self.noise is None:
            return report, character, ("given", "as the model saw it", denoised)
        before, after = (f"{value:.1f} dB" for value in decibels)
        report |= {"noise": {"kind": self.noise, "amount": self.amount, "seed": self.seed},
                   "psnr": [finite(value) for value in decibels]}  # fmt: skip
        line = f"{character}  {before} with noise, {after} denoised"
        return report, line, ("given", f"with noise   {before}", f"{denoised}   {after}")


def likeliest(probabilities: np.ndarray, labels: np.ndarray, alphabet: str) -> list[tuple[str, float]]:
    """The characters of some labels `(L,)` with the largest probabilities `(K,)`, at most `TOP`, largest first."""
    order = labels[np.argsort(-probabilities[labels], kind="stable")[:TOP]]
    return [(alphabet[label], round(float(probabilities[label]), 6)) for label in order]


def why_unlike(model: Recogniser, reading: Reading, k: int) -> str | None:
    """Why picture k, which has ink, shows no character; None: it shows one."""
    if reading.is_character[k]:
        return None
    evidence, least = reading.evidence[k], model.card["no_character"]["least_evidence"]
    return f"unlike every character the model knows (evidence {evidence:.3f}, at least {least:.3f} expected)"


def open_writer(arguments: "Arguments", allowed: str | None) -> Writer:
    """The model named, or the shipped one that knows the characters best.

    Raises:
        UserError: There is none such, or it does not know the alphabet, or a character told.
    """
    told = arguments.character
    if told == "":
        raise UserError("--character: expected the character shown, received none; leave it out to have it read")
    model = Writer.open(arguments.model or default_model("cvae", allowed or told), arguments.models_dir)
    model.log_prior(allowed)
    for character in dict.fromkeys(told or ""):
        if character not in (allowed or model.alphabet):
            raise UserError(f"--character {character!r}: expected one of {in_words(allowed or model.alphabet)}; choose "
                            f"another, or another --alphabet or --model")  # fmt: skip
    return model


def unenlarged(levels: np.ndarray, size: int) -> np.ndarray:
    """Grey levels `(H, W)` one for each pixel of a picture `size` wide that was enlarged whole; others stay."""
    factor = len(levels) // size
    small = levels[::factor, ::factor] if factor else levels
    same = small.shape == (size, size) and np.array_equal(np.kron(small, np.ones((factor, factor), np.uint8)), levels)
    return small if same else levels


def finite(value: float) -> float | None:
    """A number that JSON knows; None for infinity."""
    return round(float(value), 3) if np.isfinite(value) else None


def default_model(family: str, allowed: str | None) -> str:
    """The shipped model of a family that knows the characters best."""
    return f"{family}-digits" if allowed and set(allowed) <= set(characters_of("digits")) else f"{family}-ascii"


def stacked(opened: Sequence[Opened]) -> np.ndarray:
    """What a model sees of pictures: uint8 `(N, S, S, 1)`."""
    return np.stack([picture.glyph for picture in opened])[..., None]


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
