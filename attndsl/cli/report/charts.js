// Perplexity against the share of heads replaced, and scores by context length: SVG for the eye, tables beside.
const PLOT = { width: 560, height: 300, left: 80, right: 18, top: 14, bottom: 44 };
const SERIES_CLASSES = ["line-a", "line-b", "line-c", "line-d"];

// The drawing is as wide as its panel, so that its letters keep their size on a phone.
function fitPlot(box) {
  const style = getComputedStyle(box);
  PLOT.width = Math.max(260, box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
  PLOT.height = PLOT.width < 420 ? 250 : 300;
}

function plotX(t) {
  return PLOT.left + t * (PLOT.width - PLOT.left - PLOT.right);
}

function plotY(t) {
  return PLOT.height - PLOT.bottom - t * (PLOT.height - PLOT.top - PLOT.bottom);
}

// Ticks at 1, 2 or 5 times a power of ten, at most `count` of them.
function niceTicks(low, high, count) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= rough);
  const ticks = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-9; t += step) ticks.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return ticks;
}

function axes(xTicks, yTicks, xName, yName) {
  return [
    yTicks.map(([t, label]) => [
      svg("line", { class: "rule", x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: plotY(t), y2: plotY(t) }),
      svg("text", { class: "tick", x: PLOT.left - 8, y: plotY(t) + 4, "text-anchor": "end" }, label)]),
    xTicks.map(([t, label]) => svg("text", { class: "tick", x: plotX(t), y: PLOT.height - PLOT.bottom + 18, "text-anchor": "middle" }, label)),
    svg("text", { class: "axis-name", x: (PLOT.left + PLOT.width - PLOT.right) / 2, y: PLOT.height - 6, "text-anchor": "middle" }, xName),
    svg("text", { class: "axis-name", transform: "translate(11 " + (PLOT.height - PLOT.bottom + PLOT.top) / 2 + ") rotate(-90)", "text-anchor": "middle" }, yName),
  ];
}

function dot(x, y, kind, lines) {
  const mark = svg("g", { class: "dot " + kind, tabindex: "0", role: "img", "aria-label": lines.join(", ") },
    svg("circle", { class: "catch", cx: x, cy: y, r: 14 }), svg("circle", { class: "mark", cx: x, cy: y, r: 4.5 }));
  hoverTip(mark, () => lines);
  return mark;
}

function path(points) {
  return "M" + points.map(([x, y]) => x.toFixed(1) + " " + y.toFixed(1)).join("L");
}

function legendOf(names) {
  if (names.length < 2) return null;
  return el("p", { class: "keys" }, names.map((name, i) => el("span", { class: "key " + SERIES_CLASSES[i % 4] }, el("i", {}), name)));
}

function drawPerplexity() {
  const box = byId("perplexity");
  const steps = DATA.perplexity;
  const title = el("h2", { id: "h-ppl" }, "Perplexity with heads replaced");
  if (!steps.length) return box.replaceChildren(title, el("p", { class: "hint" }, "Replacement was not measured in this run."));
  const top = Math.max(...steps.map((s) => (s.interval ? s.interval.high : s.increase_percent)));
  if (state.logScale === null) state.logScale = top > 400;
  const modes = el("div", { class: "choice", role: "radiogroup", "aria-label": "Scale of the perplexity curve" });
  choice(modes, [["linear", "Linear"], ["log", "Log"]], state.logScale ? "log" : "linear", (v) => { state.logScale = v === "log"; drawPerplexity(); byId("perplexity").querySelector("[aria-checked=true]").focus({ preventScroll: true }); });
  const names = [...new Set(steps.map((s) => s.series))];
  fitPlot(box);
  box.replaceChildren(
    el("div", { class: "panel-head" }, title, modes),
    el("p", { class: "hint" }, "Held-out perplexity when programs stand in for that share of heads, at " + lengthWords() + "."),
    svg("svg", { class: "plot", viewBox: "0 0 " + PLOT.width + " " + PLOT.height, role: "group", "aria-label": "Perplexity increase by share of heads replaced; the table below has the figures" },
      perplexityMarks(steps, names, top)),
    legendOf(names) || "",
    perplexityTable(steps, names));
}

// On the log scale the height is the logarithm of perplexity over the original one, so that no increase is zero.
function perplexityMarks(steps, names, top) {
  const low = Math.min(0, ...steps.map((s) => (s.interval ? s.interval.low : s.increase_percent)));
  const log = state.logScale;
  const place = (p) => (log ? Math.log10(1 + Math.max(-99, p) / 100) : p);
  const ends = [place(low), place(top * 1.04 || 1)];
  const scale = (p) => (place(p) - ends[0]) / (ends[1] - ends[0]);
  const ticks = log ? logTicks(ends) : niceTicks(low, top * 1.04 || 1, 5);
  const widest = Math.max(...steps.map((s) => s.share), 0.01);
  const xTicks = widest > 0.5 ? [0, 0.25, 0.5, 0.75, 1].filter((t) => t <= widest + 0.01) : niceTicks(0, widest, 5);
  const marks = axes(xTicks.map((t) => [t / widest, Math.round(100 * t) + "%"]),
    ticks.map((p) => [scale(p), p === 0 ? "0%" : signed(p, p % 1 ? 1 : 0).replace(/\B(?=(\d{3})+$)/g, ",") + "%"]), "share of heads replaced", "perplexity increase");
  names.forEach((name, i) => {
    const own = steps.filter((s) => s.series === name);
    const kind = SERIES_CLASSES[i % 4];
    const at = own.map((s) => [plotX(s.share / widest), plotY(scale(s.increase_percent))]);
    marks.push(svg("path", { class: "line " + kind, d: path(at) }));
    own.forEach((s, j) => {
      if (s.interval) marks.push(svg("path", { class: "whisker " + kind, d: path([[at[j][0], plotY(scale(s.interval.low))], [at[j][0], plotY(scale(s.interval.high))]]) }));
      marks.push(dot(at[j][0], at[j][1], kind, [Math.round(100 * s.share) + "% of heads (" + s.heads + ")" + (names.length > 1 ? ", " + name : ""),
        "perplexity " + s.perplexity.toFixed(2), percent(s.increase_percent) + (s.interval ? " " + percentRange(s.interval) : "")]));
    });
  });
  return marks;
}

// Increases of 0, 100, 900, ... percent are perplexities of 1, 2, 10, ... times the original.
function logTicks([low, high]) {
  const times = [1, 1.2, 1.5, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000, 100000];
  const inside = times.filter((t) => Math.log10(t) >= low - 1e-9 && Math.log10(t) <= high + 1e-9);
  const chosen = [];
  for (const t of inside) if (!chosen.length || Math.log10(t / chosen[chosen.length - 1]) > (high - low) / 8) chosen.push(t);
  return chosen.map((t) => Math.round((t - 1) * 100));
}

function perplexityTable(steps, names) {
  const many = names.length > 1;
  const columns = [["Share", (s) => Math.round(100 * s.share) + "%"], ["Heads", (s) => whole(s.heads), "minor"], ["Perplexity", (s) => s.perplexity.toFixed(2)],
    ["Increase", (s) => percent(s.increase_percent)], ["95% interval", (s) => (s.interval ? percentRange(s.interval) : "–")]];
  return el("div", { class: "scroll" }, el("table", { class: "plain" },
    el("thead", {}, el("tr", {}, many ? el("th", { scope: "col" }, "Curve") : null, columns.map(([h, , kind]) => el("th", { scope: "col", class: "number " + (kind || "") }, h)))),
    el("tbody", {}, steps.map((s) => el("tr", {}, many ? el("td", {}, s.series) : null,
      columns.map(([, text, kind]) => el("td", { class: "number " + (kind || "") }, text(s))))))));
}

const LENGTH_SERIES = [["mean", "programs, mean"], ["median", "programs, median"], ["best_baseline", "best baseline"], ["first_token", "first token"]];

function drawLengths() {
  const box = byId("length");
  const rows = [...DATA.by_length].sort((a, b) => a.n - b.n);
  const title = el("h2", { id: "h-len" }, "Score by context length");
  if (!rows.length) return box.replaceChildren(title, el("p", { class: "hint" }, "Scores by context length were not measured in this run."));
  fitPlot(box);
  const logs = rows.map((r) => Math.log2(r.n));
  const span = logs[logs.length - 1] - logs[0];
  const place = (i) => 0.04 + 0.92 * (span ? (logs[i] - logs[0]) / span : 0.5);
  const marks = axes(rows.map((r, i) => [place(i), String(r.n)]), [0, 0.25, 0.5, 0.75, 1].map((t) => [t, t.toFixed(2)]), "context length n (tokens)", "held-out IoU");
  LENGTH_SERIES.forEach(([key, label], s) => {
    const at = rows.map((r, i) => [plotX(place(i)), plotY(r[key])]);
    marks.push(svg("path", { class: "line " + SERIES_CLASSES[s], d: path(at) }));
    rows.forEach((r, i) => marks.push(dot(at[i][0], at[i][1], SERIES_CLASSES[s], [label + ", n = " + r.n, "IoU " + score(r[key])])));
  });
  box.replaceChildren(el("div", { class: "panel-head" }, title),
    el("p", { class: "hint" }, "The same programs, scored on texts cut to n tokens. Longer contexts are harder: compare figures only at the same n."),
    svg("svg", { class: "plot", viewBox: "0 0 " + PLOT.width + " " + PLOT.height, role: "group", "aria-label": "Held-out IoU by context length; the table below has the figures" }, marks),
    legendOf(LENGTH_SERIES.map(([, label]) => label)),
    el("div", { class: "scroll" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, ["n", "Mean", "Median", "Best baseline", "First token", "Lift"].map((h) => el("th", { scope: "col", class: "number" }, h)))),
      el("tbody", {}, rows.map((r) => el("tr", {}, el("th", { scope: "row", class: "number" }, String(r.n)),
        [r.mean, r.median, r.best_baseline, r.first_token].map((v) => el("td", { class: "number" }, score(v))), el("td", { class: "number" }, signed(r.lift))))))));
}
