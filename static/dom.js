// Small help with elements and forms.

const DICE_PATHS = "M3 5.5 10 2l7 3.500v9L10 18l-7-3.500zM3 5.500l7 3.500 7-3.500M10 9v9";

/** Colours that a picture is asked for in to be shown by the class `on-white`, in those of the page. */
export const PRINT = { ink: "#000000", paper: "#ffffff" };

const ROOM = 800; // pixels that a grid of pictures may be wide
const LARGEST_CELL = 96;

/** The side of a cell, so that a row of so many fills the room. */
export function cellFor(columns) {
  return Math.min(LARGEST_CELL, Math.floor(ROOM / columns));
}

/** An element with properties (or attributes, where it has no such property) and children. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The fields of a form by name, as strings; a box that is not ticked is missing. */
export function fieldsOf(form) {
  return Object.fromEntries(new FormData(form));
}

/** Calls the function that a button's `data-do` names. */
export function onButtons(root, actions) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    actions[button?.dataset.do]?.(button);
  });
}

/** Shows a picture that may not be there. */
export function showImage(image, source, alternative = "") {
  image.hidden = !source;
  image.alt = alternative;
  if (source) image.src = source;
  else image.removeAttribute("src");
}

/** Shows of the elements marked `data-for` those that are for `choice`. */
export function showFor(root, choice) {
  for (const element of root.querySelectorAll("[data-for]")) element.hidden = element.dataset.for !== choice;
}

/** Lets sliders say their value, dice throw, and forms stay on the page. */
export function bindControls(root) {
  for (const slider of root.querySelectorAll("input[type=range]")) {
    bindOutput(slider);
  }
  for (const button of root.querySelectorAll("[data-dice]")) {
    button.append(diceIcon());
    button.addEventListener("click", () => throwDice(button.parentElement.querySelector("input")));
  }
  for (const form of root.querySelectorAll("form")) {
    form.addEventListener("submit", (event) => event.preventDefault());
  }
}

/** Lets the `output` beside a slider say its value: a share as percent, pixels with their unit. */
export function bindOutput(slider) {
  const output = slider.parentElement.querySelector("output");
  if (!output) return;
  const isShare = slider.max === "1" && slider.step !== "1";
  const show = () => {
    output.value = isShare ? percent(Number(slider.value)) : [slider.value, output.dataset.unit].filter(Boolean).join("\u202f");
  };
  slider.addEventListener("input", show);
  show();
}

function throwDice(input) {
  input.value = Math.floor(Math.random() * 10000); // of four billion: a number people can keep in mind
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

function diceIcon() {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 20 20");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(icon.namespaceURI, "path");
  path.setAttribute("d", DICE_PATHS);
  icon.append(path);
  return icon;
}

/** A share as people say it; only what is certain is called 0 or 100 %. */
export function percent(share) {
  if (share > 0 && share < 0.01) return "<\u202f1\u202f%";
  const fine = share > 0.99 && share < 1;
  return `${fine ? Math.min(100 * share, 99.9).toFixed(1) : Math.round(100 * share)}\u202f%`;
}

/** How long something took, for the small print. */
export function duration(seconds) {
  if (seconds < 1) return `${Math.max(1, Math.round(1000 * seconds))}\u202fms`;
  return seconds < 120 ? `${seconds.toFixed(1)}\u202fs` : `${Math.round(seconds / 60)} minutes`;
}
