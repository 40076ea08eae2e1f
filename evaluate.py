"""Measures trained models on test pictures, and writes what it finds on their cards.

python evaluate.py recogniser-digits
python evaluate.py --all --json
python evaluate.py recogniser-ascii --against translator-ascii
"""

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import tyro
from PIL import Image

import evaluation_pictures
import reader_evaluation
import translator_evaluation
from evaluation_data import Pictures, pictures_for
from reader_evaluation import comparison_steps, reader_steps
from report import Section, summary
from runtime import CARD, Recogniser, TrainedModel, Translator, card_text, list_models, model_places
from shell import USAGE_ERROR, UserError, parse, run_script, written_whole
from translator_evaluation import find_judge, translator_steps

KINDS = {kind.task: kind for kind in (Recogniser, Translator)}
SEEDS = range(2**32)  # that NumPy's RandomState takes


@dataclass(frozen=True)
class Arguments:
    """Measures trained models on test pictures: tables here, figures on their cards, pictures in images/evaluation."""

    models: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of trained models in the models folder."""
    all: bool = False
    """Measure every model there is."""
    dataset: tuple[str, ...] = ()
    """Data sets whose test part to measure on, beside what the card tells of others; unset: those the model was trained
    on, and photos if there are some."""
    alphabet: str | None = None
    """Measure with just these characters allowed, which leaves the cards alone: digits, upper, lower, letters, alnum,
    ascii, or the characters themselves; unset: those that suit the pictures, and all."""
    against: str | None = None
    """Another model, to compare each with on the same pictures by McNemar's test."""
    robustness_pictures: int = 2000
    """Test pictures that each corruption of the robustness suite is measured on."""
    seed: int = 0
    """Of the bootstrap, of the noise and of the non-characters."""
    limit: int | None = None
    """Use this many pictures of a test part, for a rehearsal that leaves the cards alone; unset: all."""
    json: bool = False
    """Print one JSON object a model and line, instead of tables."""
    pictures: bool = True
    """Draw the pictures."""
    readme: Path | None = None
    """Markdown file to put each model's headline figures into, between <!-- evaluate.py NAME --> and
    <!-- evaluate.py end -->."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""
    images_dir: Path = Path("images")
    """Tables and pictures go to IMAGES_DIR/evaluation/NAME."""

    def __post_init__(self):
        for name in ("robustness_pictures", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        if self.seed not in SEEDS:
            raise ValueError(f"`seed` must lie in [0, 2**32). Received: seed={self.seed}")


@dataclass(frozen=True)
class Evaluation:
    """What was found out about a model."""

    model: TrainedModel
    sections: list[Section]
    comparisons: list[Section]
    """With another model; not the model's own, so that its card does not tell of them."""

    def as_markdown(self) -> str:
        """All tables."""
        sections = [*self.sections, *self.comparisons]
        return "\n".join([f"# {self.model.folder.name}\n", *(section.as_markdown() for section in sections)])

    def quality(self, seed: int, date: str) -> dict:
        """For the card."""
        return {section.name: section.as_json(seed, date) for section in self.sections}


def main(arguments: Arguments) -> int:
    """Measures the models in turn; what is wrong with one does not keep the others from it.

    Returns:
        The exit code: 0, or 2 where some model could not be measured.

    Raises:
        UserError: No model is named, or there is none.
    """
    names = list_models(arguments.models_dir) if arguments.all else list(dict.fromkeys(arguments.models))
    if not names:
        places = " or ".join(map(str, model_places(arguments.models_dir)))
        raise UserError(f"expected trained models in {places}, received none; train one" if arguments.all else
                        "expected the name of a trained model, received none; name one, or --all")  # fmt: skip
    if arguments.readme:
        check_readme(arguments.readme, names)
    failures = 0
    for name in names:
        try:
            publish(evaluate(name, arguments), arguments)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            failures += 1
    return USAGE_ERROR if failures else 0


def evaluate(name: str, arguments: Arguments) -> Evaluation:
    """Measures one model.

    Raises:
        UserError: It, its data or the model to compare it with is missing, damaged or of another alphabet.
    """
    from tqdm import tqdm

    model, other = (open_model(one, arguments.models_dir) if one else None for one in (name, arguments.against))
    sets = pictures_for(model, arguments.dataset, arguments.data_dir, arguments.alphabet)
    if arguments.limit:
        sets = [pictures.spread(arguments.limit) for pictures in sets]
    own = steps_for(model, sets, arguments)
    compared = steps_against(model, other, sets) if other else []
    steps = tqdm([*own, *compared], name, unit="section", leave=False, disable=None)  # silent without a terminal
    sections = [step() for step in steps]
    return Evaluation(model, sections[: len(own)], sections[len(own) :])


def open_model(name: str, models_dir: Path | None) -> Recogniser | Translator:
    """Opens a model as the kind that its card says it is.

    Raises:
        UserError: It is missing or damaged, or of a kind that cannot be measured.
    """
    model = TrainedModel.open(name, models_dir)
    task = model.card["task"]
    if task not in KINDS:
        raise UserError(f"{model.folder / CARD}: expected a model of a task among {', '.join(KINDS)}, received "
                        f"{task!r}; choose another model")  # fmt: skip
    return KINDS[task].open(name, models_dir)


def steps_for(model: Recogniser | Translator, sets: Sequence[Pictures], arguments: Arguments) -> list[Callable]:
    """What there is to measure of a model: calls that give a section each."""
    if isinstance(model, Translator):
        judge = find_judge(model, arguments.models_dir)
        return translator_steps(model, sets, arguments.seed, arguments.robustness_pictures, judge)
    return reader_steps(model, sets, arguments.seed, arguments.robustness_pictures)


def steps_against(model: TrainedModel, other: TrainedModel, sets: Sequence[Pictures]) -> list[Callable]:
    """The comparison of two models' reading."""
    both = (model, other)
    reads = [translator_evaluation.reader_of(one) if isinstance(one, Translator) else reader_evaluation.reader_of(one)
             for one in both]  # fmt: skip
    return comparison_steps([one.card["name"] for one in both], reads, [one.alphabet for one in both], sets)


def publish(evaluation: Evaluation, arguments: Arguments) -> None:
    """Writes the tables, the pictures, the card and the README, then prints."""
    model, date = evaluation.model, datetime.now(UTC).date().isoformat()
    quality = evaluation.quality(arguments.seed, date)
    write_tables(evaluation, arguments.images_dir / "evaluation" / model.folder.name, arguments.pictures)
    if arguments.limit is None and arguments.alphabet is None:
        known = model.card.get("quality") if arguments.dataset else None
        write_card(model, {**(known or {}), **quality})
        if arguments.readme:
            write_readme(evaluation, arguments.readme)
    if arguments.json:
        against = {section.name: section.as_json(arguments.seed, date) for section in evaluation.comparisons}
        told = {"model": model.folder.name, "task": model.card["task"], "quality": quality}
        print(json.dumps(told | ({"against": against} if against else {})))
    else:
        print(evaluation.as_markdown())


def write_tables(evaluation: Evaluation, folder: Path, pictures: bool) -> None:
    """Writes the tables as Markdown and, if wished for, the pictures they refer to."""
    with written_whole(folder) as draft:
        draft.mkdir()
        parts = [f"# {evaluation.model.folder.name}\n"]
        for section in (*evaluation.sections, *evaluation.comparisons):
            parts.append(section.as_markdown())
            for name, draw in section.drawings.items() if pictures else ():
                drawing = draw()
                if isinstance(drawing, Image.Image):
                    drawing.save(draft / f"{name}.png")
                else:
                    evaluation_pictures.save(drawing, draft / f"{name}.png")
                parts.append(f"![{name}]({quote(name)}.png)\n")
        (draft / "report.md").write_text("\n".join(parts), encoding="utf-8")


def write_card(model: TrainedModel, quality: dict) -> None:
    """Puts the measured quality on a model's card, which stands in no list of hashes."""
    with written_whole(model.folder / CARD) as draft:
        draft.write_text(card_text({**model.card, "quality": quality}), encoding="utf-8")


def check_readme(path: Path, names: Sequence[str]) -> None:
    """Refuses a README without a place for any of the models, before they are measured."""
    text = path.read_text(encoding="utf-8")
    if not any(readme_block(name).search(text) for name in names):
        raise UserError(f"{path}: expected a line <!-- evaluate.py {names[0]} --> and below it <!-- evaluate.py end "
                        f"-->, received none; write them where the table shall stand")  # fmt: skip


def readme_block(name: str) -> re.Pattern:
    """What finds a model's place in a README: its first line, what stands there, its last line."""
    within = r"(?:(?!<!-- evaluate\.py).)*"  # not beyond the place of another
    return re.compile(rf"(<!-- evaluate\.py {re.escape(name)} -->\n){within}(<!-- evaluate\.py end -->)", re.DOTALL)


def write_readme(evaluation: Evaluation, path: Path) -> None:
    """Puts the headline figures into a README, where it has a place for them."""
    tables = summary(evaluation.sections)
    text, name = path.read_text(encoding="utf-8"), evaluation.model.folder.name
    with written_whole(path) as draft:
        draft.write_text(readme_block(name).sub(lambda match: f"{match[1]}{tables}{match[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
