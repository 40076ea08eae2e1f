// A drawing pad: strokes of mouse, finger or pen, perhaps on a picture; undo, clear, and what is on it as PNG.

const WIDTH = 640; // the pad's own pixels from left to right, however wide it is on the screen
const LIGHTEST = 0.35; // of a pen's width, where it hardly presses
const MOST_PAST = 100; // states that undo brings back; each may hold a picture

/**
 * Sends `change` whenever something else is on it; `event.detail.drawing` says that a stroke is not finished yet.
 */
export class Pad extends EventTarget {
  /** @param host An element with a `canvas`, and perhaps a `.boxes` to show what was found in. */
  constructor(host) {
    super();
    this.host = host;
    this.canvas = host.querySelector("canvas");
    this.penWidth = 22;
    this.strokes = []; // each {points: [{x, y, width}]}
    this.picture = null; // a canvas, shown as large as it fits
    this.boxes = []; // of what was found on it
    this.past = []; // what undo brings back
    this.pointer = null; // that draws
    this.#listen();
    new ResizeObserver(() => this.#fit()).observe(this.canvas);
    document.addEventListener("themechange", () => this.#paint());
  }

  get isEmpty() {
    return this.strokes.length === 0 && this.picture === null;
  }

  get height() {
    return Math.round((WIDTH * this.canvas.clientHeight) / this.canvas.clientWidth) || WIDTH;
  }

  clear() {
    if (this.isEmpty) return;
    this.#remember();
    this.#become({ strokes: [], picture: null });
  }

  undo() {
    if (this.past.length) this.#become(this.past.pop());
  }

  /** Starts over, with nothing to take back. */
  reset() {
    this.past = [];
    this.#become({ strokes: [], picture: null });
  }

  /** Puts a picture, a canvas, in the place of everything. */
  show(picture) {
    this.#remember();
    this.#become({ strokes: [], picture });
  }

  /** What is on the pad, as black on white, or as the picture is: a data URL. */
  toPNG() {
    const frame = this.#frame();
    const scale = this.picture ? this.picture.width / frame.width : 1;
    const canvas = document.createElement("canvas");
    canvas.width = this.picture?.width ?? WIDTH;
    canvas.height = this.picture?.height ?? this.height;
    const pen = canvas.getContext("2d");
    if (this.picture) {
      pen.drawImage(this.picture, 0, 0);
    } else {
      pen.fillStyle = "white";
      pen.fillRect(0, 0, canvas.width, canvas.height);
    }
    pen.setTransform(scale, 0, 0, scale, -scale * frame.x, -scale * frame.y);
    this.#draw(pen, "black");
    return canvas.toDataURL("image/png");
  }

  /** Frames what was found, in pixels of what `toPNG` gave. */
  showBoxes(boxes) {
    this.boxes = boxes;
    const frame = this.#frame();
    const scale = this.picture ? frame.width / this.picture.width : 1;
    const [across, down] = [100 / WIDTH, 100 / this.height];
    this.host.querySelector(".boxes")?.replaceChildren(
      ...boxes.map((box) => {
        const element = document.createElement("div");
        element.style.left = `${across * (frame.x + scale * box.x)}%`;
        element.style.top = `${down * (frame.y + scale * box.y)}%`;
        element.style.width = `${across * scale * box.width}%`;
        element.style.height = `${down * scale * box.height}%`;
        return element;
      }),
    );
  }

  /** Where the picture lies on the pad, in its pixels; the whole pad where there is none. */
  #frame() {
    const height = this.height;
    if (!this.picture) return { x: 0, y: 0, width: WIDTH, height };
    const scale = Math.min(WIDTH / this.picture.width, height / this.picture.height);
    const [wide, high] = [scale * this.picture.width, scale * this.picture.height];
    return { x: (WIDTH - wide) / 2, y: (height - high) / 2, width: wide, height: high };
  }

  #remember() {
    this.past.push({ strokes: [...this.strokes], picture: this.picture });
    if (this.past.length > MOST_PAST) this.past.shift();
  }

  #become({ strokes, picture }) {
    this.strokes = strokes;
    this.picture = picture;
    this.pointer = null;
    this.#paint();
    this.#changed(false);
  }

  #changed(drawing) {
    this.host.classList.toggle("empty", this.isEmpty);
    if (this.isEmpty) this.showBoxes([]);
    this.dispatchEvent(new CustomEvent("change", { detail: { drawing } }));
  }

  #listen() {
    const { canvas } = this;
    this.host.classList.add("empty");
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => this.#end(event));
    }
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #begin(event) {
    if (this.pointer !== null || event.button !== 0) return; // a second finger, the right button
    event.preventDefault(); // selects nothing
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.#remember();
    this.strokes = [...this.strokes, { points: [this.#point(event)] }];
    this.#paint();
    this.#changed(true);
  }

  #go(event) {
    if (event.pointerId !== this.pointer) return;
    const stroke = this.strokes.at(-1);
    const moments = event.getCoalescedEvents?.() ?? [];
    const pen = this.#brush();
    for (const moment of moments.length ? moments : [event]) {
      stroke.points.push(this.#point(moment));
      drawPart(pen, stroke.points, stroke.points.length - 2);
    }
    this.#changed(true);
  }

  #end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.#paint(); // the last half part, which waited for a next point
    this.#changed(false);
  }

  #key(event) {
    const isWriting = event.target.matches?.("input:not([type=range], [type=radio], [type=checkbox]), textarea, select");
    if (isWriting || !this.canvas.checkVisibility() || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      this.clear();
    } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
      event.preventDefault();
      this.undo();
    }
  }

  /** Where the pointer is on the pad, and how wide its ink: pens tell their pressure, others are steady. */
  #point(event) {
    const rectangle = this.canvas.getBoundingClientRect();
    const scale = WIDTH / rectangle.width;
    const pressed = event.pointerType === "pen" && event.pressure > 0;
    const share = pressed ? LIGHTEST + (1 - LIGHTEST) * Math.min(1, 1.4 * event.pressure) : 1;
    return {
      x: scale * (event.clientX - rectangle.left),
      y: scale * (event.clientY - rectangle.top),
      width: share * this.penWidth,
    };
  }

  /** Gives the canvas a pixel for each of the screen's. */
  #fit() {
    const { canvas } = this;
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    this.#paint();
    this.showBoxes(this.boxes);
  }

  #brush() {
    const pen = this.canvas.getContext("2d");
    const scale = this.canvas.width / WIDTH;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    prepare(pen, getComputedStyle(this.canvas).color);
    return pen;
  }

  #paint() {
    const pen = this.#brush();
    pen.clearRect(0, 0, WIDTH, this.height + 1);
    if (this.picture) {
      const frame = this.#frame();
      pen.drawImage(this.picture, frame.x, frame.y, frame.width, frame.height);
    }
    this.#draw(pen, pen.strokeStyle);
  }

  #draw(pen, colour) {
    prepare(pen, colour);
    for (const { points } of this.strokes) drawStroke(pen, points);
  }
}

function prepare(pen, colour) {
  pen.strokeStyle = colour;
  pen.fillStyle = colour;
  pen.lineCap = "round";
  pen.lineJoin = "round";
}

function drawStroke(pen, points) {
  const [first, last] = [points[0], points.at(-1)];
  pen.beginPath();
  pen.arc(first.x, first.y, first.width / 2, 0, 2 * Math.PI); // a dot is a stroke of one point
  pen.fill();
  for (let k = 0; k < points.length - 1; k++) drawPart(pen, points, k);
  line(pen, middle(points.at(-2) ?? last, last), last, last, last.width);
}

/** From the middle before point k to the middle behind it, bent towards it: so corners of fast strokes are round. */
function drawPart(pen, points, k) {
  const point = points[k];
  line(pen, k ? middle(points[k - 1], point) : point, point, middle(point, points[k + 1]), point.width);
}

function line(pen, from, towards, to, width) {
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.quadraticCurveTo(towards.x, towards.y, to.x, to.y);
  pen.stroke();
}

function middle(one, other) {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
