"""What a trained reader is told about itself on validation data: how sure to be, and when to refuse."""

import math

import numpy as np

from metrics import fit_temperature
from non_characters import CALIBRATED, non_characters
from readers import evidence

MOST_REFUSED = 0.003  # share of real characters that the rule may refuse at most


def refusal_threshold(characters: np.ndarray, strays: np.ndarray) -> float:
    """The evidence below which a picture is called no character.

    Of all thresholds that refuse at most MOST_REFUSED of the characters, the one with the highest sum of characters
    kept and non-characters refused (Youden 1950); in the middle of the gap, where there is one.

    Args:
        characters: Evidence `(N,)` of characters. strays: Evidence `(M,)` of non-characters.
    """
    values = np.unique(np.concatenate([characters, strays]))
    cuts = np.concatenate([[values[0] - 1], (values[1:] + values[:-1]) / 2])
    lost = np.searchsorted(np.sort(characters), cuts) / len(characters)
    refused = np.searchsorted(np.sort(strays), cuts) / len(strays)
    return float(cuts[np.argmax(np.where(lost <= MOST_REFUSED, refused - lost, -1))])


def calibrate(read, images: np.ndarray, labels: np.ndarray, seed: int) -> dict:
    """What the card says of a reader's probabilities and of its rule for non-characters.

    Args:
        read: uint8 images `(N, S, S, 1)` -> logits `(N, K)`.
        images: uint8 `(N, S, S, 1)`, the validation part, whose ink the non-characters are made of, too.
        labels: int `(N,)`.
        seed: Of the non-characters, numbers 0 to CALIBRATED - 1 of every kind.

    Returns:
        `temperature`, which logits are divided by before the softmax (Guo et al. 2017, arXiv:1706.04599), and
        `no_character`: the least `evidence` of a character, and the shares refused, by that rule, of the very pictures
        it was chosen on; what it refuses of others is for `evaluate.py` to say.
    """
    logits = read(images)
    strays = {kind: evidence(read(made)) for kind, made in non_characters(images, CALIBRATED, seed).items()}
    characters = evidence(logits)
    threshold = refusal_threshold(characters, np.concatenate(list(strays.values())))
    threshold = math.floor(threshold * 1e4) / 1e4  # as it is written, down: never does it refuse more characters
    return {
        "temperature": round(fit_temperature(logits, labels), 4),
        "no_character": {
            "least_evidence": threshold,
            "measured_on": "validation",
            "characters_refused": round(float((characters < threshold).mean()), 5),
            "non_characters_refused": {
                kind: round(float((values < threshold).mean()), 5) for kind, values in strays.items()
            },
        },
    }
