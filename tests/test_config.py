"""Settings: refused where they make no sense; and requirements, pinned alike in both lists."""

import re
from pathlib import Path

import pytest

import config
from config import (
    AugmentConfig,
    ClassifierConfig,
    CVAEConfig,
    CVAERun,
    GANConfig,
    GANRun,
    RunConfig,
    TranslatorConfig,
    characters_of,
)
from shell import UserError

ROOT = Path(config.__file__).parent


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (TranslatorConfig, {"alphabet": "a"}),
        (TranslatorConfig, {"alphabet": "abca"}),
        (TranslatorConfig, {"fonts": ()}),
        (TranslatorConfig, {"fonts": ("A", "A")}),
        (TranslatorConfig, {"widths": (1, 2)}),
        (TranslatorConfig, {"image_size": 4}),
        (TranslatorConfig, {"widths": (8, 0, 8)}),
        (TranslatorConfig, {"stem_width": 0}),
        (TranslatorConfig, {"code_size": -1}),
        (TranslatorConfig, {"glyph_weight": -1.0}),
        (RunConfig, {"seed": 2**32}),
        (RunConfig, {"epochs": 4096}),
        (TranslatorConfig, {"dropout": 1.0}),
        (TranslatorConfig, {"sharpness": 0.5}),
        (AugmentConfig, {"zoom": 1.0}),
        (AugmentConfig, {"shift": -1}),
        (RunConfig, {"name": "a/b"}),
        (RunConfig, {"name": ""}),
        (RunConfig, {"seed": -1}),
        (RunConfig, {"warmup": 1.0}),
        (RunConfig, {"dataset_share": (0.5, 0.5)}),
        (RunConfig, {"dataset_share": (0,)}),
        (AugmentConfig, {"share": 1.5}),
        (AugmentConfig, {"noise": 1.5}),
        (AugmentConfig, {"sampling": "nearest"}),
        (ClassifierConfig, {"architecture": "dense"}),
        (CVAEConfig, {"prior": "mixture"}),
        (GANConfig, {"loss": "wasserstein"}),
        (RunConfig, {"precision": "float64"}),
        (RunConfig, {"evenness": -0.1}),
        (RunConfig, {"evenness": 1.5}),
        (GANRun, {"rarity": -0.1}),
        (GANRun, {"rarity": 1.5}),
    ],
)
def test_impossible_settings_are_refused_by_name_and_value(kind, change):
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=re.escape(f"Received: {name}={value!r}")) as caught:
        kind(**change)
    assert f"`{name}`" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "settings", "received"),
    [
        (ClassifierConfig, {"architecture": "lenet", "widths": (4, 8), "halving": "pooling"},
         "halving='pooling', architecture='lenet'"),
        (ClassifierConfig, {"blur": 0.8}, "blur=0.8"),
        (CVAERun, {"augment": AugmentConfig(noise=0.1)}, "noise=0.1"),
        (GANRun, {"augment": AugmentConfig(noise=0.1)}, "noise=0.1"),
        (GANRun, {"rarity": 0.5, "model": GANConfig(labelled=False)}, "rarity=0.5, labelled=False"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together_are_refused(kind, settings, received):
    with pytest.raises(ValueError, match=re.escape(f"Received: {received}")):
        kind(**settings)


def test_alphabets():
    assert len(config.ASCII) == len(set(config.ASCII)) == 94
    assert characters_of("alnum").startswith("0123456789ABC")
    assert characters_of("xyz") == "xyz"
    assert TranslatorConfig(alphabet="upper").alphabet == config.UPPER
    assert characters_of("") == "" and characters_of("rewol") == "rewol"


def test_long_alphabets_are_shown_by_their_name():
    assert config.in_words(config.ASCII) == "ascii" and config.in_words(config.DIGITS) == "'0123456789'"
    assert config.in_words("ba") == "'ba'" and config.in_words(config.UPPER) == "upper"


@pytest.mark.parametrize(("alphabet", "name"), [("digit", "digits"), ("Digits", "digits"), ("uper", "upper")])
def test_a_mistyped_name_of_an_alphabet_is_not_taken_for_its_letters(alphabet, name):
    with pytest.raises(UserError, match=f"^alphabet '{alphabet}': expected digits, .* mean '{name}'"):
        characters_of(alphabet)


def pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^[ -]*([a-z0-9-]+)(?:\[[a-z-]+\])?==([\w.]+)", text, re.MULTILINE))


def test_both_lists_of_requirements_pin_the_same():
    pip = pins((ROOT / "requirements.txt").read_text())
    conda = pins((ROOT / "environment.yml").read_text())
    assert pip.pop("tensorflow-cpu") == pip["tensorflow"]
    assert pip == conda


def test_every_requirement_is_pinned():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert re.match(r"(#|-r |[a-z0-9-]+==[\w.]+)", line), line
