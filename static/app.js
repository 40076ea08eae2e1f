// The frame: tabs, the models that every tab asks for, and headings in handwriting.

import { get } from "./api.js";
import { bindControls, make, PRINT } from "./dom.js";
import { tell } from "./live.js";
import { offerSources } from "./sources.js";
import { store } from "./store.js";

const HEADING = { source: "cvae", height: 112, ...PRINT };

const tabs = [...document.querySelectorAll("[role=tab]")];
const started = new Map(); // of each tab shown so far, what its module gave to run when it is shown again

function nameOf(tab) {
  return tab.hash.slice(1);
}

function panelOf(tab) {
  return document.getElementById(`panel-${nameOf(tab)}`);
}

/** Shows the tab that the address names; where it names none, as the link past the tabs does, what is shown stays. */
async function route() {
  const shown = tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
  const chosen = tabs.find((tab) => tab.hash === location.hash) ?? shown ?? tabs[0];
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", tab === chosen);
    tab.tabIndex = tab === chosen ? 0 : -1;
    panelOf(tab).hidden = tab !== chosen;
  }
  document.title = `${chosen.textContent} \u00b7 Scriptorium`;
  const name = nameOf(chosen);
  if (!started.has(name)) started.set(name, import(`./${name}.js`).then((tab) => tab.start()));
  try {
    const again = await started.get(name);
    panelOf(chosen).inert = false; // until now what is drawn or chosen there would have been lost
    again?.();
  } catch (error) {
    showLost(error);
  }
}

/** Tells at the top that nothing will work; its button loads the page anew. */
function showLost(error) {
  tell(document.querySelector("#lost p"), error);
  document.getElementById("lost").hidden = false;
}

/** Arrow keys go round the tabs, as assistive software expects of them. */
function moveByKey(event) {
  const here = tabs.indexOf(event.target.closest("[role=tab]"));
  const steps = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1, " ": here };
  if (here < 0 || !(event.key in steps)) return;
  event.preventDefault();
  const tab = tabs.at(steps[event.key] % tabs.length);
  tab.focus();
  tab.click();
}

async function loadModels() {
  try {
    const { models, sources } = await get("models");
    store.set("sources", sources);
    store.set("models", models);
    if (sources.find(({ name }) => name === HEADING.source)?.usable) writeHeadings();
  } catch (error) {
    showLost(error);
  }
}

/** Puts what is marked `data-written`, the seed of a hand, into handwriting; what fails stays in type. */
function writeHeadings() {
  for (const element of document.querySelectorAll("[data-written]")) {
    const text = element.textContent;
    get("write", { text, seed: element.dataset.written, ...HEADING })
      .then(async ({ image }) => {
        const picture = make("img", { src: image, alt: text, className: "on-white" });
        await picture.decode();
        element.replaceChildren(picture);
      })
      .catch(() => {});
    element.removeAttribute("data-written"); // once is enough, however often the models are loaded
  }
}

// what is dropped beside the pad would else be opened in the page's place
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());

bindControls(document);
offerSources();
document.querySelector("[role=tablist]").addEventListener("keydown", moveByKey);
// a browser does not ask twice for a module that did not come
document.querySelector("#lost button").addEventListener("click", () => location.reload());
addEventListener("hashchange", route);
route();
loadModels();
