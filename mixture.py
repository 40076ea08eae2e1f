"""Several characters in one picture, and the share of each: what `1*2+7` asks for."""

import math
import re
from collections.abc import Iterable, Iterator

from shell import UserError, naming

PART = re.compile(r"\s*(?P<character>\S)\s*(?:\*(?P<weight>[^+]*))?(?P<end>\+|\Z)")
EXAMPLE = "try 1+7, or 1*2+7 for twice as much of the 1"


def parse_mixture(text: str) -> dict[str, float]:
    """The shares of characters that a line asks for.

    Parts are joined by `+`. Each begins with its character, whichever that is; `*` and a weight may follow, which is 1
    otherwise. So `1*2+7` is two thirds of a 1 and a third of a 7, and `+*2+*` the same of a plus and an asterisk.
    Blanks do not matter; what is said of a character twice is added up.

    Returns:
        Shares by character, of a sum of 1.

    Raises:
        UserError: It reads otherwise, or as of `shares_of`.
    """
    with naming(f"mix {text!r}"):
        return shares_of(_weights(text))


def _weights(text: str) -> Iterator[tuple[str, float]]:
    """The characters and weights that the parts of a line name, in turn."""
    place, end = 0, "+"
    while end:
        part = PART.match(text, place)
        if part is None:
            after = f" after {text[:place].strip()!r}" if place else ""
            received = repr(text[place:].strip()) if text[place:].strip() else "none"
            raise UserError(f"expected one character{after}, then +, * or the end; received {received}; {EXAMPLE}")
        yield part["character"], 1.0 if part["weight"] is None else _number(part["weight"])
        place, end = part.end(), part["end"]


def _number(weight: str) -> float:
    try:
        return float(weight)
    except ValueError:
        raise UserError(f"expected a number after *, received {weight.strip()!r}; {EXAMPLE}") from None


def shares_of(weights: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Weights of characters brought to a sum of 1, those of the same character added up.

    Raises:
        UserError: One is negative or not finite, or none is above 0.
    """
    weights = list(weights)
    for character, weight in weights:
        if not (math.isfinite(weight) and weight >= 0):
            raise UserError(f"weight of {character!r}: expected a number of 0 or more, received {weight}; change it")
    largest = max((weight for _, weight in weights), default=0)
    if not largest:
        raise UserError("weights: expected at least one above 0, received none; raise one")
    shares = dict.fromkeys((character for character, _ in weights), 0.0)
    for character, weight in weights:
        shares[character] += weight / largest  # so that no sum becomes infinite
    total = math.fsum(shares.values())
    return {character: share / total for character, share in shares.items()}
