"""The architecture of a model, every layer with its output shape and weights: a diagram, and a table on the terminal.

Or a look inside a trained one: what every layer makes of one character or picture.

python visualize_model.py translator-digits                    a run of presets.py; nothing need be trained
python visualize_model.py modelh5/translator-ascii             a trained folder, built as its card says
python visualize_model.py translator-ascii --no-expand --out architecture.svg
python visualize_model.py cgan-digits --character 2 --seed 5   every layer while the model draws a 2
python visualize_model.py recogniser-ascii --image a.png --gif
"""

import html
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import tyro

from config import RunConfig
from presets import PRESETS
from run_settings import from_settings
from runtime import CARD, find_models, read_card
from shell import UserError, did_you_mean, parse, run_script, unheard, written_whole

INSTALL_DOT = (
    "`apt-get install graphviz` (Debian, Ubuntu), `brew install graphviz` (macOS), `conda install python-graphviz`"
)
FORMATS = (".png", ".svg", ".pdf")
PIXELS_PER_INCH = 144  # of a .png: letters of 22 pixels, readable when a page shows it at half its size
FONT = "Helvetica,Arial,sans-serif"
INPUT_COLOUR, WEIGHTS_COLOUR, PLAIN_COLOUR = "#d7ecd9", "#dbe7f6", "#ffffff"  # of boxes
FRAME_COLOUR, EDGE_COLOUR = "#8a94a3", "#333a45"


@dataclass(frozen=True)
class Arguments:
    """Draws the architecture of a model and lists its layers, or draws what a trained model's layers make of a
    character or a picture."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """A preset (`train.py --help` lists them), the name of a trained model, or its folder."""
    expand: bool = True
    """Show the layers inside the parts of a model, too. Of the architecture alone."""
    character: str | None = None
    """Look inside a trained model while it draws this character; or reads it, as cvae-digits or cvae-ascii draws it."""
    image: Path | None = None
    """Look inside a trained reader or translator while it reads the character of this picture."""
    seed: int | None = None
    """Draws how the character turns out; unset: 0. A model that is told no character draws by it alone."""
    gif: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show the layers one after the other, as an animation."""
    out: Path = Path("images")
    """Folder for NAME-architecture.png, NAME-layers.png or NAME-layers.gif; or a file: .png, .svg or .pdf for an
    architecture, .png for a look inside, .gif with --gif."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""

    def __post_init__(self):
        if self.seed is not None and not 0 <= self.seed < 2**32:
            raise ValueError(f"`seed` must lie in [0, 2**32). Received: seed={self.seed}")


class Row(NamedTuple):
    """One layer or operation of a model."""

    operation: object
    depth: int  # 0 for the model's own, 1 inside a part of it
    name: str  # empty where Keras made it up
    kind: str
    shape: str
    weights: int


def main(arguments: Arguments) -> None:
    """Draws what is asked for.

    Raises:
        UserError: There is no such model, or it cannot be drawn so.
    """
    if (arguments.character, arguments.image, arguments.seed) == (None, None, None):
        if arguments.gif:
            raise UserError("--gif: expected something to look at, received none; name a --character, an --image, or a "
                            "--seed")  # fmt: skip
        draw_architecture(arguments)
        return
    if not arguments.expand:
        raise UserError("--no-expand: a look inside has no parts; leave it out, or --character, --image and --seed")
    from look_inside import draw_inside  # loaded here: a diagram needs no trained model

    draw_inside(arguments, output_file)


def draw_architecture(arguments: Arguments) -> None:
    """Prints the table, then draws the diagram: so that where Graphviz is missing, the table is there.

    Raises:
        UserError: There is no such model, its card does not fit this version, or Graphviz is missing.
    """
    name, run = find_run(arguments.model, arguments.models_dir)
    path = output_file(arguments.out, f"{name}-architecture", FORMATS)
    model = build(run)
    rows = list(walk(model, arguments.expand))
    print(as_table(rows, model.count_params()))
    title = f"{name}: {model.count_params():,} weights (w)"
    diagram = render(model, rows, title, path.suffix[1:].lower(), arguments.expand)
    with written_whole(path) as draft:
        draft.write_bytes(diagram)
    print(f"wrote {path}")


def find_run(model: str, models_dir: Path | None = None) -> tuple[str, RunConfig]:
    """Name and settings of a preset or, failing that, of a trained model given by its name or folder.

    Raises:
        UserError: There is neither, or the model's card does not fit this version.
    """
    if model in PRESETS:
        return model, PRESETS[model][1]
    models = find_models(models_dir)
    folder = Path(model) if (Path(model) / CARD).is_file() else models.get(model)
    if folder:
        return folder.resolve().name, run_of_card(folder / CARD)
    known = list(dict.fromkeys([*PRESETS, *sorted(models)]))
    raise UserError(f"model {model!r}: expected a preset, a trained model or its folder; found none of that name"
                    f"{did_you_mean(model, known)}; there is: {', '.join(known)}")  # fmt: skip


def run_of_card(path: Path) -> RunConfig:
    """The settings of the run that a card describes.

    Raises:
        UserError: The card is damaged, or of a kind of model or with settings that are unknown here.
    """
    try:
        return from_settings(read_card(path)["config"])
    except UserError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: expected the settings of this version's models, received others ({reason}); "
                        f"retrain the model") from None  # fmt: skip


def output_file(out: Path, name: str, formats: tuple[str, ...]) -> Path:
    """Where a picture goes: `out` if it names a file, else `name` in it, with the first of the formats.

    Raises:
        UserError: `out` is a file name of another format.
    """
    if not out.suffix or out.is_dir():
        return out / f"{name}{formats[0]}"
    if out.suffix.lower() not in formats:
        raise UserError(f"--out {out}: expected a folder or a file ending in {', '.join(formats)}; found another")
    return out


def build(run: RunConfig):
    """The untrained Keras model of a run."""
    with unheard():
        import keras  # noqa: F401 (it is loaded here, so that what it loads is not heard)
    from tasks import build_model

    return build_model(run)


def walk(model, expand: bool = True, depth: int = 0) -> Iterator[Row]:
    """Every layer and operation of a functional Keras model, in order; with `expand` each part's follow the part."""
    for operation in model.operations:
        weights = operation.count_params() if hasattr(operation, "count_params") else 0
        yield Row(operation, depth, given_name(operation), kind_of(operation), output_shape(operation), weights)
        if expand and is_part(operation):
            yield from walk(operation, expand, depth + 1)


def is_part(operation) -> bool:
    """Whether it is a model inside the model."""
    return hasattr(operation, "operations")


def given_name(operation) -> str:
    """The name someone gave it; empty where Keras made one up of the class and a number, as in `conv2d_3`."""
    made_up = operation.name.rstrip("0123456789").rstrip("_").replace("_", "")
    return "" if type(operation).__name__.lower().startswith(made_up) else operation.name


def kind_of(operation) -> str:
    """The class and what matters most of it: `Conv2D 5x5 /2, relu`."""
    text = "part" if is_part(operation) else type(operation).__name__.replace("InputLayer", "Input")
    kernel, strides = getattr(operation, "kernel_size", ()), getattr(operation, "strides", ())
    if kernel:
        text += " " + "x".join(map(str, kernel))
    if strides and set(strides) != {1}:
        text += " /" + "x".join(map(str, dict.fromkeys(strides)))
    activation = getattr(getattr(operation, "activation", None), "__name__", "linear")
    return text if activation == "linear" else f"{text}, {activation}"


def output_shape(operation) -> str:
    """Shape of what it gives for one picture, as `14 x 14 x 24`; those of several outputs joined."""
    import keras

    outputs = keras.tree.flatten(operation.output)
    return ", ".join(" x ".join(map(str, tensor.shape[1:])) or "1" for tensor in outputs)


def as_table(rows: list[Row], total: int) -> str:
    """Layers for the terminal, those inside a part indented."""
    cells = [("layer", "kind", "output shape", "weights")]
    cells += [("  " * row.depth + row.name, row.kind, row.shape, f"{row.weights:,}".lstrip("0")) for row in rows]
    cells.append(("all", "", "", f"{total:,}"))
    name, kind, shape, weights = (max(map(len, column)) for column in zip(*cells, strict=True))
    return "\n".join(f"{a:{name}}  {b:{kind}}  {c:{shape}}  {d:>{weights}}" for a, b, c, d in cells)


def require_dot() -> None:
    """Checks that Graphviz is there.

    Raises:
        UserError: Its program `dot` is not installed.
    """
    if not shutil.which("dot"):
        raise UserError(f"diagram: expected Graphviz's program `dot`, found none; install it: {INSTALL_DOT}")


def render(model, rows: list[Row], title: str, suffix: str, expand: bool = True) -> bytes:
    """The diagram as the bytes of a png, svg or pdf file.

    Raises:
        UserError: Graphviz's program `dot` is not installed, or fails.
    """
    require_dot()
    import keras

    graph = keras.utils.model_to_dot(model, expand_nested=expand, splines="spline", dpi=PIXELS_PER_INCH)
    restyle(graph, {str(id(row.operation)): row for row in rows})
    set_all(graph, label=title, labelloc="t", fontsize=20, fontname=FONT, pad=0.2, ranksep=0.25, nodesep=0.25)
    try:
        return graph.create(prog="dot", format=suffix)
    except (OSError, AssertionError) as error:  # pydot asserts that dot ended well
        reason = " ".join(str(error).split())
        raise UserError(f"diagram: Graphviz's `dot` failed ({reason}); reinstall Graphviz") from None


def restyle(graph, rows: dict[str, Row]) -> None:
    """Gives Keras's graph small boxes (no page could show its large ones) and stands the parts beside each other.

    Args:
        graph: Of pydot, from `keras.utils.model_to_dot`; changed in place.
        rows: By the name of the node.
    """
    for node in graph.get_nodes():
        if node.get_name() in rows:
            set_all(node, label=box_label(rows[node.get_name()]), shape="plain", fontname=FONT)
    part_of = {node.get_name(): part.get("label") for part in graph.get_subgraphs() for node in part.get_nodes()}
    for edge in graph.get_edges():
        set_all(edge, penwidth=1.2, arrowsize=0.7, color=EDGE_COLOUR)
        if edge.get_source() in part_of:
            row = rows[edge.get_source()]
            lead_in_words(graph, edge, f"from {part_of[edge.get_source()]}: {row.name or row.kind}")
    for part in graph.get_subgraphs():
        set_all(part, style="rounded", color=FRAME_COLOUR, fontname=FONT, fontsize=16, margin=14)
        restyle(part, rows)


def lead_in_words(graph, edge, words: str) -> None:
    """Lets an edge come from a few words in place of a box far off: else the parts make one endless column."""
    import pydot

    origin = f"words {edge.get_source()}"
    graph.add_node(pydot.Node(origin, label=f"<<i>{html.escape(words)}</i>>", shape="plain", fontname=FONT))
    graph.add_edge(pydot.Edge(origin, edge.get_destination(), **edge.get_attributes()))
    graph.del_edge(edge.get_source(), edge.get_destination())


def set_all(element, **attributes: object) -> None:
    """Sets attributes of a graph, node or edge of pydot."""
    for name, value in attributes.items():
        element.set(name, value)


def box_label(row: Row) -> str:
    """A box in Graphviz's HTML: name and kind at the left, shape and weights at the right."""
    colour = INPUT_COLOUR if row.kind == "Input" else WEIGHTS_COLOUR if row.weights else PLAIN_COLOUR
    frame = f'border="1" color="{FRAME_COLOUR}" bgcolor="{colour}" cellborder="0" cellspacing="0" cellpadding="5"'
    name = f"<b>{html.escape(row.name)}</b>  " if row.name else ""
    weights = f'<font color="#5b6675">  {row.weights:,} w</font>' if row.weights else ""
    return f"<<table {frame}><tr><td>{name}{html.escape(row.kind)}</td><td>{row.shape}{weights}</td></tr></table>>"


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
