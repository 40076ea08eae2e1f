// Answers that follow the user's hand: the newest wish wins, and what goes wrong is told where it belongs.

import { ApiError } from "./api.js";

const USUAL_WAIT = 150; // milliseconds without a change before the server is asked

/**
 * Makes a function that runs `work` soon, but only once for changes in quick succession.
 *
 * @param work async (signal) => void; `signal` is aborted when a newer run begins.
 * @param message The element that tells a failure, and is emptied by a success.
 * @param area The element whose content is about to change, marked as busy meanwhile.
 * @returns (wait, keep) => void: milliseconds to wait; with `keep`, a run that already waits is not put off.
 */
export function live(work, message, area) {
  let timer = 0;
  let current = null;

  async function run() {
    timer = 0;
    current?.abort();
    const mine = new AbortController();
    current = mine;
    area.setAttribute("aria-busy", "true");
    try {
      await work(mine.signal);
      if (mine === current) message.textContent = "";
    } catch (error) {
      if (!mine.signal.aborted) tell(message, error);
    } finally {
      if (mine === current) area.removeAttribute("aria-busy");
    }
  }

  return (wait = USUAL_WAIT, keep = false) => {
    if (keep && timer) return;
    clearTimeout(timer);
    timer = setTimeout(run, wait);
  };
}

/** Puts a failure's sentence into an element; a mistake of the page's own stays visible to developers. */
export function tell(message, error) {
  if (!(error instanceof ApiError)) console.error(error);
  message.textContent = error instanceof ApiError ? error.message : "Something went wrong on this page; reload it.";
}
