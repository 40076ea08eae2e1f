// Write: text becomes a page by hand, anew with every change; the page and its boxes can be taken home.

import { get, post } from "./api.js";
import { duration, fieldsOf, onButtons, showFor, showImage } from "./dom.js";
import { startHand } from "./hand.js";
import { live } from "./live.js";
import { blobOf, download } from "./pictures.js";
import { store } from "./store.js";

const LONGEST_IN_ADDRESS = 500; // characters of a text that is asked for by GET, which browsers remember

const HAND_SOURCE = "cvae"; // which alone finds a hand

const find = (id) => document.getElementById(`write-${id}`);
const panel = document.getElementById("panel-write");
const form = find("form");

let page = null; // the last answer
let style = null; // my hand as the server found it, so that my pictures travel once

export function start() {
  const writer = live(write, find("message"), find("sheet"));
  form.addEventListener("input", (event) => {
    keepInOrder(event.target);
    fitSource();
    find("spacing").hidden = form.natural.checked;
    form.width.disabled = form.unwrapped.checked;
    writer();
  });
  onButtons(form, {
    png: () => download(blobOf(page.image), "handwriting.png"),
    json: () => download(new Blob([boxesOf(page)], { type: "application/json" }), "handwriting.json"),
  });
  startHand();
  store.watch("hand", (hand) => {
    style = null;
    form.source.disabled = Boolean(hand);
    fitSource();
    writer(0);
  });
}

/** The least gap is never wider than the widest. */
function keepInOrder(changed) {
  const { least, most } = form;
  if (Number(least.value) <= Number(most.value)) return;
  const other = changed === least ? most : least;
  other.value = changed.value;
  other.dispatchEvent(new Event("input", { bubbles: true }));
}

/** What is told of the source in use. */
function source() {
  const name = store.get("hand") ? HAND_SOURCE : form.source.value;
  return store.get("sources").find((one) => one.name === name) ?? { told: true, hands: true };
}

/** Asks for what the source takes: a text, or a number where it is told none; a second hand where it has hands. */
function fitSource() {
  const { told, hands } = source();
  showFor(form, told ? "told" : "untold");
  for (const control of [form.mix_seed, form.share]) control.disabled = !hands;
}

function request() {
  const fields = fieldsOf(form);
  const what = source().told ? { text: fields.text } : { random: Number(fields.random) };
  const between = Number(fields.share) > 0 ? { mix_seed: Number(fields.mix_seed), share: Number(fields.share) } : {};
  return {
    ...what,
    seed: Number(fields.seed),
    ...between,
    height: Number(fields.height),
    width: form.unwrapped.checked ? null : Number(fields.width),
    spacing: form.natural.checked ? null : [Number(fields.least), Number(fields.most)],
    align: fields.align,
    ink: fields.ink,
    paper: fields.paper,
    liveliness: Number(fields.liveliness),
  };
}

async function write(signal) {
  if (!form.source.value || (source().told && !form.text.value.trim())) return showPage(null);
  const asked = request();
  try {
    return showPage(await answerTo(asked, signal));
  } catch (error) {
    if (!signal.aborted) showPage(null);
    throw error;
  }
}

async function answerTo(asked, signal) {
  const hand = store.get("hand");
  if (hand) {
    const answer = await post("write", { ...asked, source: HAND_SOURCE, ...(style ? { style } : { hand }) }, signal);
    style ??= asked.share ? null : answer.style; // a mixture is not my hand
    return answer;
  }
  const whole = { ...asked, source: form.source.value };
  return asked.text?.length > LONGEST_IN_ADDRESS ? post("write", whole, signal) : get("write", whole, signal);
}

function showPage(answer) {
  page = answer;
  showImage(find("image"), answer?.image, answer ? `Written by hand: ${wordsOf(answer.boxes)}` : "");
  for (const button of panel.querySelectorAll("[data-do=png], [data-do=json]")) button.disabled = !answer;
  find("aside").textContent = answer
    ? `${answer.boxes.length} characters, ${answer.width} \u00d7 ${answer.height} pixels, in ${duration(answer.seconds)}.`
    : "";
}

/** What is on the page, in one line. */
function wordsOf(boxes) {
  const words = [];
  for (const { character, word } of boxes) words[word] = (words[word] ?? "") + character;
  return words.filter(Boolean).join(" ");
}

/** The page's size and its boxes, one a line, as `generate.py --boxes` writes them. */
function boxesOf({ width, height, boxes }) {
  const lines = boxes.map((box) => `  ${JSON.stringify(box)}`).join(",\n");
  return `{"width": ${width}, "height": ${height}, "boxes": [\n${lines}\n]}\n`;
}
