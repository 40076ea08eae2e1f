// What can be chosen: the sources of characters, with the reason why one cannot be had, and the models.

import { make } from "./dom.js";
import { store } from "./store.js";

const USUAL_MODEL = "recogniser-ascii";
const TITLES = {
  cvae: "Conditional VAE",
  cgan: "Conditional GAN",
  gan: "Plain GAN, digits of its own choice",
  mnist: "Real digits, MNIST",
  unipen94: "Real characters, UNIPEN",
};

/** Fills every `select[data-sources]`, and the list of reasons beside it; `data-sources="mixes"` takes those that mix. */
export function offerSources() {
  for (const select of document.querySelectorAll("select[data-sources]")) {
    const reasons = select.closest("form").querySelector("[data-reasons]");
    store.watch("sources", (sources) => {
      const wanted = sources.filter((source) => select.dataset.sources !== "mixes" || source.mixes);
      offer(select, wanted);
      tellReasons(reasons, wanted);
      select.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }
}

function offer(select, sources) {
  const chosen = select.value;
  select.replaceChildren(
    ...sources.map(({ name, usable }) => make("option", { value: name, disabled: !usable, textContent: TITLES[name] ?? name })),
  );
  const usable = sources.filter((source) => source.usable);
  select.value = (usable.find((source) => source.name === chosen) ?? usable[0])?.name ?? "";
}

function tellReasons(list, sources) {
  const missing = sources.filter((source) => !source.usable);
  list.parentElement.hidden = missing.length === 0;
  list.parentElement.open = missing.length === sources.length; // nothing else can be done here
  list.replaceChildren(
    ...missing.map(({ name, reason }) => make("li", {}, make("b", { textContent: TITLES[name] ?? name }), `: ${reason}`)),
  );
}

/** Fills a `select` with the models, the usual one chosen; calls `changed` whenever they are told anew. */
export function offerModels(select, changed) {
  store.watch("models", (models) => {
    const chosen = select.value || USUAL_MODEL;
    select.replaceChildren(...models.map(({ name }) => make("option", { value: name, textContent: name })));
    if (models.some(({ name }) => name === chosen)) select.value = chosen;
    changed();
  });
}

/** The model that a `select` names; undefined while there are none. */
export function chosenModel(select) {
  return store.get("models").find(({ name }) => name === select.value);
}
