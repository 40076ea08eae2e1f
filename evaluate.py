"""Measures trained models on test pictures, and writes what it finds on their cards.

python evaluate.py recogniser-digits
python evaluate.py --all --json
python evaluate.py recogniser-ascii --against translator-ascii
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import quote

import tyro
from PIL import Image

import evaluation_pictures
import reader_evaluation
import translator_evaluation
from data_processor import SEEDS
from evaluation_data import Pictures, data_for, training_pictures
from generators import Generator, Writer
from invention_evaluation import invention_steps
from reader_evaluation import comparison_steps, reader_steps
from readers import Recogniser, Translator
from report import Section, fill_readme, read_readme, readme_block, summary
from runtime import CARD, TrainedModel, card_text, find_model, list_models, model_places, read_card, told_by
from shell import USAGE_ERROR, UserError, describe_os_error, parse, run_script, written_whole
from trained import open_model
from translator_evaluation import find_judge, translator_steps
from writer_evaluation import Extent, main_data, writer_steps


@dataclass(frozen=True)
class Arguments:
    """Measures trained models on test pictures: tables here, figures on their cards, pictures in images/evaluation."""

    models: tyro.conf.Positional[tuple[str, ...]] = ()
    """Names of trained models in the models folder."""
    all: bool = False
    """Measure every model there is."""
    dataset: tuple[str, ...] = ()
    """Data sets to measure on, one or more: a name such as mnist, unipen94 or photos (data_processor.py --help lists
    them), the path of an .npz file, or folder:PATH with one sub-folder a class. The test part of each is taken; of a
    set without one all pictures, unless the model was trained on one of that last name. The figures are added to those
    on the card. Unset: the sets that the model was trained on, and photos if there are some."""
    alphabet: str | None = None
    """Measure with just these characters allowed, which leaves the cards alone: digits, upper, lower, letters, alnum,
    ascii, or the characters themselves; unset: those that suit the pictures, and all."""
    against: str | None = None
    """Another model, to compare each with on the same pictures by McNemar's test."""
    robustness_pictures: int = 5000
    """Test pictures that each corruption of the robustness suite is measured on."""
    likelihood_pictures: int = 500
    """Test pictures that a writer's likelihood is measured on, each class by its share."""
    importance_samples: int = 500
    """Styles proposed for each of them, by which its likelihood is bounded from below: the more, the closer."""
    seed: int = 0
    """Of the bootstrap, of the noise, of the non-characters and of what is drawn."""
    limit: int | None = None
    """Use this many pictures of each kind of characters in a test part, for a rehearsal that leaves the cards alone;
    unset: all."""
    json: bool = False
    """Print one JSON object a model and line, instead of tables."""
    pictures: bool = True
    """Draw the pictures."""
    readme: Path | None = None
    """Markdown file to put each model's headline figures into, between <!-- evaluate.py NAME --> and
    <!-- evaluate.py end -->. Not with --limit, --alphabet, --dataset or --against."""
    data_dir: Path | None = None
    """Where the data files are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""
    images_dir: Path = Path("images")
    """Tables and pictures go to IMAGES_DIR/evaluation/NAME; with --limit, --alphabet, --dataset or --against to
    NAME-partial beside it."""

    def __post_init__(self):
        for name in ("robustness_pictures", "likelihood_pictures", "importance_samples", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        if self.seed not in SEEDS:
            raise ValueError(f"`seed` must lie in [0, 2**32). Received: seed={self.seed}")

    @property
    def narrowing(self) -> list[str]:
        """What makes of a model's whole evaluation another one: options as they are typed."""
        names = ("limit", "alphabet", "dataset", "against")
        return [f"--{name}" for name in names if getattr(self, name) not in (None, ())]


@dataclass(frozen=True)
class Evaluation:
    """What was found out about a model."""

    model: TrainedModel
    sections: list[Section]
    comparisons: list[Section]
    """With another model; not the model's own, so that its card does not tell of them."""
    note: str = ""
    """On the data as a whole."""

    @property
    def title(self) -> str:
        """What stands over the tables."""
        return f"# {self.model.folder.name}\n" + (f"\n{self.note}\n" if self.note else "")

    def as_markdown(self) -> str:
        """All tables."""
        sections = [*self.sections, *self.comparisons]
        return "\n".join([self.title, *(section.as_markdown() for section in sections)])

    def quality(self, seed: int, date: str) -> dict:
        """For the card."""
        return {section.name: section.as_json(seed, date) for section in self.sections}


def main(arguments: Arguments) -> int:
    """Measures the models in turn; what is wrong with one does not keep the others from it.

    Returns:
        The exit code: 0, or 2 where some model could not be measured.

    Raises:
        UserError: No model is named, or some beside --all; there is none, or the README cannot take its figures.
    """
    if arguments.all and arguments.models:
        raise UserError(f"expected names of models or --all, received {' '.join(arguments.models)} and --all; "
                        f"leave out either")  # fmt: skip
    names = list_models(arguments.models_dir) if arguments.all else list(dict.fromkeys(arguments.models))
    if not names:
        places = " or ".join(map(str, model_places(arguments.models_dir)))
        raise UserError(f"expected trained models in {places}, received none; train one" if arguments.all else
                        "expected the name of a trained model, received none; name one, or --all")  # fmt: skip
    if arguments.readme:
        check_readme(arguments, names)
    failures = 0
    for name in names:
        try:
            publish(evaluate(name, arguments), arguments)
        except BrokenPipeError:  # nobody reads on, of no model
            raise
        except (UserError, OSError) as error:
            print(f"error: {describe_os_error(error) if isinstance(error, OSError) else error}", file=sys.stderr)
            failures += 1
    return USAGE_ERROR if failures else 0


def evaluate(name: str, arguments: Arguments) -> Evaluation:
    """Measures one model.

    Raises:
        UserError: It, its data or the model to compare it with is missing, damaged, of another alphabet or size, or
            the same.
    """
    from tqdm import tqdm

    model, other = (open_model(one, arguments.models_dir) if one else None for one in (name, arguments.against))
    if other:
        check_comparable(model, other)
    sets, note = data_for(model, arguments.dataset, arguments.data_dir, arguments.alphabet)
    if note:
        print(f"note: {name}: {note}", file=sys.stderr)
    if arguments.limit:
        sets = [pictures.spread(arguments.limit) for pictures in sets]
    own = steps_for(model, sets, arguments)
    compared = steps_against(model, other, sets, arguments.seed) if other else []
    steps = tqdm([*own, *compared], name, unit="section", leave=False, disable=None)  # silent without a terminal
    sections = [step() for step in steps]
    return Evaluation(model, sections[: len(own)], sections[len(own) :], note)


def check_comparable(model: TrainedModel, other: TrainedModel) -> None:
    """Refuses a comparison of a model with itself, with one of other sizes, or of one that does not read."""
    for one in (model, other):
        if isinstance(one, Writer | Generator):
            raise UserError(f"--against {other.folder.name}: expected two models that read, received "
                            f"{one.folder.name}, which draws; choose others, or leave it out")  # fmt: skip
    if model.folder == other.folder:
        raise UserError(f"--against {other.folder.name}: expected another model than the one measured, received the "
                        f"same; choose another")  # fmt: skip
    sides = model.image_size, other.image_size
    if sides[0] != sides[1]:
        raise UserError(f"--against {other.folder.name}: expected a model of pictures of {sides[0]} pixels, as "
                        f"{model.folder.name} is, received one of {sides[1]}; choose another")  # fmt: skip


def steps_for(
    model: Recogniser | Translator | Writer | Generator, sets: Sequence[Pictures], arguments: Arguments
) -> list[Callable]:
    """What there is to measure of a model: calls that give a section each."""
    if isinstance(model, Translator):
        judge = find_judge(model, arguments.models_dir)
        return translator_steps(model, sets, arguments.seed, arguments.robustness_pictures, judge)
    if isinstance(model, Writer | Generator):
        judge, extent = find_judge(model, arguments.models_dir), extent_of(arguments)
        chosen = sets if arguments.dataset else main_data(sets)
        beside = partial(training_pictures, model, names=arguments.dataset, data_dir=arguments.data_dir)
        steps = writer_steps if isinstance(model, Writer) else invention_steps
        return steps(model, chosen, beside, judge, extent, arguments.seed)
    return reader_steps(model, sets, arguments.seed, arguments.robustness_pictures)


def extent_of(arguments: Arguments) -> Extent:
    """How much is measured of what draws."""
    asked = Extent(arguments.likelihood_pictures, arguments.importance_samples)
    return asked.limited(arguments.limit)


def steps_against(model: TrainedModel, other: TrainedModel, sets: Sequence[Pictures], seed: int) -> list[Callable]:
    """The comparison of two models' reading."""
    both = (model, other)
    reads = [translator_evaluation.reader_of(one) if isinstance(one, Translator) else reader_evaluation.reader_of(one)
             for one in both]  # fmt: skip
    return comparison_steps([one.folder.name for one in both], reads, [one.alphabet for one in both], sets, seed)


def publish(evaluation: Evaluation, arguments: Arguments) -> None:
    """Prints, then writes the tables, the pictures, the card and the README: a full disk does not take all of it."""
    model, date = evaluation.model, datetime.now(UTC).date().isoformat()
    quality = evaluation.quality(arguments.seed, date)
    print_figures(evaluation, quality, arguments, date)
    folder = model.folder.name + ("-partial" if arguments.narrowing else "")
    write_tables(evaluation, arguments.images_dir / "evaluation" / folder, arguments.pictures)
    if arguments.limit is None and arguments.alphabet is None:
        write_card(model, quality, add=bool(arguments.dataset))
    if arguments.readme:
        fill_readme(arguments.readme, model.folder.name, summary(evaluation.sections))


def print_figures(evaluation: Evaluation, quality: dict, arguments: Arguments, date: str) -> None:
    """Prints the tables or one line of JSON."""
    if arguments.json:
        model = evaluation.model
        against = {section.name: section.as_json(arguments.seed, date) for section in evaluation.comparisons}
        told = {"model": model.folder.name, "task": model.card["task"], "quality": quality}
        known = {"against": against, "note": evaluation.note}
        print(json.dumps(told | {name: value for name, value in known.items() if value}))
    else:
        print(evaluation.as_markdown())


def write_tables(evaluation: Evaluation, folder: Path, pictures: bool) -> None:
    """Writes the tables as Markdown and, if wished for, the pictures they refer to."""
    with written_whole(folder) as draft:
        draft.mkdir()
        parts = [evaluation.title]
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


def write_card(model: TrainedModel, quality: dict, add: bool) -> None:
    """Puts the measured quality on a model's card, which stands in no list of hashes.

    Args:
        add: Keep what the card tells of other sections.

    Raises:
        UserError: The model has been trained anew since it was opened.
    """
    path = model.folder / CARD
    card = read_card(path)
    if card["files"] != model.card["files"]:
        raise UserError(f"{path}: expected the model that was measured, received another, trained meanwhile; its card "
                        f"was left alone: measure again")  # fmt: skip
    kept = told_by(card, "quality") if add else {}
    with written_whole(path) as draft:
        draft.write_text(card_text({**card, "quality": {**kept, **quality}}), encoding="utf-8")


def check_readme(arguments: Arguments, names: Sequence[str]) -> None:
    """Refuses a README that cannot take the figures of any model, before they are measured, and names those without.

    Raises:
        UserError: It has no place for any of the models, is no text, or the run is not of the whole.
    """
    path = arguments.readme
    if arguments.narrowing:
        raise UserError(f"--readme {path}: expected a run of everything, received {', '.join(arguments.narrowing)}, "
                        f"whose figures are not the model's; leave one or the other out")  # fmt: skip
    text = read_readme(path)
    without = [name for name in names if not readme_block(name).search(text)]
    for name in without if len(without) < len(names) else ():
        print(f"note: {path}: has no place for {name}, whose figures it will not tell", file=sys.stderr)
    if len(without) == len(names):
        find_model(names[0], arguments.models_dir)  # a mistyped name is told as such
        raise UserError(f"{path}: expected a line <!-- evaluate.py {names[0]} --> and below it <!-- evaluate.py end "
                        f"-->, received none; write them where the table shall stand")  # fmt: skip


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
