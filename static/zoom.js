// A layer, or one channel of it, as large as the window: the channel that was pointed at, or all by keyboard.

import { onButtons } from "./dom.js";

const dialog = document.getElementById("zoom");
const canvas = dialog.querySelector("canvas");

let layer = null;
let picture = null; // of all its channels
let channel = null; // null: all

export function startZoom() {
  onButtons(dialog, { before: () => move(-1), after: () => move(1), close: () => dialog.close() });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) move(by);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
}

/**
 * Enlarges what was clicked on.
 *
 * @param shown The `img` of the layer. @param event The click; of a keyboard, which points nowhere, all is enlarged.
 */
export function zoom(chosen, shown, event) {
  layer = chosen;
  picture = shown;
  const pointed = event.detail > 0 && tileAt(shown.getBoundingClientRect(), event);
  channel = channels() > 1 && Number.isInteger(pointed) ? pointed : null;
  show();
  dialog.showModal();
}

/** How many channels are laid out as tiles; 0 of a layer of bars. */
function channels() {
  return layer.tiles && layer.shape.length === 3 ? Math.min(layer.shape[2], layer.tiles.columns * layer.tiles.rows) : 0;
}

function tileAt(rectangle, { clientX, clientY }) {
  if (!layer.tiles) return null;
  const column = Math.floor((layer.tiles.columns * (clientX - rectangle.left)) / rectangle.width);
  const row = Math.floor((layer.tiles.rows * (clientY - rectangle.top)) / rectangle.height);
  const number = row * layer.tiles.columns + column;
  return number >= 0 && number < channels() ? number : null;
}

function move(by) {
  if (!channels()) return;
  channel = channel === null ? 0 : (channel + by + channels()) % channels();
  show();
}

function show() {
  const [x, y, width, height] = channel === null ? [0, 0, picture.naturalWidth, picture.naturalHeight] : place();
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").drawImage(picture, x, y, width, height, 0, 0, width, height);
  const title = channel === null ? layer.name : `${layer.name}, channel ${channel + 1} of ${channels()}`;
  document.getElementById("zoom-title").textContent = title;
  canvas.setAttribute("aria-label", title);
  for (const button of dialog.querySelectorAll("[data-do=before], [data-do=after]")) button.hidden = !channels();
}

/** Where a channel's tile is in the picture; between tiles there may be a gap. */
function place() {
  const { columns, rows, side } = layer.tiles;
  const across = columns > 1 ? (picture.naturalWidth - side) / (columns - 1) : 0;
  const down = rows > 1 ? (picture.naturalHeight - side) / (rows - 1) : 0;
  return [Math.round((channel % columns) * across), Math.round(Math.floor(channel / columns) * down), side, side];
}
