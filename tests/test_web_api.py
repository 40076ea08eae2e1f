"""What the routes answer: of the shape that openapi.json tells, right, and repeatable."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from web_client import SEVEN, as_url, client, drawn, encoded, models_dir, opened, shared_client

from activations import Layer
from handwriting import HandwritingGenerator
from layout import Layout
from web_fields import checked
from web_layers import SENTENCES, sentence_for
from web_openapi import openapi
from web_routes import ROUTES

TOLD = openapi("1")
BLANK = as_url(encoded(Image.new("L", (60, 60), 255)))


def shape_of(path: str, method: str) -> dict:
    return TOLD["paths"][path][method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]


def conforms(value, schema) -> None:
    """Holds an answer against its schema; `checked` knows no schema of several types, nor any without bounds."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None:
        assert "null" in kinds
    elif kinds[0] == "object" and "properties" in schema:
        assert set(schema["required"]) <= set(value) <= set(schema["properties"])
        for name, item in value.items():
            conforms(item, schema["properties"][name])
    elif kinds[0] == "array":
        for item in value:
            conforms(item, schema["items"])
    else:
        checked(value, {"minimum": -1e12, "maximum": 1e12} | schema | {"type": kinds[0]}, "answer")


def get(path: str, status: int = 200, **fields):
    return told(shared_client().get(f"/api/{path}", query_string=fields), path, "GET", status)


def post(path: str, status: int = 200, **fields):
    return told(shared_client().post(f"/api/{path}", json=fields), path, "POST", status)


def told(response, path, method, status):
    assert response.status_code == status, response.get_json()
    if status == 200:
        conforms(response.get_json(), shape_of(f"/api/{path}", method))
    else:
        assert list(response.get_json()) == ["error"]
        assert "--" not in response.get_json()["error"]
    return response.get_json()


def test_a_drawn_character_is_read():
    answer = post("read", image=SEVEN, alphabet="digits")
    assert answer["text"] == "7"
    assert answer["model"] == "recogniser-digits"
    (character,) = answer["characters"]
    assert character["best"][0]["character"] == "7" and len(character["best"]) == 5
    box = character["box"]
    assert box["x"] == pytest.approx(70, abs=8) and box["height"] == pytest.approx(128, abs=12)
    assert opened(character["glyph"]).size == (28, 28)
    assert post("read", image=SEVEN)["model"] == "recogniser-ascii"
    narrowed = post("read", image=SEVEN, alphabet="TZ")["characters"][0]["best"]
    assert {best["character"] for best in narrowed} == set("TZ")


@pytest.mark.parametrize("gap", [0.05, 0.1, 0.4])
def test_digits_side_by_side_keep_their_leading_zeros(gap):
    answer = post("read", image=as_url(encoded(drawn(*"007", gap=gap))), alphabet="digits", several=True)
    assert answer["text"] == "007"
    lefts = [character["box"]["x"] for character in answer["characters"]]
    assert lefts == sorted(lefts)


def test_what_shows_no_character_is_told_apart_from_blank_paper():
    scribble = Image.new("L", (300, 300), 255)
    points = np.random.default_rng(5).integers(40, 260, (24, 2)).tolist()
    ImageDraw.Draw(scribble).line([tuple(point) for point in points], fill=0, width=7)
    answer = post("read", image=as_url(encoded(scribble)))
    assert answer["text"] == ""
    assert "unlike every character" in answer["characters"][0]["no_character"]
    assert "blank paper" in post("read", 422, image=BLANK)["error"]
    assert "blank paper" in post("typeset", 422, image=BLANK)["error"]


def with_dot(after: str, before: str) -> str:
    """Characters with a dot between them, as a data URL."""
    page = drawn(after, before, gap=0.6)
    ImageDraw.Draw(page).ellipse((175, 165, 190, 180), fill=0)
    return as_url(encoded(page))


def test_small_signs_are_read_where_the_alphabet_has_some():
    several = {"image": with_dot("7", "1"), "several": True}
    answer = post("read", **several, alphabet="0123456789.,'")
    assert answer["text"] == "7.1"
    assert answer["characters"][1]["best"][0]["probability"] > 0.9
    assert post("read", **several, alphabet="digits")["text"] == "71"
    assert len(post("read", **several)["characters"]) == 3
    assert post("read", **several, alphabet="digits", model="recogniser-ascii")["text"] == "71"
    typeset = post("typeset", **several, alphabet="0123456789.,'")["characters"]
    assert [it["character"] for it in typeset] == list("7.1")
    ink = [np.asarray(opened(it["typeset"])) < 128 for it in typeset]
    assert 0 < ink[1].sum() < ink[2].sum() / 3 and ink[1][: len(ink[1]) // 2].sum() == 0  # it is a dot on the line
    assert post("read", **several | {"several": False})["text"] == "7"


def test_a_character_is_set_in_the_font_asked_for():
    answer = post("typeset", image=SEVEN, alphabet="digits", font="dejavu serif")
    assert (answer["font"], answer["characters"][0]["character"]) == ("DejaVu Serif", "7")
    picture = np.asarray(opened(answer["characters"][0]["typeset"]))
    assert picture[0, 0] == 255 and picture.min() < 64
    assert "DejaVu" in post("typeset", 422, image=SEVEN, font="Comic")["error"]


def test_a_text_is_written_the_same_by_address_and_body_and_again_by_its_seed():
    fields = {"text": "Dear Ada", "seed": 5, "height": 40, "spacing": [2, 5], "width": 600, "ink": "#102030"}
    one, other = get("write", **fields | {"spacing": "2,5"}), post("write", **fields)
    assert {**one, "seconds": 0} == {**other, "seconds": 0}
    picture = opened(one["image"])
    assert picture.size == (one["width"], one["height"]) == (600, 80)
    assert "".join(box["character"] for box in one["boxes"]) == "DearAda"
    drawn_anew = get("write", text="Ada")
    assert get("write", text="Ada", seed=drawn_anew["seed"])["image"] == drawn_anew["image"]


def test_a_hand_can_be_kept_mixed_and_shown():
    first = post("write", text="abc", seed=1)
    assert post("write", text="abc", seed=1, style=first["style"])["image"] == first["image"]
    ends = [post("write", text="abc", seed=1, mix_seed=2, share=share)["style"]["vector"] for share in (0, 1)]
    assert ends[0] == pytest.approx(first["style"]["vector"], abs=1e-5)
    other = post("write", text="abc", seed=2)["style"]["vector"]
    assert ends[1] == pytest.approx(other, abs=1e-5)
    mine = post("write", text="17", hand=[{"character": "7", "image": SEVEN}])
    assert list(mine["style"]["own"]) == ["7"]
    again = post("write", text="17", seed=mine["seed"], style=mine["style"])
    assert again["image"] == mine["image"]


def test_hands_that_cannot_be_had_are_refused():
    hand = [{"character": "7", "image": SEVEN}]
    style = post("write", text="a", seed=1)["style"]
    post("write", 400, text="a", hand=hand, style=style)
    post("write", 422, text="1", hand=hand, source="cgan")
    post("write", 422, text="1", style=style | {"fingerprint": "other"})
    post("write", 422, text="1", style=style | {"vector": [1.0]})
    post("write", 422, text="1", style=style | {"own": {"ab": style["vector"]}})
    post("write", 422, text="1", hand=[{"character": "é", "image": SEVEN}])
    post("write", 422, text="1", hand=[{"character": "1", "image": BLANK}])
    assert "told none" in get("write", 422, text="1", source="gan")["error"]


def test_a_network_that_is_told_nothing_writes_so_many_characters():
    fields = {"random": 12, "source": "gan", "seed": 4}
    answer = get("write", **fields)
    assert answer["style"] is None and answer["model"] == "gan-digits"
    read = "".join(box["character"] for box in answer["boxes"])
    assert len(read) == 12 and set(read) <= set("0123456789")
    assert post("write", **fields)["image"] == answer["image"]
    (page,) = HandwritingGenerator("gan-digits", 4, models_dir()).invent_pages(12, Layout(height=48))
    assert "".join(box.character for box in page.boxes) == read
    assert "several pages" in get("write", 422, **fields | {"random": 400, "height": 160, "width": 400})["error"]
    assert "told" in get("write", 422, **fields, mix_seed=3)["error"]


def test_random_characters_are_written_in_place_of_a_text():
    answer = get("write", random=9, seed=4, source="cgan")
    assert get("write", random=9, seed=4, source="cgan")["image"] == answer["image"]
    told = "".join(box["character"] for box in answer["boxes"])
    assert get("write", text=told, seed=4, source="cgan")["image"] == answer["image"]
    assert "text: expected it or random, received both" in get("write", 400, text="1", random=2)["error"]
    assert "received none" in get("write", 400)["error"]
    get("write", 400, random=0)


def test_texts_that_cannot_be_written_are_refused():
    assert "é" in get("write", 422, text="café")["error"]
    assert "none" in get("write", 422, text="  ")["error"]
    assert "U+0000" in post("write", 422, text="a\0b")["error"]
    assert "several pages" in post("write", 422, text="W" * 2000, height=160)["error"]
    assert get("write", 422, text="w" * 9, width=32)["error"].startswith("width 32: expected room")
    assert "spacing" in get("write", 400, text="a", spacing="9,1")["error"]
    assert "2,000" in post("write", 400, text="a" * 2001)["error"]


def test_people_write_what_data_is_there(data_dir):
    own = client(data_dir=data_dir)
    answer = own.get("/api/write?text=1998&source=mnist&seed=3").get_json()
    assert answer["style"] is None and answer["model"] is None and len(answer["boxes"]) == 4
    assert own.get("/api/write?text=1&source=mnist&mix_seed=3").status_code == 422
    assert own.get("/api/sample?characters=12&source=mnist").status_code == 200
    assert own.get("/api/sample?characters=12&source=mnist&model=cvae-ascii").status_code == 400
    page = HandwritingGenerator(source="mnist", seed=3, data_dir=data_dir).write("1998", layout=Layout(height=48))
    assert np.array_equal(np.asarray(opened(answer["image"]).convert("RGB")), page.image)  # as generate.py writes it


def test_what_cannot_be_written_may_leave_a_gap():
    refused = shared_client().get("/api/write?text=1%E4%B8%AD2&seed=3")
    assert refused.status_code == 422 and "skip_unknown" in refused.get_json()["error"]
    answer = shared_client().get("/api/write?text=1%E4%B8%AD2&seed=3&skip_unknown=true").get_json()
    assert [box["character"] for box in answer["boxes"]] == ["1", "2"]


@pytest.mark.parametrize("colour", ["red", "purplish", "1234567"])
def test_a_colour_says_how_one_is_told(colour):
    refused = shared_client().get(f"/api/write?text=1&ink={colour}")
    assert refused.status_code == 400 and "expected a colour as #1b2a4a" in refused.get_json()["error"]


def test_a_grid_has_a_row_for_each_character():
    answer = get("sample", characters="a b", columns=3, seed=4)
    assert [(cell["character"], cell["row"]) for cell in answer["cells"]] == [("a", 0)] * 3 + [("b", 1)] * 3
    assert opened(answer["image"]).size == (3 * answer["cell"], 2 * answer["cell"])
    random = get("sample", random=10, columns=4, seed=4, source="cgan")
    assert len(random["cells"]) == 10 and random["model"] == "cgan-digits"
    assert get("sample", random=10, columns=4, seed=4, source="cgan")["cells"] == random["cells"]
    untold = get("sample", random=6, source="gan")
    assert set("".join(cell["character"] for cell in untold["cells"])) <= set("0123456789")
    get("sample", 400)
    get("sample", 400, characters="a", random=3)
    get("sample", 422, characters=" ")
    get("sample", 422, characters="".join(map(chr, range(33, 127))), columns=40)


def test_characters_are_mixed_by_their_weights():
    answer = get("mix", weights="1*2+7", count=3, seed=1)
    assert answer["weights"] == [{"character": "1", "share": 0.666667}, {"character": "7", "share": 0.333333}]
    assert opened(answer["image"]).size == (3 * answer["cell"], answer["cell"])
    assert "expected one character" in get("mix", 400, weights="12")["error"]
    get("mix", 400, weights="1*-2")
    get("mix", 422, weights="1+a")
    assert "cgan" in get("mix", 422, weights="1+7", source="cvae")["error"]


OUTPUTS = {
    "recogniser-digits": {"best"},
    "judge-ascii": {"best"},
    "translator-ascii": {"best", "image"},
    "cvae-digits": {"image"},
    "cgan-digits": {"image"},
}


@pytest.mark.parametrize("model", OUTPUTS)
def test_every_layer_is_shown_with_a_sentence(model):
    answer = get("layers", model=model, character="7", seed=2)
    assert len(answer["layers"]) >= 2
    for layer in answer["layers"]:
        picture, tiles = opened(layer["image"]), layer["tiles"]
        across = tiles["columns"] * (tiles["side"] + tiles["gap"]) - tiles["gap"]
        assert picture.width == across
        assert layer["sentence"] in SENTENCES.values()
        assert layer["low"] <= layer["high"]
    assert set(answer["output"]) == OUTPUTS[model]


def test_layers_of_a_picture_are_those_of_what_is_read():
    answer = post("layers", model="recogniser-digits", image=SEVEN)
    assert answer["output"]["best"][0]["character"] == "7"
    assert answer["seed"] is None
    assert answer["input"] == post("read", image=SEVEN)["characters"][0]["glyph"]
    post("layers", 400, model="recogniser-digits")
    post("layers", 400, model="recogniser-digits", image=SEVEN, character="7")
    post("layers", 422, model="cvae-digits", image=SEVEN)
    post("layers", 422, model="cvae-digits", character="a")
    post("layers", 422, model="gan-digits", character="1")
    assert "image" in post("layers", model="gan-digits")["output"]


def test_an_unknown_kind_of_layer_has_a_sentence_too():
    assert sentence_for(Layer("07 whatever", "whatever", np.zeros(3))).endswith(".")
    assert sentence_for(Layer("00 image", "picture", np.zeros(3))) == SENTENCES["image given"]


VALUES = st.none() | st.booleans() | st.integers(-5, 200) | st.floats() | st.text(max_size=12) | st.lists(
    st.floats(-200, 2000), max_size=3)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@settings(max_examples=25)
@given(data=st.data())
def test_whatever_a_field_holds_the_answer_is_json_and_no_mistake_of_the_server(route, data):
    right = {"image": SEVEN, "text": "a1", "weights": "1+7"}
    right |= {"model": "recogniser-digits"} if route.name == "layers" else {}
    fields = {field.name: right[field.name] for field in route.fields if right.get(field.name)}
    field = data.draw(st.sampled_from(route.fields))
    fields[field.name] = data.draw(VALUES)
    if "POST" in route.methods:
        response = shared_client().post(f"/api/{route.name}", json=fields)
    else:
        response = shared_client().get(f"/api/{route.name}", query_string=fields)
    assert response.status_code in (200, 400, 413, 415, 422), response.get_json()
    assert ("error" in response.get_json()) == (response.status_code != 200)
