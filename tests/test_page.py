"""The page as people use it, in the system's Chromium."""

import io
import json
import os
import re
from urllib.parse import urlsplit

import pytest
from PIL import Image

from sample_pictures import SAMPLES, draw_sample

pytest.importorskip("playwright", reason="needs requirements-dev.txt: make test installs it")
from page_driver import CHROMIUM, all_models, browsing, draw, serving
from playwright.sync_api import Page, expect

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1200, "height": 900}
TABS = {"read": "canvas", "write": "#write-image", "generate": "#generate-image", "mixed": "#mixed-image",
        "inside": "#inside-layer img", "measure": "#measure-card table"}  # fmt: skip
"""Tabs, and what is seen in each once it is complete."""
BEYOND_THE_EDGE = """() => document.documentElement.scrollWidth <= innerWidth ? []
  : [...document.querySelectorAll("*")].filter((element) => element.getBoundingClientRect().right > innerWidth)
      .map((element) => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of the real server, with the shipped models and one that mixes."""
    with serving(all_models(tmp_path_factory.mktemp("models"))) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium; without it tests are skipped, but fail in CI, where it must be there."""
    if CHROMIUM is None:
        reason = "needs a browser: sudo apt-get install chromium"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with browsing() as started:
        yield started


@pytest.fixture(scope="module")
def window(address, browser):  # the browser goes first: its connections would keep the server
    """A window of the browser, which all tests share, and lists of what went wrong in it and what went elsewhere."""
    opened, complaints, elsewhere = browser.new_page(reduced_motion="reduce"), [], []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    opened.on("request", lambda asked: elsewhere.append(asked.url) if is_elsewhere(asked.url, address) else None)
    return opened, complaints, elsewhere


@pytest.fixture
def page(window, address, request):
    """The page, opened anew; at the end nothing went elsewhere, and the console has no complaints."""
    opened, complaints, elsewhere = window
    complaints.clear()
    elsewhere.clear()
    opened.set_viewport_size(getattr(request, "param", DESKTOP))
    opened.goto("about:blank")  # else another hash of the same address would not open it anew
    opened.goto(address)
    expect_ready(opened, "read")
    yield opened
    assert complaints == []
    assert elsewhere == []


def is_complaint(message) -> bool:
    """The browser also complains of refusals of the API, which the page answers in words."""
    refused = message.text.startswith("Failed to load resource") and "/api/" in message.location["url"]
    return message.type in ("error", "warning") and not refused


def is_elsewhere(url: str, address: str) -> bool:
    return urlsplit(url).scheme not in ("data", "blob", "about") and not url.startswith(address)


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}").click()
    expect(page.locator(f"#panel-{name}")).to_be_visible()
    expect_ready(page, name)


def expect_ready(page: Page, name: str) -> None:
    expect(page.locator(f"#panel-{name}")).not_to_have_attribute("inert", "")


def test_a_drawn_seven_is_read_set_in_type_and_taken_back(page):
    pad = page.locator("#read-pad canvas")
    draw(page, pad, "7")
    answer = page.locator("#read-answer")
    expect(answer).to_have_text("7")
    expect(page.locator("#read-bars li")).to_have_count(5)
    expect(page.locator("#read-glyph")).to_be_visible()
    expect(page.locator("#read-type img")).to_have_attribute("alt", re.compile("^7 in "))
    expect(page.locator("#read-pad .boxes div")).to_have_count(1)
    expect(page.locator("#read-spoken")).to_have_text("Read as 7")

    page.locator("#read-font").select_option(index=1)
    chosen = page.locator("#read-font").input_value()
    expect(page.locator("#read-type img")).to_have_attribute("alt", f"7 in {chosen}")
    page.get_by_label("a small letter", exact=True).check()
    expect(answer).to_have_text(re.compile("^[a-z]$"))

    page.keyboard.press("Escape")
    expect(answer).to_have_text("")
    for _ in range(4):  # the clearing and three strokes
        page.keyboard.press("Control+z")
    expect(page.locator("#read-pad")).to_have_class(re.compile("empty"))


def test_digits_side_by_side_are_read_as_a_number(page):
    page.get_by_label("several, side by side", exact=True).check()
    page.get_by_label("a digit", exact=True).check()
    for left, digit in ((0.05, "0"), (0.37, "0"), (0.69, "7")):
        draw(page, page.locator("#read-pad canvas"), digit, left, 0.5)
    expect(page.locator("#read-answer")).to_have_text("007")
    found = page.locator("#read-found button")
    expect(found).to_have_count(3)
    found.nth(2).click()
    expect(page.locator("#read-bars li b").first).to_have_text("7")
    with page.expect_response("**/api/read"):  # as another stroke would
        page.get_by_label("anything", exact=True).check()
    expect(found.nth(2)).to_have_attribute("aria-pressed", "true")


def test_a_dot_between_digits_is_read_and_a_scribble_leaves_a_gap(page):
    page.get_by_label("several, side by side", exact=True).check()
    pad = page.locator("#read-pad canvas")
    box = pad.bounding_box()
    draw(page, pad, "7", 0.05, 0.4)
    page.mouse.click(box["x"] + 0.42 * box["width"], box["y"] + 0.69 * box["height"])
    draw(page, pad, "7", 0.5, 0.4)
    expect(page.locator("#read-answer")).to_have_text("7.7")
    expect(page.locator("#read-type img")).to_have_count(3)
    page.keyboard.press("Escape")
    draw(page, pad, "7", 0.05, 0.4)
    scribble(page, 0.5 * box["width"], 0.3 * box["height"], 130)
    expect(page.locator("#read-answer")).to_have_text(re.compile("^7.*no character$"))
    expect(page.locator("#read-answer .gap")).to_have_count(1)
    expect(page.locator("#read-spoken")).to_have_text("Read as 7, no character")


def scribble(page: Page, left: float, top: float, side: float) -> None:
    """Draws what is no character, in pixels of the pad."""
    box = page.locator("#read-pad canvas").bounding_box()
    page.mouse.move(box["x"] + left, box["y"] + top)
    page.mouse.down()
    for k in range(60):
        page.mouse.move(box["x"] + left + 37 * k % side, box["y"] + top + 71 * k % (side - 10))
    page.mouse.up()


def test_a_photo_is_read_and_what_is_none_refused_in_words(page, tmp_path):
    seven = next(sample for sample in SAMPLES if sample.name == "seven")
    draw_sample(seven, 0).save(tmp_path / "seven.jpg", quality=90)
    page.locator("#read-file").set_input_files(tmp_path / "seven.jpg")
    expect(page.locator("#read-answer")).to_have_text("7")

    (tmp_path / "text.png").write_text("no picture")
    page.locator("#read-file").set_input_files(tmp_path / "text.png")
    expect(page.locator("#read-message")).to_have_text(re.compile("text.png could not be opened"))
    Image.new("RGB", (80, 60), "white").save(tmp_path / "blank.png")
    page.locator("#read-file").set_input_files(tmp_path / "blank.png")
    expect(page.locator("#read-message")).to_have_text(re.compile("blank"))
    expect(page.locator("#read-answer")).to_have_text("")


def test_a_scribble_is_no_character(page):
    scribble(page, 200, 90, 190)
    expect(page.locator("#read-answer")).to_have_text("No character")
    expect(page.locator("#read-bars .reason")).not_to_have_text("")
    expect(page.locator("#read-type img")).not_to_be_visible()


def test_a_pasted_picture_is_read(page):
    page.get_by_role("button", name="Example").click()
    answer = page.locator("#read-answer")
    expect(answer).not_to_have_text("")
    said = answer.text_content()
    page.evaluate("""async () => {
        const pixels = document.querySelector("#read-pad canvas");
        const blob = await new Promise((done) => pixels.toBlob(done));
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([blob], "pasted.png", { type: "image/png" }));
        document.querySelector("#read-pad [data-do], [data-do=clear]").click();
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
    }""")
    expect(answer).to_have_text(said)


def test_a_line_is_written_and_downloaded(page):
    open_tab(page, "write")
    image = page.locator("#write-image")
    expect(image).to_be_visible()
    page.locator("[name=text]").fill("call me at 9:30")
    expect(image).to_have_attribute("alt", "Written by hand: call me at 9:30")
    with page.expect_download() as picture:
        page.get_by_role("button", name="Download PNG").click()
    with page.expect_download() as boxes:
        page.get_by_role("button", name="Download boxes").click()
    told = json.loads(boxes.value.path().read_text())
    assert "".join(box["character"] for box in told["boxes"]) == "callmeat9:30"
    with Image.open(io.BytesIO(picture.value.path().read_bytes())) as written:
        assert written.size == (told["width"], told["height"])

    page.locator("[name=text]").fill("caf\u00e9")
    expect(page.locator("#write-message")).to_have_text(re.compile("\u00e9"))
    expect(page.get_by_role("button", name="Download PNG")).to_be_disabled()


def test_a_few_characters_make_my_hand(page):
    open_tab(page, "write")
    page.locator("#hand-characters").fill("nat")
    pad = page.locator("#hand-pad canvas")
    draw(page, pad, "n", 0.3, 0.5)
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#hand-wanted")).to_have_text("a")
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("#hand-wanted")).to_have_text("t")
    draw(page, pad, "t", 0.3, 0.5)
    pad.press("Enter")
    expect(page.locator("#hand-kept button")).to_have_count(2)
    with page.expect_request(lambda asked: writes_by(asked, "hand")) as asked:
        page.get_by_role("button", name="Write in my hand").click()
    assert [item["character"] for item in asked.value.post_data_json["hand"]] == ["n", "t"]
    assert asked.value.response().status == 200
    expect(page.locator("#hand-message")).to_have_text(re.compile("your hand, from 2"))
    with page.expect_request(lambda asked: writes_by(asked, "style")):
        page.locator("[name=text]").fill("in my hand")  # the pictures travel once
    expect(page.locator("#write-image")).to_have_attribute("alt", re.compile("in my hand"))
    page.get_by_role("button", name="Forget my hand").click()
    expect(page.locator("#hand-kept button")).to_have_count(0)


def writes_by(asked, field: str) -> bool:
    """Whether a request to write sends this field."""
    return asked.url.endswith("/api/write") and field in asked.post_data_json


def test_characters_are_generated_and_mixed(page):
    open_tab(page, "generate")
    expect(page.locator("#generate-aside")).to_have_text(re.compile("^80 characters"))
    page.get_by_label("these", exact=True).check()
    page.locator("[name=characters]").fill("xy")
    expect(page.locator("#generate-aside")).to_have_text(re.compile("^20 characters.*: x y$"))

    open_tab(page, "mixed")
    image = page.locator("#mixed-image")
    expect(image).to_have_attribute("alt", re.compile("67.% 1, 33.% 7"))
    before = image.get_attribute("src")
    page.locator("#mixed-parts [type=range]").nth(1).fill("4")
    expect(image).to_have_attribute("alt", re.compile("33.% 1, 67.% 7"))
    assert image.get_attribute("src") != before
    page.get_by_role("button", name="Add a character").click()
    page.locator("#mixed-parts .one").last.fill("3")
    expect(image).to_have_attribute("alt", re.compile(" 3$"))
    page.get_by_role("button", name="Remove 7").click()
    expect(image).to_have_attribute("alt", re.compile("1, [^7]* 3$"))
    expect(page.get_by_role("slider", name="How much of 3")).to_be_visible()


def test_a_network_that_is_told_nothing_writes_a_number_of_characters(page):
    open_tab(page, "write")
    image, source = page.locator("#write-image"), page.locator("#write-form [name=source]")
    expect(image).to_have_attribute("alt", re.compile("^Written by hand: Dear Ada, the machine"))
    source.select_option("gan")
    expect(page.locator("[name=text]")).to_be_hidden()
    expect(page.locator("#write-untold")).to_contain_text("told no characters")
    page.get_by_role("slider", name="How many").fill("12")
    expect(image).to_have_attribute("alt", re.compile(r"^Written by hand: \d{12}$"))
    expect(page.locator("[name=mix_seed]")).to_be_disabled()
    source.select_option("cvae")
    expect(page.locator("[name=text]")).to_be_visible()
    expect(image).to_have_attribute("alt", re.compile("Dear Ada"))


def test_what_cannot_be_used_says_why(page):
    def tell(route):
        answer = route.fetch().json()
        answer["sources"][2] |= {"usable": False, "reason": "gan-digits is not trained yet; train it: python train.py"}
        route.fulfill(json=answer)

    page.route("**/api/models", tell)
    page.reload()
    open_tab(page, "generate")
    expect(page.locator("#panel-generate [data-reasons] li", has_text="Plain GAN")).to_contain_text("train.py")
    expect(page.locator("#generate-form option[value=gan]")).to_be_disabled()
    page.unroute("**/api/models")


def test_layers_are_played_scrubbed_and_enlarged(page):
    draw(page, page.locator("#read-pad canvas"), "7")
    expect(page.locator("#read-answer")).to_have_text("7")
    open_tab(page, "inside")
    name, scrub = page.locator("#inside-name"), page.locator("#inside-scrub")
    page.locator("#inside-model").select_option("recogniser-ascii")
    page.get_by_label("the drawing just made", exact=True).check()
    expect(page.locator("#inside-output")).to_contain_text("reads 7")
    first = name.text_content()
    page.get_by_role("button", name="Play").click()
    expect(name).not_to_have_text(first)
    page.get_by_role("button", name="Pause").click()
    scrub.fill("2")
    assert "3 of" in scrub.get_attribute("aria-valuetext")
    assert page.locator("#inside-sentence").text_content()
    page.locator("#inside-layer img").click(position={"x": 5, "y": 5})
    expect(page.locator("#zoom-title")).to_contain_text("channel 1 of")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#zoom-title")).to_contain_text("channel 2 of")
    page.keyboard.press("Escape")
    page.locator("#inside-model").select_option("cvae-ascii")
    expect(page.locator("[value=drawing]")).to_be_disabled()  # it draws, and takes no picture
    expect(page.locator("#inside-name")).to_be_visible()


def test_a_model_that_is_told_nothing_is_asked_for_no_character(page):
    def tell(route):
        answer = route.fetch().json()
        for model in answer["models"]:
            model["told"] = model["name"] != "cvae-digits"
        route.fulfill(json=answer)

    page.route("**/api/models", tell)
    page.reload()
    open_tab(page, "inside")
    expect(page.locator("#inside-layer img")).to_be_visible()
    with page.expect_request("**/api/layers?model=cvae-digits**") as asked:
        page.locator("#inside-model").select_option("cvae-digits")
    assert "character=" not in asked.value.url
    expect(page.locator("#inside-form [name=character]")).to_be_disabled()
    expect(page.locator("#inside-message")).not_to_be_empty()  # this one has to be told
    page.unroute("**/api/models")


def test_model_cards_are_shown(page):
    open_tab(page, "measure")
    page.locator("#measure-model").select_option("recogniser-digits")
    card = page.locator("#measure-card")
    expect(card.locator("table").first).to_contain_text("read right")
    closed = card.locator("details:not([open])").first
    expect(closed.locator("summary span")).to_be_visible()
    closed.locator("summary").click()
    expect(card.locator("table").nth(1)).to_be_visible()


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_has_room_for_a_heading_that_is_not_in_handwriting_yet(page, address):
    page.route("**/api/write?*", lambda asked: None)
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("#wordmark")).to_have_text("Scriptorium")
    assert page.evaluate(BEYOND_THE_EDGE) == []
    end = page.evaluate("""() => {
      const range = document.createRange();
      range.selectNodeContents(document.querySelector("#wordmark"));
      return range.getBoundingClientRect().right;
    }""")
    assert end < page.locator("#theme").bounding_box()["x"]
    page.unroute("**/api/write?*")


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_phone_needs_no_scrolling_sideways(page):
    for name, content in TABS.items():
        open_tab(page, name)
        expect(page.locator(f"#panel-{name} {content}").first).to_be_visible()
        assert page.evaluate(BEYOND_THE_EDGE) == [], name


def test_keys_move_between_tabs_and_addresses_open_them(page, address):
    page.locator("#tab-read").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel-write")).to_be_visible()
    expect(page.locator("#tab-write")).to_be_focused()
    assert page.url == f"{address}#write"
    page.keyboard.press("End")
    expect(page.locator("#panel-measure")).to_be_visible()
    page.goto(f"{address}#mixed")
    expect(page.locator("#tab-mixed")).to_have_attribute("aria-selected", "true")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panels")).to_be_focused()
    expect(page.locator("#panel-mixed")).to_be_visible()


def test_nothing_can_be_drawn_before_it_would_be_read(page, address):
    held = []
    page.route("**/static/read.js", lambda asked: held.append(asked))
    page.goto("about:blank")
    page.goto(address)
    panel = page.locator("#panel-read")
    expect(panel).to_have_attribute("inert", "")
    expect(panel).to_be_visible()
    held[0].continue_()
    expect_ready(page, "read")
    page.unroute("**/static/read.js")


def test_a_page_that_came_in_part_says_so_and_tries_again(page, address, window):
    for lost in (["**/static/read.js"], ["**/api/models"], ["**/static/read.js", "**/api/models"]):
        for path in lost:
            page.route(path, lambda asked: asked.abort())
        page.goto("about:blank")
        page.goto(address)
        expect(page.locator("#lost")).to_be_visible()
        for path in lost:
            page.unroute(path)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#lost")).to_be_hidden()
        expect_ready(page, "read")
        expect(page.locator("#read-font option")).not_to_have_count(0)
    window[1].clear()  # the complaints of the browser


def test_a_lost_server_is_told_in_a_sentence(page):
    open_tab(page, "generate")
    expect(page.locator("#generate-image")).to_be_visible()
    page.route("**/api/**", lambda route: route.abort())
    page.locator("#generate-form [name=seed]").fill("5")
    expect(page.locator("#generate-message")).to_have_text("The server does not answer. Is it still running?")
    page.unroute("**/api/**")
    page.locator("#generate-form [name=seed]").fill("6")
    expect(page.locator("#generate-message")).to_have_text("")


def test_colours_follow_the_system_or_the_switch(page):
    background = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    assert dark != light
    switch = page.locator("#theme")
    switch.click()
    switch.click()
    expect(switch).to_have_text("Dark")
    assert page.evaluate(background) == dark
    page.reload()
    assert page.evaluate(background) == dark
    page.evaluate("localStorage.clear()")
