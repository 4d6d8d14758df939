// Kinds of programs, by what they read and do: colours, a legend that filters, and how they are spread over the layers.
const KIND_ORDER = ["host relation", "grammar", "induction", "copies", "literals", "layout", "signs", "lookback", "position", "loops", "other"];
const KIND_WORDS = {
  "host relation": "calls a relation of the host, such as embedding similarity", grammar: "reads parts of speech, dependencies or words",
  induction: "looks at what followed an earlier copy", copies: "compares the texts of two tokens", literals: "names words or signs",
  layout: "reads sentences, lines, quotes, word starts", signs: "reads punctuation, capitals, special tokens", lookback: "finds the first, last or n-th token such that …",
  position: "reads positions alone", loops: "a program with loops of its own, not looked into", other: "none of these",
};
const KINDS = KIND_ORDER.filter((kind) => DATA.heads.some((r) => kindOf(r) === kind));

function kindColour(kind) {
  const at = Math.max(0, KIND_ORDER.indexOf(kind));
  const hue = (20 + at * 137.5) % 360; // the golden angle: neighbours in the order are far apart in hue
  return isDark() ? oklch(at % 2 ? 0.62 : 0.78, 0.1, hue) : oklch(at % 2 ? 0.82 : 0.62, 0.1, hue);
}

// Letters in the squares, so that colour is never alone: the first two, where they tell kinds apart.
function kindLetters(kind) {
  return { lookback: "lb", loops: "lp" }[kind] || kind.slice(0, 2);
}

function kindButton(kind) {
  const colour = kindColour(kind);
  const count = DATA.heads.filter((r) => kindOf(r) === kind).length;
  return el("button", { type: "button", class: "kind", "aria-pressed": String(state.kind === kind), title: KIND_WORDS[kind] || kind, onclick: () => pickKind(state.kind === kind ? null : kind) },
    el("i", { style: { "background-color": rgb(colour), color: inkOn(colour) } }, kindLetters(kind)), kind + " ", el("small", {}, whole(count)));
}

function kindLegend() {
  return el("div", { class: "kind-row", role: "group", "aria-label": "Kinds of programs; press one to see its heads alone" }, KINDS.map(kindButton));
}

function pickKind(kind) {
  state.kind = kind;
  paintMap();
  fillList();
  drawKinds();
  say(kind === null ? "All kinds are shown" : "Only heads of the kind " + kind + " are shown");
}

function drawKinds() {
  const box = byId("kinds");
  box.hidden = !KINDS.length;
  if (!KINDS.length) return;
  const layers = Array.from({ length: DATA.model.layers }, (_, layer) => DATA.heads.filter((r) => r.layer === layer));
  const columns = layers.map((rows, layer) => el("div", { class: "stack", role: "listitem", tabindex: "-1", "aria-label": "layer " + layer + ": " + kindCounts(rows) },
    el("div", { class: "stack-bar" }, KINDS.map((kind) => stackPart(kind, rows, layer))), el("span", { class: "axis" }, String(layer))));
  byId("kinds").replaceChildren(
    el("div", { class: "panel-head" }, el("h2", { id: "h-kinds" }, "Kinds of programs by layer")),
    el("p", { class: "hint" }, "Each column is a layer, each part a kind: what the programs chosen for its heads read and do, found in their compiled form. Press a kind to see its heads on the map."),
    kindLegend(),
    el("div", { class: "stacks", role: "list", "aria-label": "Heads of each kind by layer" }, columns));
}

function kindCounts(rows) {
  return KINDS.map((kind) => [kind, rows.filter((r) => kindOf(r) === kind).length]).filter(([, n]) => n).map(([kind, n]) => n + " " + kind).join(", ");
}

function stackPart(kind, rows, layer) {
  const own = rows.filter((r) => kindOf(r) === kind);
  if (!own.length) return null;
  const part = el("i", { class: state.kind !== null && state.kind !== kind ? "dim" : null, style: { "background-color": rgb(kindColour(kind)), height: (100 * own.length) / DATA.model.heads + "%" },
    onclick: () => pickKind(state.kind === kind ? null : kind) });
  hoverTip(part, () => ["Layer " + layer + ": " + kind, plural(own.length, "head") + " of " + rows.length, own.map(headName).join(", ")]);
  return part;
}
