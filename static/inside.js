// Look inside: what every layer of a model makes of a character or of the drawing just made, step by step.

import { get, post } from "./api.js";
import { fieldsOf, make, onButtons, percent, showFor } from "./dom.js";
import { live } from "./live.js";
import { chosenModel, offerModels } from "./sources.js";
import { store } from "./store.js";
import { startZoom, zoom } from "./zoom.js";

const STEP = 1200; // milliseconds of a layer while playing
const OTHERWISE = 2; // place in the alphabet of what is shown of a model that does not know the character

const find = (id) => document.getElementById(`inside-${id}`);
const panel = document.getElementById("panel-inside");
const form = find("form");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");

let layers = [];
let here = 0; // which layer is shown
let timer = 0; // that goes on to the next; 0 while paused

export function start() {
  const looker = live(look, find("message"), find("stage"));
  form.addEventListener("input", ({ target }) => {
    if (target.name !== "character") offerWhat(); // not while it is typed
    looker();
  });
  find("model").addEventListener("input", showTraining);
  find("scrub").addEventListener("input", ({ target }) => {
    pause();
    show(Number(target.value));
  });
  onButtons(panel, {
    play: () => (timer ? pause() : play()),
    previous: () => step(-1),
    next: () => step(1),
  });
  find("layer").addEventListener("click", (event) => zoom(layers[here], find("layer").querySelector("img"), event));
  startZoom();
  offerModels(find("model"), () => {
    offerWhat();
    showTraining();
    looker(0);
  });
  addEventListener("hashchange", pause);
  return () => {
    offerWhat();
    if (fieldsOf(form).what === "drawing") looker(0); // there may be another by now
  };
}

/** A drawing can be looked at where there is one, by models that take pictures; a character, where it is known. */
function offerWhat() {
  const model = chosenModel(find("model"));
  const takesPictures = ["recognise", "translate"].includes(model?.task);
  if (model && !model.alphabet.includes(form.character.value)) form.character.value = model.alphabet[OTHERWISE];
  form.character.disabled = model?.told === false; // it draws whichever its noise makes
  const drawing = form.querySelector("[value=drawing]");
  drawing.disabled = !takesPictures || !store.get("drawing");
  if (drawing.disabled) form.querySelector("[value=character]").checked = true;
  showFor(form, fieldsOf(form).what);
}

async function look(signal) {
  const { model: name, what, character = "", seed } = fieldsOf(form);
  if (!name || (what === "character" && !form.character.disabled && !character.trim())) return;
  try {
    const answer = what === "drawing"
      ? await post("layers", { model: name, image: store.get("drawing") }, signal)
      : await get("layers", { model: name, character: character.trim(), seed }, signal);
    offerLayers(answer.layers);
    showReading(answer.output.best);
  } catch (error) {
    if (!signal.aborted) offerLayers([]);
    throw error;
  }
}

/** What a model that reads takes its input for. */
function showReading(best = []) {
  find("output").replaceChildren(
    ...best.slice(0, 3).flatMap(({ character, probability }, k) => [
      k ? ", then " : "In the end it reads ",
      make("b", { textContent: character }),
      ` ${percent(probability)}`,
    ]),
  );
}

function offerLayers(answered) {
  layers = answered;
  find("stage").hidden = layers.length === 0;
  if (!layers.length) return pause();
  find("scrub").max = layers.length - 1;
  find("strip").replaceChildren(
    ...layers.map((layer, k) => {
      const thumb = make("button", { type: "button", className: "thumb", "aria-label": layer.name });
      thumb.append(make("img", { src: layer.image, alt: "", loading: "lazy" }));
      thumb.addEventListener("click", () => {
        pause();
        show(k);
      });
      return thumb;
    }),
  );
  return show(Math.min(here, layers.length - 1)); // the same layer of another input, to compare
}

function show(number) {
  here = number;
  const layer = layers[here];
  const image = find("layer").querySelector("img");
  image.src = layer.image;
  find("name").textContent = layer.name;
  find("facts").textContent = [layer.shape.join(" \u00d7 "), `${layer.low.toPrecision(3)} to ${layer.high.toPrecision(3)}`].join(", ");
  find("sentence").textContent = layer.sentence;
  find("layer").setAttribute("aria-label", `${layer.name}: enlarge`);
  find("scrub").value = here;
  find("scrub").setAttribute("aria-valuetext", `${here + 1} of ${layers.length}: ${layer.name}`);
  for (const [k, thumb] of [...find("strip").children].entries()) thumb.setAttribute("aria-pressed", k === here);
  keepInView(find("strip"), find("strip").children[here]);
}

/** Scrolls a strip sideways alone: `scrollIntoView` would move the page, too. */
function keepInView(strip, element) {
  const left = element.offsetLeft - strip.offsetLeft - (strip.clientWidth - element.clientWidth) / 2;
  strip.scrollTo({ left, behavior: isCalm.matches ? "auto" : "smooth" });
}

function step(by) {
  pause();
  show((here + by + layers.length) % layers.length);
}

function play() {
  if (here === layers.length - 1) show(0);
  panel.querySelector("[data-do=play]").textContent = "Pause";
  timer = setInterval(() => {
    if (here < layers.length - 1) show(here + 1);
    if (here === layers.length - 1) pause();
  }, STEP);
}

function pause() {
  clearInterval(timer);
  timer = 0;
  panel.querySelector("[data-do=play]").textContent = "Play";
}

/** The animations move for as long as they are open, so they are opened only where motion is welcome. */
function showTraining() {
  const model = chosenModel(find("model"));
  const animations = (model?.pictures ?? []).filter((url) => url.endsWith(".gif"));
  const training = find("training");
  training.hidden = animations.length === 0;
  training.open = !isCalm.matches;
  training.querySelector(".pictures").replaceChildren(
    ...animations.map((url) => make("img", { src: url, alt: `Training of ${model.name}`, loading: "lazy" })),
  );
}
