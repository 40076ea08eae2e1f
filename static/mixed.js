// Mixed: pictures between several characters, as much of each as its slider says.

import { get } from "./api.js";
import { bindOutput, cellFor, duration, fieldsOf, make, onButtons, percent, PRINT, showImage } from "./dom.js";
import { live } from "./live.js";
import { store } from "./store.js";

const BEGIN = [["1", 2], ["7", 1]];
const MOST_PARTS = 6;
const COLUMNS = 10; // of the grid that is answered

const find = (id) => document.getElementById(`mixed-${id}`);
const form = find("form");

export function start() {
  const mixer = live(mix, find("message"), find("image").parentElement);
  find("parts").append(...BEGIN.map(([character, weight]) => part(character, weight)));
  form.addEventListener("input", () => mixer());
  onButtons(form, {
    add,
    remove,
  });
  new MutationObserver(() => {
    form.querySelector("[data-do=add]").disabled = find("parts").children.length >= MOST_PARTS;
    mixer();
  }).observe(find("parts"), { childList: true });
  store.watch("sources", () => mixer(0));
}

function add() {
  const line = part("", 1);
  find("parts").append(line);
  line.querySelector(".one").focus();
}

/** Removes a part; the keyboard goes on at the next. */
function remove(button) {
  const line = button.closest(".part");
  const next = line.nextElementSibling ?? line.previousElementSibling ?? form;
  line.remove();
  next.querySelector("button").focus();
}

/** A character, how much of it, and a button that removes it. */
function part(character, weight) {
  const slider = make("input", { type: "range", min: "0", max: "4", step: "0.1", value: weight });
  const line = make(
    "div",
    { className: "part" },
    make("input", { type: "text", className: "one", maxLength: 2, value: character, "aria-label": "Character", autocapitalize: "off", spellcheck: false }),
    make("label", { className: "slider" }, slider, make("output")),
    make("button", { type: "button", "data-do": "remove", className: "quiet", textContent: "Remove" }),
  );
  bindOutput(slider);
  line.addEventListener("input", () => nameControls(line));
  nameControls(line);
  return line;
}

/** Lets a part's controls say which character they are for. */
function nameControls(line) {
  const character = line.querySelector(".one").value.trim() || "the new character";
  line.querySelector("[type=range]").setAttribute("aria-label", `How much of ${character}`);
  line.querySelector("button").setAttribute("aria-label", `Remove ${character}`);
}

/** The weights as the API takes them: `1*2+7*1`. */
function weights() {
  return [...find("parts").children]
    .map((line) => [line.querySelector(".one").value.trim(), line.querySelector("[type=range]").value])
    .filter(([character]) => character)
    .map(([character, weight]) => `${character}*${weight}`)
    .join("+");
}

async function mix(signal) {
  const { source, count, seed } = fieldsOf(form);
  const asked = weights();
  if (!source || !asked) return clear(source ? "" : "None of the models that mix characters is trained yet.");
  try {
    const answer = await get("mix", { weights: asked, source, count, seed, height: cellFor(Math.min(count, COLUMNS)), ...PRINT }, signal);
    const shares = answer.weights.map(({ character, share }) => `${percent(share)} ${character}`).join(", ");
    showImage(find("image"), answer.image, `Pictures between characters: ${shares}`);
    find("aside").textContent = `${shares}, in ${duration(answer.seconds)}.`;
  } catch (error) {
    if (!signal.aborted) clear("");
    throw error;
  }
  return null;
}

function clear(reason) {
  showImage(find("image"), "");
  find("aside").textContent = reason;
}
