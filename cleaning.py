"""Training pictures without those that hardly anybody could take for what their label says."""

import numpy as np

from config import LOOK_ALIKES, in_words
from data_processor import TEST, GlyphDataset, check_parts
from metrics import alike
from readers import Recogniser
from shell import UserError


def without_misfits(data: GlyphDataset, reader: Recogniser, least: float) -> GlyphDataset:
    """Drops fragments and mislabelled characters; the test part stays as it is.

    Args:
        data: On the model's alphabet.
        reader: A trained reader of that alphabet.
        least: Least probability that it must give to a picture's own character and its look-alikes together.

    Raises:
        UserError: The reader is of another size, does not know all characters, or leaves nothing of some character.
    """
    if set(data.alphabet) - set(reader.alphabet) or reader.image_size != data.images.shape[1]:
        raise UserError(f"--cleaned-by {reader.folder.name}: expected a reader of {in_words(data.alphabet)} in "
                        f"{data.images.shape[1]} pixels, received one of {in_words(reader.alphabet)} in "
                        f"{reader.image_size}; choose another, or none")  # fmt: skip
    taken = (data.split == TEST) | (own_probability(data, reader) >= least)
    print(f"note: {reader.folder.name} leaves {taken.sum():,} of {len(taken):,} pictures: the test part, and those of "
          f"which it gives their own character and its look-alikes a probability of {least:g} or more")  # fmt: skip
    kept = data.take(np.flatnonzero(taken))
    check_parts(kept, advice=f"lower --least-likely {least:g}, or choose another --cleaned-by")
    return kept


def own_probability(data: GlyphDataset, reader: Recogniser) -> np.ndarray:
    """Probability `(N,)` that a reader gives to each picture's own character or a look-alike of it, in any case."""
    label_of = np.array([reader.alphabet.index(character) for character in data.alphabet])
    same = alike(reader.alphabet, LOOK_ALIKES)[label_of[data.labels]]  # (N, K)
    return (reader.recognise(data.images).probabilities * same).sum(axis=1)
