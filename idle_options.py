"""Options of generate.py that would change nothing beside the others given: refused, not passed over in silence."""

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from glyph_grids import TAKEN
from glyph_sources import SAMPLED_SETS
from layout import Layout
from shell import UserError

if TYPE_CHECKING:
    from generate import Arguments

STYLES = ("style", "mix_style", "save_style")


def refuse_idle(arguments: "Arguments", source: str) -> None:
    """Refuses options that would change nothing.

    Args:
        source: Where characters come from, also where nobody said so.

    Raises:
        UserError: There is one; it names the first, and the reason.
    """
    for name, reason in (*idle_options(arguments, source), *idle_in_grid(arguments)):
        value = getattr(arguments, name, getattr(arguments.layout, name, None))
        if value is not None and value is not False:  # 0 is something
            shown = "" if value is True else f" {value}"
            raise UserError(f"--{name.replace('_', '-')}{shown}: expected none, since {reason}; leave it out")


def idle_options(arguments: "Arguments", source: str) -> Iterator[tuple[str, str]]:
    """Names of options that what else is asked for has no use for, and why."""
    if not arguments.mix_style:
        yield "share", "it is the share of --mix-style, which is not given"
    if arguments.random is None:
        yield "alphabet", "--random draws from it, which is not given"
    if arguments.mix is not None:
        yield "skip_unknown", "--mix leaves no gaps"
    if (arguments.variants is not None or arguments.mix is not None) and arguments.style is None:
        yield "save_style", "every try of a grid has a hand of its own"
    if source != "cgan":
        yield "mix", f"--source {source} mixes no characters, as cgan does"
    if source == "gan":
        told = ("alphabet", "variants", "skip_unknown", *STYLES)
        yield from ((name, "--source gan is told neither character nor hand") for name in told)
    if source in SAMPLED_SETS:
        yield from ((name, f"--source {source} is no model") for name in ("model", "temperature", *STYLES))


def idle_in_grid(arguments: "Arguments") -> Iterator[tuple[str, str]]:
    """Those of the layout that were changed though there is no text to lay out."""
    if arguments.variants is None and arguments.mix is None:
        return
    reason = f"a grid takes only {', '.join(f'--{name}' for name in TAKEN)}"
    for field in fields(Layout):
        if field.name not in TAKEN and getattr(arguments.layout, field.name) != field.default:
            yield field.name, reason
