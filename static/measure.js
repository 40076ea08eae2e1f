// Measure: what each model's card says of its quality, with the pictures of its evaluation.

import { duration, make } from "./dom.js";
import { chosenModel, offerModels } from "./sources.js";

const TASKS = { recognise: "reads", translate: "sets in type", write: "writes", invent: "invents" };

const find = (id) => document.getElementById(`measure-${id}`);
export function start() {
  find("form").addEventListener("input", show);
  offerModels(find("model"), show);
}

function show() {
  const model = chosenModel(find("model"));
  if (!model) return;
  find("card").replaceChildren(
    make("h2", { textContent: model.name }),
    make("p", { className: "lead", textContent: model.summary }),
    facts(model),
    make("div", { className: "sections" }, ...model.quality.map(section)),
    gallery(model.pictures.filter((url) => !url.endsWith(".gif"))),
  );
  if (!model.quality.length) find("card").append(make("p", { className: "aside", textContent: "It has not been measured yet: python evaluate.py " + model.name }));
}

function facts({ task, alphabet, image_size: size, trained, fonts }) {
  const told = [
    ["Task", TASKS[task] ?? task],
    ["Characters", `${alphabet.length}: ${shortened(alphabet)}`],
    ["Picture", `${size} \u00d7 ${size} pixels`],
    ["Typefaces", fonts?.join(", ")],
    ["Trained on", trained?.data],
    ["Epochs", trained?.epochs],
    ["Training took", trained?.seconds ? duration(trained.seconds) : null],
  ];
  const shown = told.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl", { className: "facts" }, ...shown.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
}

function shortened(alphabet) {
  return alphabet.length > 62 ? `${alphabet.slice(0, 62)} and signs` : alphabet;
}

/** A section of the card: folded up it tells its first figure, open its table. */
function section({ section: title, note, rows }, number) {
  const head = ["", "measured", "95 % interval", "pictures"].map((words) => make("th", { scope: "col", textContent: words }));
  const headline = rows.length ? `${rows[0].figure} ${rows[0].value}` : "";
  return make(
    "details",
    { open: number === 0 },
    make("summary", {}, title, make("span", { textContent: headline })),
    make(
      "div",
      { className: "scroll", tabIndex: 0, role: "region", "aria-label": title },
      make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows.map(row))),
    ),
    note ? make("p", { className: "aside", textContent: note }) : null,
  );
}

function row({ figure, value, interval, count, note }) {
  const pictures = [count?.toLocaleString("en"), note].filter(Boolean).join(", ");
  const cells = [value, interval, pictures];
  return make("tr", {}, make("th", { scope: "row", textContent: figure }), ...cells.map((cell) => make("td", { textContent: cell ?? "" })));
}

function gallery(urls) {
  return make("div", { className: "pictures" }, ...urls.map((url) => {
    const title = titleOf(url);
    const image = make("img", { src: url, alt: title, loading: "lazy" });
    return make("figure", {}, make("a", { href: url, target: "_blank", rel: "noopener" }, image), make("figcaption", { textContent: title }));
  }));
}

/** What a picture's file is called, in words. */
function titleOf(url) {
  return decodeURIComponent(url.split("/").at(-1)).replace(/\.\w+$/, "").replaceAll("-", " ");
}
