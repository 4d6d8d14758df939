// The data, the state of the page, and the few helpers that the other files use.
const DATA = JSON.parse(document.getElementById("report-data").textContent);
const HEADS = new Map(DATA.heads.map((row) => [headName(row), row]));
const SVG_NS = "http://www.w3.org/2000/svg";

const state = {
  metric: "heldout_iou",
  head: null, // name of the head whose panel is shown, "L5H3"
  example: 0,
  query: null, // row of the pictures that is read out; null: the last
  right: "real", // what the right-hand picture shows: real pattern or difference
  logScale: null,
  program: null, // index of the program whose heads are picked out, or null
  kind: null, // kind of program whose heads are picked out, or null
  rule: null, // number of the rule that is pointed at in the program's text, or null
  sort: { key: "lift", down: true },
  theme: "auto",
};


function headName(row) {
  return "L" + row.layer + "H" + row.head;
}

function byId(id) {
  return document.getElementById(id);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "style") for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

// Text always goes in as text nodes: nothing of the data is ever read as markup.
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG_NS, tag), attributes, children);
}

function score(value) {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

// The colour of a lift as ``signed`` shows it: what is shown as 0 is neither good nor bad.
function tone(value) {
  return Number(value.toFixed(3)) === 0 ? "" : value < 0 ? "bad" : "good";
}

function signed(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(digits);
  const zero = Number(text) === 0;
  return (zero ? "" : value < 0 ? "−" : "+") + text;
}

function range(interval, digits = 3) {
  if (!interval) return "";
  const part = (v) => (v < 0 ? "−" : "") + Math.abs(v).toFixed(digits);
  return "[" + part(interval.low) + ", " + part(interval.high) + "]";
}

function whole(value) {
  return value.toLocaleString("en-US");
}

// +2.4% or +1,239%: increases span five orders of magnitude.
function percent(value) {
  const size = Math.abs(value);
  if (size < 0.05) return "0%";
  const text = size >= 100 ? whole(Math.round(size)) : size.toFixed(1);
  return (value < 0 ? "−" : "+") + text + "%";
}

function percentRange(interval) {
  return "[" + percent(interval.low).replace("%", "") + ", " + percent(interval.high) + "]";
}

function words(name) {
  return name.replace(/_/g, " ");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Labels under a colour scale, each centred at its place (0 to 1).
function tickRow(ticks) {
  return el("div", { class: "legend-ticks" }, ticks.map(([at, label]) => el("span", { style: { left: 100 * at + "%" } }, label)));
}

function kindOf(row) {
  return programOf(row).kinds[0] || null;
}

// Whether a head is among those that are picked out on the map and in the list.
function picked(row) {
  return (state.program === null || row.program === state.program) && (state.kind === null || kindOf(row) === state.kind);
}

function headLink(row) {
  const name = headName(row);
  return el("a", { class: "head-link", href: "#" + name, onclick: (event) => { event.preventDefault(); selectHead(name, { reveal: true }); } }, name);
}

function programOf(row) {
  return DATA.programs[row.program];
}

function plural(count, one, many) {
  return whole(count) + " " + (count === 1 ? one : many || one + "s");
}

// Where the length is part of what is said: "n = 128" or "n = 96–128".
function lengthWords() {
  const low = DATA.n_min;
  const joined = low !== null && low !== DATA.n ? low + "\u2060–\u2060" + DATA.n : DATA.n;
  return "n\u00a0=\u00a0" + joined; // never broken over two lines
}

// Leading spaces and line ends are part of a token and decide what programs see: show them.
function visible(token) {
  const text = token.replace(/\r?\n/g, "⏎").replace(/\t/g, "⇥").replace(/[ \u00a0]/g, "·");
  return text === "" ? "∅" : text;
}

function say(text) {
  byId("spoken").textContent = text;
}

function showTip(x, y, lines) {
  const tip = byId("tip");
  tip.replaceChildren(...lines.map((line, i) => el("div", { class: i ? "tip-line" : "tip-title" }, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > window.innerWidth - 8 ? x - box.width - 12 : x + 16;
  const top = y + 18 + box.height > window.innerHeight - 8 ? y - box.height - 12 : y + 18;
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = Math.max(8, top) + "px";
}

function hideTip() {
  byId("tip").hidden = true;
}

function hoverTip(node, lines) {
  node.addEventListener("pointermove", (event) => showTip(event.clientX, event.clientY, lines()));
  node.addEventListener("pointerleave", hideTip);
  node.addEventListener("focus", () => {
    if (!node.matches(":focus-visible")) return;
    const box = node.getBoundingClientRect();
    showTip(box.right - 8, box.bottom - 14, lines());
  });
  node.addEventListener("blur", hideTip);
}

// A row of buttons of which one is on; arrow keys move between them, as in any radio group.
function choice(node, options, current, pick) {
  const buttons = options.map(([value, label, title]) =>
    el("button", {
      type: "button", role: "radio", "data-value": value, title: title || null,
      "aria-checked": String(value === current), tabindex: value === current ? "0" : "-1",
      onclick: () => choose(value),
    }, label));
  function choose(value) {
    for (const button of buttons) {
      const on = button.dataset.value === String(value);
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    pick(value);
  }
  node.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    const next = (at + step + buttons.length) % buttons.length;
    buttons[next].focus();
    choose(options[next][0]);
  };
  node.replaceChildren(...buttons);
}

function isDark() {
  if (state.theme !== "auto") return state.theme === "dark";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function cssColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
