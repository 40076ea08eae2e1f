"""Models are opened as the kind that their cards say, and what is not there says how it comes to be."""

import pytest
from toy_generators import write_generator
from trained_folders import change_card

from generators import Generator, Writer
from readers import Recogniser, Translator
from runtime import MODELS_DIR
from shell import UserError
from trained import open_model


@pytest.mark.parametrize(
    ("name", "kind"),
    [("recogniser-digits", Recogniser), ("translator-digits", Translator), ("cvae-digits", Writer),
     ("cgan-digits", Generator)],
)  # fmt: skip
def test_a_model_is_of_the_kind_that_its_card_says(name, kind):
    assert type(open_model(name, MODELS_DIR)) is kind


def test_a_model_that_is_not_there_tells_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"'gan-digits': not found in .*; train it: python train.py gan-digits$"):
        open_model("gan-digits", tmp_path)
    with pytest.raises(UserError, match="'nonsense': not found in .*; there is: none$"):
        open_model("nonsense", tmp_path)


def test_a_model_of_an_unknown_task_is_refused(tmp_path):
    change_card(write_generator(tmp_path, "odd"), task="sing")
    with pytest.raises(UserError, match="expected a model of a task among .*, received 'sing'"):
        open_model("odd", tmp_path)
