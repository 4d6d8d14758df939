// The panel of one head: its program, its scores, its pictures.
function selectHead(name, { reveal = false, keepHash = false } = {}) {
  if (!HEADS.has(name)) return false;
  state.head = name;
  if (!keepHash) history.replaceState(null, "", "#" + name);
  for (const [key, cell] of cells) {
    cell.setAttribute("aria-selected", String(key === name));
    cell.tabIndex = key === name ? 0 : -1;
  }
  drawHead();
  markListRow();
  if (reveal) {
    say("Head " + name + " is shown below the map");
    revealHead();
  }
  return true;
}

// Bring the panel into view only when it is not: jumping would make comparing heads on the map tiresome.
function revealHead() {
  const box = byId("head").getBoundingClientRect();
  if (box.top > window.innerHeight * 0.6 || box.bottom < 120) {
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    byId("head").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }
}

// The next head in the order in which the list below shows them; the first of them when this one is filtered out.
function neighbour(step) {
  const names = listRows.size ? [...listRows.keys()] : DATA.heads.map(headName);
  const at = names.indexOf(state.head);
  return at < 0 ? names[0] : names[(at + step + names.length) % names.length];
}

function drawHead() {
  const row = HEADS.get(state.head);
  const program = programOf(row);
  const used = DATA.heads.filter((r) => r.program === row.program).length;
  byId("head").replaceChildren(
    el("div", { class: "panel-head" },
      el("h2", { id: "h-head" }, el("span", { class: "head-name" }, state.head), " ", el("span", { class: "head-program" }, program.name),
        isBroken(state.head) ? el("a", { class: "tag harmful", href: "#broken", onclick: (e) => { e.preventDefault(); byId("broken").scrollIntoView(); } }, "counterexample") : ""),
      el("div", { class: "buttons" },
        el("button", { type: "button", "aria-label": "Previous head in the list", title: "k", onclick: () => selectHead(neighbour(-1)) }, "←"),
        el("button", { type: "button", "aria-label": "Next head in the list", title: "j", onclick: () => selectHead(neighbour(1)) }, "→"),
        el("a", { class: "button", href: "#heads-map", onclick: toMap }, "Map"))),
    el("div", { class: "head-columns" },
      el("div", { class: "program" },
        program.claim ? el("p", { class: "claim" }, program.claim) : el("p", { class: "claim none" }, "This program states no claim."),
        codeView(row),
        el("p", { class: "hint" }, program.kinds.length ? ["Kind: ", el("span", { class: "kinds" }, program.kinds.join(", ")), ". "] : null, used === 1 ? "Chosen for this head alone. " : "Chosen for " + plural(used, "head") + ". ",
          used > 1 ? el("button", { type: "button", class: "link", onclick: () => pickProgram(row.program, true) }, "Show them on the map") : null)),
      el("div", {}, scoreTable(row), ruleTable(row))),
    el("div", { id: "pictures" }), el("div", { id: "versus" }), el("div", { id: "broken" }));
  drawPictures();
  drawBroken();
}

function toMap(event) {
  event.preventDefault();
  byId("heads-map").scrollIntoView();
  cells.get(state.head).focus({ preventScroll: true });
}

function bar(value, interval, kind) {
  const box = el("div", { class: "bar " + kind });
  if (value === null || value === undefined) return box;
  const fillBar = el("i", { style: { width: 100 * Math.max(0, value) + "%" } });
  box.append(fillBar);
  if (interval) {
    box.append(el("b", { style: { left: 100 * interval.low + "%", width: 100 * (interval.high - interval.low) + "%" } }));
  }
  return box;
}

function scoreTable(row) {
  const line = (label, value, kind, interval, strong, tag) => el("tr", { class: strong ? "strong" : null },
    el("th", { scope: "row" }, label, tag ? el("span", { class: "tag" }, tag) : null), el("td", { class: "bar-cell" }, bar(value, interval, kind)),
    el("td", { class: "number" }, score(value)), el("td", { class: "number dim" }, range(interval)));
  const best = row.best_baseline;
  const baselines = Object.entries(row.baselines).sort((a, b) => b[1] - a[1]);
  return el("table", { class: "scores" },
    el("caption", {}, "IoU at " + lengthWords() + (row.interval ? ", with 95% interval over " + DATA.intervals.over : "")),
    el("tbody", {},
      line("Held-out", row.heldout_iou, "main", row.interval, true),
      line("Train", row.train_iou, "soft", null),
      line("Without the sink", row.iou_no_sink, "soft", null)),
    el("tbody", {}, baselines.map(([name, value]) => line(capital(words(name)), value, "base", null, name === best, name === best ? "best baseline" : null))),
    el("tbody", {},
      el("tr", { class: "strong" }, el("th", { scope: "row" }, "Lift"), el("td", { class: "bar-cell hint" }, "over " + words(best)),
        el("td", { class: "number " + tone(row.lift) }, signed(row.lift)), el("td", {})),
      row.js === null ? null : el("tr", {}, el("th", { scope: "row" }, "JS distance"), el("td", { class: "bar-cell hint" }, "lower is better"),
        el("td", { class: "number" }, score(row.js)), el("td", {})),
      row.damage ? el("tr", {}, el("th", { scope: "row" }, "Damage alone"), el("td", { class: "bar-cell hint" }, "nats per token"),
        el("td", { class: "number" }, damageWords(row.damage.nats, 1, 4)), el("td", { class: "number dim" }, range(row.damage.interval, 4))) : null));
}

function drawPictures() {
  const box = byId("pictures");
  const shown = DATA.examples.filter((e) => e.heads[state.head]);
  if (!shown.length) {
    drawVersus(null);
    box.replaceChildren(el("p", { class: "hint" }, DATA.examples.length ? "No example pictures this head." : "This report was made without example patterns."));
    return;
  }
  const example = shown[Math.min(state.example, shown.length - 1)];
  const pair = example.heads[state.head];
  const predicted = decodePicture(DATA.pictures[pair.predicted]);
  const real = decodePicture(DATA.pictures[pair.real]);
  const scale = Math.max(DATA.pictures[pair.real].scale, DATA.pictures[pair.predicted].scale);
  const n = example.tokens.length;
  const different = state.right === "difference";
  const right = different ? difference(real, predicted) : real;
  const about = " pattern of " + state.head + " on example " + example.text_id + ", " + n + " tokens; arrow keys move a cursor over its cells";
  const views = [
    new PatternView(example.tokens, predicted, DATA.model.causal, weightColour, "Predicted" + about),
    new PatternView(example.tokens, right, DATA.model.causal, different ? differenceColour : weightColour, (different ? "Real minus predicted" : "Real") + about),
  ];
  const readout = el("div", { class: "readout" });
  const modes = el("div", { class: "choice", role: "radiogroup", "aria-label": "Right-hand picture" });
  choice(modes, [["real", "Real"], ["difference", "Difference"]], state.right, (v) => { state.right = v; drawPictures(); byId("pictures").querySelector(".choice [aria-checked=true]").focus({ preventScroll: true }); });
  const figures = el("div", { class: "figures" },
    figure("Predicted by the program", views[0]), figure(different ? "Real minus predicted" : "Real, of the model", views[1]));
  box.replaceChildren(
    el("div", { class: "picture-head" },
      el("h3", {}, "Predicted beside real"), exampleMenu(shown, example), modes,
      el("span", { class: "hint push" }, "IoU on this text ", el("strong", {}, score(pair.iou)), " at n = " + n)),
    figures, weightLegend(different),
    el("p", { class: "hint" }, "Rows are queries, columns are keys. Point at a square, tap it, or click a word below to see what that query looks at."),
    readout,
    el("p", { class: "hint" }, "What is shown is rounded to 8 bits, within " + (scale / 255).toFixed(3) +
      " of each weight; scores come from unrounded weights. In tokens “·” marks a space, “⏎” a line end."));
  const available = figures.querySelector("figure").clientWidth;
  for (const view of views) view.layout(available);
  const patterns = { predicted, real, n, causal: DATA.model.causal };
  const pick = (q) => move({ q, k: strongestKey(real, q, n) }, null);
  const move = linkViews(views, (cursor, event) => readCell(readout, example, patterns, cursor, event, pick));
  pick(Math.min(n - 1, state.query ?? n - 1));
  drawVersus(example, pair, real);
}

function figure(title, view) {
  return el("figure", {}, el("figcaption", {}, title), el("div", { class: "canvas-box" }, view.canvas));
}

function exampleMenu(shown, example) {
  const menu = el("select", {
    "aria-label": "Example text",
    onchange: (event) => { state.example = Number(event.target.value); drawPictures(); byId("pictures").querySelector("select").focus({ preventScroll: true }); },
  }, shown.map((e, i) => el("option", { value: i, selected: e === example }, e.text_id + ": " + excerpt(e.tokens))));
  return el("label", { class: "menu" }, "Text ", menu);
}

function excerpt(tokens) {
  const text = tokens.join("").replace(/[ĠĊ▁]/g, " ").replace(/\s+/g, " ").trim();
  return text.length > 44 ? text.slice(0, 42) + "…" : text;
}

function weightLegend(different) {
  const steps = Array.from({ length: 17 }, (_, i) => i / 16);
  const stops = steps.map((t) => rgb(different ? diverging(2 * t - 1) : sequential(t)));
  const ticks = different ? ["−1", "−0.25", "0", "+0.25", "+1"] : ["0", "0.06", "0.25", "0.56", "1"];
  return el("div", { class: "legend small", role: "img", "aria-label": "Colour scale of attention weight, by its square root" },
    el("span", { class: "legend-name" }, different ? "difference of weights (square-root scale)" : "attention weight (square-root scale)"),
    el("div", { class: "legend-scale" }, el("div", { class: "legend-bar", style: { "background-image": "linear-gradient(to right, " + stops.join(", ") + ")" } }),
      tickRow(ticks.map((t, i) => [i / 4, t]))));
}
