// Pictures of patterns on canvas: query tokens down, key tokens across, one shared cursor for both pictures.
function decodePicture(picture) {
  const bytes = Uint8Array.from(atob(picture.data), (c) => c.charCodeAt(0));
  const n = picture.n;
  const values = new Float32Array(n * n);
  let at = 0;
  for (let q = 0; q < n; q++) {
    const end = picture.causal ? q + 1 : n;
    for (let k = 0; k < end; k++) values[q * n + k] = picture.scale * (bytes[at++] / 255) ** 2;
  }
  return values;
}

function difference(real, predicted) {
  return real.map((v, i) => v - predicted[i]);
}

// Shades follow the square root of the weight, so that a weight of 0.04 can still be seen.
function weightColour(value) {
  return sequential(Math.sqrt(value));
}

function differenceColour(value) {
  return diverging(Math.sign(value) * Math.sqrt(Math.abs(value)));
}

const LABEL_FONT = '"DejaVu Sans Mono", ui-monospace, "SF Mono", Menlo, Consolas, monospace';

function clipped(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(text.slice(0, end) + "…").width > width) end--;
  return text.slice(0, end) + "…";
}

// One picture. `values` is n*n, row by row; `colour` maps a value to [r, g, b]. A `bare` one has no labels and no cursor.
class PatternView {
  constructor(tokens, values, causal, colour, label) {
    Object.assign(this, { tokens, values, causal, colour, n: tokens.length });
    this.canvas = el("canvas", { class: "pattern", role: "img", tabindex: "0", "aria-label": label });
    this.cursor = null;
    this.bare = false;
  }

  layout(width) {
    if (this.bare) {
      this.canvas.removeAttribute("tabindex");
      this.canvas.classList.add("bare");
    }
    const longest = Math.max(...this.tokens.map((t) => visible(t).length));
    const gutter = this.bare ? 0 : Math.min(width < 400 ? 60 : 92, 14 + 6.2 * Math.min(longest, 12));
    this.left = gutter;
    this.size = this.bare ? (width - 2) / this.n : Math.max(7, Math.min(34, Math.floor((width - gutter - 2) / this.n)));
    this.width = this.left + this.size * this.n + 2;
    this.height = this.size * this.n + gutter + 2;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.canvas.style.width = this.width + "px";
    this.canvas.style.height = this.height + "px";
    this.draw();
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const { n, size, left } = this;
    const gap = size >= 12 ? 1 : this.bare ? 0 : 0.5;
    for (let q = 0; q < n; q++) {
      for (let k = 0; k < (this.causal ? q + 1 : n); k++) {
        context.fillStyle = rgb(this.colour(this.values[q * n + k]));
        context.fillRect(left + k * size, q * size, size - gap, size - gap);
      }
    }
    if (!this.bare) this.drawLabels(context);
    if (this.cursor) this.drawCursor(context);
  }

  drawLabels(context) {
    const { n, size, left } = this;
    const plain = cssColour("--muted");
    const strong = cssColour("--text");
    context.font = Math.min(11.5, Math.max(7, size - 1)) + "px " + LABEL_FONT;
    context.textBaseline = "middle";
    for (let i = 0; i < n; i++) {
      const text = clipped(context, visible(this.tokens[i]), left - 10);
      context.fillStyle = this.cursor && this.cursor.q === i ? strong : plain;
      context.textAlign = "right";
      context.fillText(text, left - 5, i * size + size / 2);
      context.save();
      context.fillStyle = this.cursor && this.cursor.k === i ? strong : plain;
      context.translate(left + i * size + size / 2, n * size + 5);
      context.rotate(-Math.PI / 2);
      context.fillText(text, 0, 0);
      context.restore();
    }
  }

  drawCursor(context) {
    const { n, size, left } = this;
    const { q, k } = this.cursor;
    context.strokeStyle = cssColour("--text");
    context.lineWidth = 1;
    context.globalAlpha = 0.35;
    context.strokeRect(left - 0.5, q * size - 0.5, (this.causal ? q + 1 : n) * size, size);
    context.strokeRect(left + k * size - 0.5, (this.causal ? k : 0) * size - 0.5, size, (n - (this.causal ? k : 0)) * size);
    context.globalAlpha = 1;
    context.lineWidth = 2;
    context.strokeRect(left + k * size - 0.5, q * size - 0.5, size, size);
  }

  // The cell under a pointer; on a label or the empty triangle, the nearest cell that exists in that row.
  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const q = Math.floor((event.clientY - box.top) / this.size);
    const k = Math.floor((event.clientX - box.left - this.left) / this.size);
    if (q < 0 || q >= this.n || k >= this.n) return null;
    return { q, k: Math.max(0, this.causal ? Math.min(k, q) : k) };
  }
}

// All views show the same cursor and `report(cursor, event)` is told where it is. Returns what moves the cursor.
function linkViews(views, report) {
  const move = (cursor, event) => {
    if (!cursor) return hideTip();
    state.query = cursor.q;
    for (const view of views) {
      view.cursor = cursor;
      view.draw();
    }
    return report(cursor, event);
  };
  for (const view of views) {
    view.canvas.addEventListener("pointermove", (event) => move(view.at(event), event));
    view.canvas.addEventListener("pointerdown", (event) => move(view.at(event), event));
    view.canvas.addEventListener("pointerleave", hideTip);
    view.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const q = Math.min(view.n - 1, Math.max(0, view.cursor.q + step[0]));
      const last = view.causal ? q : view.n - 1;
      const cursor = { q, k: Math.min(last, Math.max(0, view.cursor.k + step[1])) };
      move(cursor, null);
      const value = view.values[cursor.q * view.n + cursor.k];
      say("query " + view.tokens[cursor.q] + ", key " + view.tokens[cursor.k] + ", " + value.toFixed(3));
    });
  }
  return move;
}
