// My hand: a few characters are asked for, one after the other, and kept for the page to be written in.

import { make, onButtons } from "./dom.js";
import { Pad } from "./pad.js";
import { store } from "./store.js";

const find = (id) => document.getElementById(`hand-${id}`);
const host = document.getElementById("hand");

let pad = null;
let asked = null; // the character to be drawn; null where all are
const kept = new Map(); // pictures by character

export function startHand() {
  pad = new Pad(find("pad"));
  pad.addEventListener("change", () => (button("keep").disabled = pad.isEmpty || asked === null));
  find("pen").addEventListener("input", ({ target }) => (pad.penWidth = Number(target.value)));
  find("characters").addEventListener("input", () => ask(missingFrom(0)));
  host.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === pad.canvas && !pad.isEmpty) keep();
  });
  onButtons(host, { keep, skip, use, forget, undo: () => pad.undo(), clear: () => pad.clear() });
  ask(missingFrom(0));
}

function button(name) {
  return host.querySelector(`[data-do=${name}]`);
}

/** What is to be drawn, each once. */
function wanted() {
  return [...new Set([...find("characters").value].filter((character) => character.trim()))];
}

/** The next wanted character that is not kept yet, from a place on and then from the beginning; null: none. */
function missingFrom(place) {
  const characters = wanted();
  const order = [...characters.slice(place), ...characters.slice(0, place)];
  return order.find((character) => !kept.has(character)) ?? null;
}

function ask(character) {
  const characters = wanted();
  asked = character;
  find("wanted").textContent = asked ?? "";
  find("place").textContent = whereAmong(characters);
  button("skip").disabled = asked === null || missingFrom(characters.indexOf(asked) + 1) === asked;
  pad.reset();
}

function whereAmong(characters) {
  if (!characters.length) return "nothing yet: name some characters";
  if (asked === null) return "no more: press one of those kept to draw it again";
  return kept.has(asked) ? "again" : `${characters.indexOf(asked) + 1} of ${characters.length}`;
}

function keep() {
  if (asked === null) return;
  kept.set(asked, pad.toPNG());
  showKept();
  ask(missingFrom(wanted().indexOf(asked)));
  if (asked === null) use();
}

function skip() {
  ask(missingFrom(wanted().indexOf(asked) + 1));
}

function use() {
  store.set("hand", [...kept].map(([character, image]) => ({ character, image })));
  find("message").textContent = `The page is written in your hand, from ${kept.size} of your characters.`;
  document.getElementById("write-sheet").scrollIntoView({ block: "center" }); // smoothly only where motion is welcome: style.css
}

function forget() {
  kept.clear();
  showKept();
  ask(missingFrom(0));
  store.set("hand", null);
  find("message").textContent = "";
}

function showKept() {
  find("kept").replaceChildren(
    ...[...kept].map(([character, image]) => {
      const thumb = make("button", { type: "button", className: "thumb", "aria-label": `${character}: draw it again` });
      thumb.append(make("img", { src: image, className: "on-white", alt: "" }));
      thumb.addEventListener("click", () => ask(character));
      return thumb;
    }),
  );
  button("use").disabled = kept.size === 0;
  button("forget").disabled = kept.size === 0;
}
