// Generate: a grid of characters, at random or each asked for, as often as wanted.

import { get } from "./api.js";
import { cellFor, duration, fieldsOf, PRINT, showFor, showImage } from "./dom.js";
import { live } from "./live.js";
import { store } from "./store.js";

const find = (id) => document.getElementById(`generate-${id}`);
const form = find("form");

export function start() {
  const drawer = live(draw, find("message"), find("image").parentElement);
  form.addEventListener("input", () => {
    showFor(form, fieldsOf(form).which);
    drawer();
  });
  store.watch("sources", () => drawer(0));
}

async function draw(signal) {
  const { source, which, characters, random, columns, seed } = fieldsOf(form);
  if (!source || (which === "told" && !characters.trim())) return showImage(find("image"), "");
  const what = which === "told" ? { characters } : { random };
  const answer = await get("sample", { source, ...what, columns, seed, height: cellFor(columns), ...PRINT }, signal);
  const drawn = [...new Set(answer.cells.map((cell) => cell.character))].join(" ");
  showImage(find("image"), answer.image, `A grid of handwritten characters: ${drawn}`);
  find("aside").textContent = `${answer.cells.length} characters in ${duration(answer.seconds)}: ${drawn}`;
}
