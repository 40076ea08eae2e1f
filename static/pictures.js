// Pictures in and out: a file becomes a canvas, a canvas a PNG, and what is shown a download.

import { ApiError } from "./api.js";

const MOST_PIXELS = 1_000_000; // of a picture sent: a network that sees 28 x 28 needs no more, and a body is bounded

/**
 * Opens a picture file the right way up, made smaller where it is large.
 *
 * @returns A canvas. Throws an `ApiError` if the browser cannot open it.
 */
export async function openPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new ApiError(`${file.name || "This"} could not be opened as a picture; try a PNG or JPEG.`, 0);
  }
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(scale * bitmap.width));
  canvas.height = Math.max(1, Math.round(scale * bitmap.height));
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/** The picture among dropped or pasted things, or null. */
export function pictureIn(transfer) {
  return [...(transfer?.files ?? [])].find((file) => file.type.startsWith("image/")) ?? null;
}

/** The bytes behind a data URL. The page may connect to its server alone, so `fetch` would not do. */
export function blobOf(dataUrl) {
  const [head, body] = dataUrl.split(",");
  const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";")[0] });
}

/** Hands a blob to the user as a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // not before the browser has taken it
}
