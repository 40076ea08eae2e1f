"""Signs that look alike once they are framed, as . and ', - and _, told apart by where they stand in a line."""

import numpy as np

from letterforms import form_of

STEADINESS = 0.15  # of a line's height: standard deviation of where people put the middle of a sign
LEAST_WEIGHT = 1e-12  # of a place where a sign never is: an odd place alone makes nothing impossible


def has_signs(alphabet: str) -> bool:
    """Whether anything but digits and letters is among some characters."""
    return not all(character.isalnum() for character in alphabet)


def weighed_by_place(probabilities: np.ndarray, alphabet: str, place: float) -> np.ndarray:
    """What a reader makes of a sign, once it is told where in its line the sign stands.

    Args:
        probabilities: `(K,)`, of the characters of the alphabet.
        place: How far its middle is above the line's foot, in heights of the line's capitals.

    Returns:
        Probabilities `(K,)`: each is weighed by how near to the place its character is in type.
    """
    places = np.array([_usual_place(character) for character in alphabet])
    weights = np.maximum(np.exp(-(((place - places) / STEADINESS) ** 2) / 2), LEAST_WEIGHT)
    weighed = probabilities * weights
    return weighed / weighed.sum()


def _usual_place(character: str) -> float:
    form = form_of(character)
    return (form.top + form.bottom) / 2 / form_of("H").top
