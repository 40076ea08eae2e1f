"""Models are opened as the kind that their cards say, and what is not there says how it comes to be."""

import json

import pytest
from toy_generators import write_generator

from runtime import CARD, MODELS_DIR, Generator, Recogniser, Translator, Writer
from shell import UserError
from trained import open_model, open_trained


@pytest.mark.parametrize(
    ("name", "kind"),
    [("recogniser-digits", Recogniser), ("translator-digits", Translator), ("cvae-digits", Writer),
     ("cgan-digits", Generator)],
)  # fmt: skip
def test_a_model_is_of_the_kind_that_its_card_says(name, kind):
    assert type(open_model(name, MODELS_DIR)) is kind


def test_a_model_that_can_be_trained_tells_the_command(tmp_path):
    for opened in (open_model, lambda *place: open_trained(Generator, *place)):
        with pytest.raises(UserError, match=r"'gan-digits': not found in .*; train it: python train.py gan-digits$"):
            opened("gan-digits", tmp_path)
        with pytest.raises(UserError, match="'nonsense': not found in .*; there is: none"):
            opened("nonsense", tmp_path)


def test_a_model_of_an_unknown_task_is_refused(tmp_path):
    card = write_generator(tmp_path, "odd") / CARD
    card.write_text(json.dumps(json.loads(card.read_text()) | {"task": "sing"}))
    with pytest.raises(UserError, match="expected a model of a task among .*, received 'sing'"):
        open_model("odd", tmp_path)
