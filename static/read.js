// Read: what is drawn, dropped, pasted or chosen is read as it comes, and set in type.

import { get, post } from "./api.js";
import { duration, fieldsOf, make, onButtons, percent, showImage } from "./dom.js";
import { live, tell } from "./live.js";
import { Pad } from "./pad.js";
import { blobOf, openPicture, pictureIn } from "./pictures.js";
import { store } from "./store.js";

const AFTER_STROKE = 120; // milliseconds; a stroke may be followed by another
const WHILE_DRAWING = 300;
const EXAMPLES = "2345678abdeghkmqrABEGKR&?";

const find = (id) => document.getElementById(`read-${id}`);
const panel = document.getElementById("panel-read");
const form = find("form");
const message = find("message");

let pad = null;
let asked = 0; // pictures so far
let unread = []; // of each character found, whether it is none
let shown = 0; // the number of the one whose probabilities are seen

export function start() {
  pad = new Pad(find("pad"));
  const reader = live(read, message, find("result"));
  const typesetter = live(typeset, find("type-message"), find("type"));

  pad.addEventListener("change", ({ detail }) => {
    if (detail.drawing) return reader(WHILE_DRAWING, true);
    reader(AFTER_STROKE);
    return typesetter(AFTER_STROKE);
  });
  form.addEventListener("input", () => {
    reader(0);
    typesetter(0);
  });
  find("font").addEventListener("input", () => typesetter(0)); // it stands beside its effect, outside the form
  find("pen").addEventListener("input", ({ target }) => (pad.penWidth = Number(target.value)));
  onButtons(panel, { undo: () => pad.undo(), clear: () => pad.clear(), example: () => put(example()) });
  takePictures();
  store.watch("models", (models) => {
    offerFonts(models);
    typesetter(0); // what was drawn before there were typefaces
  });
  clearResult();
}

/** Pictures dropped on the panel, pasted anywhere while it is seen, or chosen. */
function takePictures() {
  const take = (file) => file && put(openPicture(file));
  find("file").addEventListener("change", ({ target }) => {
    take(target.files[0]);
    target.value = ""; // so that the same may be chosen again
  });
  panel.addEventListener("dragover", () => pad.host.classList.add("over"));
  panel.addEventListener("dragleave", () => pad.host.classList.remove("over"));
  panel.addEventListener("drop", (event) => {
    pad.host.classList.remove("over");
    take(pictureIn(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    if (!panel.hidden) take(pictureIn(event.clipboardData));
  });
}

/** Shows a picture once it is there, unless another was asked for meanwhile. */
async function put(promise) {
  const mine = ++asked;
  try {
    const picture = await promise;
    if (mine === asked) pad.show(picture);
  } catch (error) {
    if (mine === asked) tell(message, error);
  }
}

/** A character that the model writes, for who cannot draw one. */
async function example() {
  const text = EXAMPLES[Math.floor(Math.random() * EXAMPLES.length)];
  const seed = Math.floor(Math.random() * 10000);
  const { image } = await get("write", { text, seed, height: 160 });
  return openPicture(blobOf(image));
}

function offerFonts(models) {
  const translators = models.filter((model) => model.task === "translate");
  const fonts = (translators.find((model) => model.name.includes("ascii")) ?? translators[0])?.fonts ?? [];
  find("font").replaceChildren(...fonts.map((font) => make("option", { value: font, textContent: font })));
}

function request() {
  const { alphabet, several } = fieldsOf(form);
  return { image: pad.toPNG(), alphabet, several: Boolean(several) };
}

async function read(signal) {
  if (pad.isEmpty) return clearResult();
  const body = request();
  store.set("drawing", body.image);
  try {
    return showReading(await post("read", body, signal));
  } catch (error) {
    if (!signal.aborted) clearResult();
    throw error;
  }
}

async function typeset(signal) {
  const font = fieldsOf(form).font;
  if (pad.isEmpty || !font) return find("type").replaceChildren();
  const { characters } = await post("typeset", { ...request(), font }, signal).catch((error) => {
    if (signal.aborted || ![0, 422].includes(error.status)) throw error;
    return { characters: [] }; // no ink, or no server: reading tells it
  });
  find("type").replaceChildren(
    ...characters.map(({ typeset, character }) =>
      make("img", { src: typeset, className: "on-white", alt: `${character} in ${font}` })),
  );
  return hideUnread();
}

/** What is no character would be set all the same. */
function hideUnread() {
  for (const [k, image] of [...find("type").children].entries()) image.classList.toggle("unread", Boolean(unread[k]));
}

function clearResult() {
  unread = [];
  shown = 0;
  find("result").classList.add("empty");
  find("answer").textContent = "";
  find("spoken").textContent = "";
  find("aside").textContent = "";
  find("bars").replaceChildren();
  find("found").hidden = true;
  find("type").replaceChildren();
  showImage(find("glyph"), "");
  pad.showBoxes([]);
}

function showReading({ text, characters, seconds }) {
  find("result").classList.remove("empty");
  const refused = text ? null : characters[0].no_character;
  find("result").classList.toggle("refused", Boolean(refused));
  find("answer").replaceChildren(...(refused ? ["No character"] : characters.map(inAnswer)));
  find("answer").classList.toggle("long", text.length > 1);
  find("spoken").textContent = refused ? `No character: ${refused}` : `Read as ${inWords(characters)}`;
  find("aside").textContent = `Read in ${duration(seconds)}.`;
  pad.showBoxes(characters.map((character) => character.box).filter(Boolean));
  unread = characters.map((character) => character.no_character);
  hideUnread();
  if (characters.length !== find("found").childElementCount) shown = 0; // else they are the same ones, read again
  offerCharacters(characters);
  showCharacter(characters[shown]);
}

/** What is read, to be said aloud: `7, no character, 3`. */
function inWords(characters) {
  const words = [""];
  for (const { best, no_character: reason } of characters) {
    if (reason) words.push("no character", "");
    else words.push(words.pop() + best[0].character);
  }
  return words.filter(Boolean).join(", ");
}

/** A character as it stands in the answer; in the place of what is none, a gap that says so. */
function inAnswer({ best, no_character: reason }) {
  return reason ? make("span", { className: "gap", title: reason, textContent: "no character" }) : best[0].character;
}

/** Where there are several, each is a button that shows what it was taken for. */
function offerCharacters(characters) {
  const found = find("found");
  found.hidden = characters.length < 2;
  const buttons = characters.map((character, k) => {
    const button = make("button", { type: "button", className: "thumb" });
    const said = character.no_character ? "no character" : character.best[0].character;
    button.append(make("img", { src: character.glyph, className: "on-black", alt: said }));
    button.addEventListener("click", () => {
      for (const other of buttons) other.setAttribute("aria-pressed", other === button);
      shown = k;
      showCharacter(character);
    });
    return button;
  });
  for (const [k, button] of buttons.entries()) button.setAttribute("aria-pressed", k === shown);
  found.replaceChildren(...buttons);
}

function showCharacter({ best, glyph, no_character: reason }) {
  showImage(find("glyph"), glyph, "The picture of 28 by 28 pixels that the network saw");
  const note = reason ? [make("li", { className: "reason", textContent: reason })] : [];
  find("bars").replaceChildren(...note, ...best.map(bar));
}

function bar({ character, probability }) {
  const line = make("div", { className: "line" });
  line.style.width = `${100 * probability}%`;
  return make("li", {}, make("b", { textContent: character }), make("div", { className: "track" }, line), make("span", { textContent: percent(probability) }));
}
