// Write: text becomes a page by hand, anew with every change; the page and its boxes can be taken home.

import { get, post } from "./api.js";
import { duration, fieldsOf, onButtons, showImage } from "./dom.js";
import { startHand } from "./hand.js";
import { live } from "./live.js";
import { blobOf, download } from "./pictures.js";
import { store } from "./store.js";

const LONGEST_IN_ADDRESS = 500; // characters of a text that is asked for by GET, which browsers remember

const find = (id) => document.getElementById(`write-${id}`);
const panel = document.getElementById("panel-write");
const form = find("form");

let page = null; // the last answer
let style = null; // my hand as the server found it, so that my pictures travel once

export function start() {
  const writer = live(write, find("message"), find("sheet"));
  form.addEventListener("input", (event) => {
    keepInOrder(event.target);
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
    form.source.disabled = Boolean(hand); // only the conditional VAE finds a hand
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

function request() {
  const fields = fieldsOf(form);
  const between = Number(fields.share) > 0 ? { mix_seed: Number(fields.mix_seed), share: Number(fields.share) } : {};
  return {
    text: fields.text,
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
  if (!form.text.value.trim() || !form.source.value) return showPage(null);
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
    const answer = await post("write", { ...asked, source: "cvae", ...(style ? { style } : { hand }) }, signal);
    style ??= asked.share ? null : answer.style; // a mixture is not my hand
    return answer;
  }
  const whole = { ...asked, source: form.source.value };
  return asked.text.length > LONGEST_IN_ADDRESS ? post("write", whole, signal) : get("write", whole, signal);
}

function showPage(answer) {
  page = answer;
  showImage(find("image"), answer?.image, answer ? `Written by hand: ${form.text.value}` : "");
  for (const button of panel.querySelectorAll("[data-do=png], [data-do=json]")) button.disabled = !answer;
  find("aside").textContent = answer
    ? `${answer.boxes.length} characters, ${answer.width} \u00d7 ${answer.height} pixels, in ${duration(answer.seconds)}.`
    : "";
}

/** The page's size and its boxes, one a line, as `generate.py --boxes` writes them. */
function boxesOf({ width, height, boxes }) {
  const lines = boxes.map((box) => `  ${JSON.stringify(box)}`).join(",\n");
  return `{"width": ${width}, "height": ${height}, "boxes": [\n${lines}\n]}\n`;
}
