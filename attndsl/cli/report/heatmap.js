// The map of heads: a grid of layer by head that the arrow keys walk through.
const METRICS = [
  { key: "heldout_iou", label: "IoU", long: "held-out IoU", value: (r) => r.heldout_iou },
  { key: "lift", label: "Lift", long: "lift over the best baseline", value: (r) => r.lift, signed: true },
  { key: "baseline", label: "Best baseline", long: "IoU of the best baseline", value: (r) => r.baselines[r.best_baseline] },
  { key: "no_sink", label: "Without sink", long: "IoU without the sink", value: (r) => r.iou_no_sink },
  { key: "kind", label: "Kind", long: "kind of program", value: kindOf, named: true },
  { key: "damage", label: "Damage", long: "damage when replaced alone, nats per token", value: (r) => (r.damage ? r.damage.nats : null), signed: true, digits: 3 },
];
const cells = new Map(); // head name -> cell
let layersDown = false;

function metric() {
  return METRICS.find((m) => m.key === state.metric);
}

// The lift scale is symmetric and reaches the largest lift there is, rounded up to a tenth.
function metricLimit(m) {
  if (!m.signed) return 1;
  const sizes = DATA.heads.map((r) => Math.abs(m.value(r) ?? 0)).sort((a, b) => a - b);
  if (m.key === "damage") return Math.max(0.001, sizes[Math.floor(0.98 * (sizes.length - 1))]); // one head can cost a hundred times the next
  return Math.ceil(Math.max(0.05, sizes[sizes.length - 1]) * 10 - 1e-9) / 10;
}

function metricColour(m, value) {
  if (m.named) return kindColour(value);
  return m.signed ? diverging(value / metricLimit(m)) : sequential(value);
}

function short(m, value) {
  if (value === null || value === undefined) return "–";
  if (m.named) return kindLetters(value);
  if (m.key === "damage") return damageWords(value, 1000, 0);
  return (m.signed ? signed(value, 2).replace("+", "") : value.toFixed(2)).replace("0.", ".");
}

function drawMap() {
  const { layers, heads } = DATA.model;
  const width = byId("heads-map").clientWidth;
  const narrow = width / (Math.max(layers, heads) + 1.5) < 27; // the longer side would not fit across: put it down
  layersDown = narrow ? layers > heads : heads >= layers;
  const columns = layersDown ? heads : layers;
  const rows = layersDown ? layers : heads;
  const [across, down] = layersDown ? ["H", "L"] : ["L", "H"];
  const grid = el("div", {
    class: "grid", role: "grid", "aria-labelledby": "h-map", "aria-rowcount": rows + 1, "aria-colcount": columns + 1,
    onkeydown: mapKey,
  });
  grid.style.setProperty("--columns", columns);
  const size = (width - 76) / columns;
  grid.classList.toggle("tiny", size < 27);
  grid.append(el("div", { role: "row" },
    el("div", { role: "columnheader", "aria-label": layersDown ? "layer, by head" : "head, by layer" }),
    Array.from({ length: columns }, (_, c) => el("div", { class: "axis", role: "columnheader" }, el("span", {}, across + c)))));
  cells.clear();
  for (let r = 0; r < rows; r++) {
    const line = el("div", { role: "row" }, el("div", { class: "axis", role: "rowheader" }, down + r));
    for (let c = 0; c < columns; c++) line.append(layersDown ? mapCell(r, c) : mapCell(c, r));
    grid.append(line);
  }
  const box = el("div", { class: "grid-box" }, grid);
  byId("map").replaceChildren(box);
  paintMap();
}

function mapCell(layer, head) {
  const name = "L" + layer + "H" + head;
  const row = HEADS.get(name);
  const cell = el("div", { role: "gridcell", class: row ? "cell" : "cell missing", "data-head": name, tabindex: "-1" });
  cells.set(name, cell);
  hoverTip(cell, () => mapTip(name, row));
  cell.addEventListener("pointerenter", () => markLegend(row ? metric().value(row) : null));
  cell.addEventListener("pointerleave", () => markLegend(null));
  if (row) cell.addEventListener("click", () => selectHead(name, { reveal: true }));
  return cell;
}

function mapTip(name, row) {
  if (!row) return [name, "not scored in this run"];
  const lines = [name + " · " + programOf(row).name];
  lines.push("held-out IoU " + score(row.heldout_iou) + " " + range(row.interval) + " at " + lengthWords());
  lines.push("lift " + signed(row.lift) + " over " + words(row.best_baseline) + " " + score(row.baselines[row.best_baseline]));
  if (row.iou_no_sink !== null) lines.push("without the sink " + score(row.iou_no_sink));
  if (kindOf(row)) lines.push("kind: " + kindOf(row));
  if (row.damage) lines.push("damage " + damageWords(row.damage.nats, 1, 4) + " nats per token");
  return lines;
}

// Colours, numbers and names of the cells for the chosen figure; the grid itself stays.
function paintMap() {
  const m = metric();
  for (const [name, cell] of cells) {
    const row = HEADS.get(name);
    const value = row ? m.value(row) : null;
    const known = value !== null && value !== undefined;
    const colour = known ? metricColour(m, value) : null;
    cell.style.backgroundColor = known ? rgb(colour) : "";
    cell.style.color = known ? inkOn(colour) : "";
    cell.classList.toggle("missing", !known);
    cell.textContent = known ? short(m, value) : "";
    const figure = m.named ? value : m.signed ? signed(value) : score(value);
    const said = known ? m.long + " " + figure + (m.named || m.key === "damage" ? "" : " at " + lengthWords()) : m.long + " not measured";
    cell.setAttribute("aria-label", name + ", " + said + (row ? ", program " + programOf(row).name : ""));
    cell.setAttribute("aria-selected", String(name === state.head));
    cell.classList.toggle("dim", !row ? state.program !== null || state.kind !== null : !picked(row));
  }
  const entry = cells.get(state.head) || cells.values().next().value;
  for (const cell of cells.values()) cell.tabIndex = cell === entry ? 0 : -1;
  const unit = m.named ? "" : m.key === "damage" ? ", in thousandths" : " at " + lengthWords() + " tokens";
  byId("map-hint").textContent = "Each square is one head, coloured by " + m.long + unit + ". Click a head, or walk with the arrow keys and press Enter.";
  drawLegend(m);
  drawMapFilter();
}

function drawLegend(m) {
  if (m.named) return byId("legend").replaceChildren(kindLegend());
  const limit = metricLimit(m);
  const stops = Array.from({ length: 13 }, (_, i) => rgb(m.signed ? diverging((i / 12) * 2 - 1) : sequential(i / 12)));
  const ticks = m.signed ? [-limit, -limit / 2, 0, limit / 2, limit] : [0, 0.25, 0.5, 0.75, 1];
  const bar = el("div", { class: "legend-bar", style: { "background-image": "linear-gradient(to right, " + stops.join(", ") + ")" } },
    el("div", { class: "legend-mark", id: "legend-mark", hidden: true }));
  const missing = cells.size > DATA.heads.length ? el("span", { class: "legend-missing" }, el("i", { class: "cell missing" }), "not scored") : null;
  byId("legend").replaceChildren(
    el("div", { class: "legend", role: "img", "aria-label": "Colour scale of " + m.long + " from " + ticks[0] + " to " + limit },
      el("span", { class: "legend-name" }, m.long),
      el("div", { class: "legend-scale" }, bar,
        tickRow(ticks.map((t, i) => [i / 4, m.signed ? signed(t, m.digits || 2) : t.toFixed(2)])))),
    missing || "");
}

function markLegend(value) {
  const mark = byId("legend-mark");
  if (!mark) return;
  mark.hidden = value === null || value === undefined;
  if (mark.hidden) return;
  const m = metric();
  const at = m.signed ? Math.min(1, Math.max(0, (value / metricLimit(m) + 1) / 2)) : value;
  mark.style.left = 100 * at + "%";
}

function drawMapFilter() {
  const box = byId("map-filter");
  box.hidden = state.program === null && state.kind === null;
  const used = plural(DATA.heads.filter(picked).length, "head");
  const chip = (words, clear, label) => el("span", { class: "chip" }, words, el("button", { type: "button", "aria-label": label, onclick: clear }, "×"));
  box.replaceChildren(
    state.program === null ? "" : chip("Only “" + DATA.programs[state.program].name + "”, " + used, () => pickProgram(null), "Show all programs"),
    state.kind === null ? "" : chip("Only the kind “" + state.kind + "”, " + used, () => pickKind(null), "Show all kinds"));
}

function mapKey(event) {
  const cell = event.target.closest(".cell");
  if (!cell) return;
  const [, layer, head] = cell.dataset.head.match(/^L(\d+)H(\d+)$/).map(Number);
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (HEADS.has(cell.dataset.head)) selectHead(cell.dataset.head, { reveal: true });
    return;
  }
  const limits = layersDown ? [DATA.model.layers, DATA.model.heads] : [DATA.model.heads, DATA.model.layers];
  let [row, column] = layersDown ? [layer, head] : [head, layer];
  if (event.key === "ArrowUp") row -= 1;
  else if (event.key === "ArrowDown") row += 1;
  else if (event.key === "ArrowLeft") column -= 1;
  else if (event.key === "ArrowRight") column += 1;
  else if (event.key === "Home") column = 0;
  else if (event.key === "End") column = limits[1] - 1;
  else return;
  event.preventDefault();
  if (row < 0 || column < 0 || row >= limits[0] || column >= limits[1]) return;
  const next = cells.get(layersDown ? "L" + row + "H" + column : "L" + column + "H" + row);
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
