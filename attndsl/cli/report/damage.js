// What each replaced head costs by itself, beside its score, and what the order of replacement changes.
function damageWords(value, times, digits) {
  return signed(value * times, digits).replace("+", "");
}

function drawDamage() {
  const box = byId("damage");
  const rows = DATA.heads.filter((r) => r.damage);
  box.hidden = !rows.length;
  if (!rows.length) return;
  const study = DATA.damage;
  fitPlot(box);
  box.replaceChildren(
    el("div", { class: "panel-head" }, el("h2", { id: "h-damage" }, "Damage of each head")),
    el("p", { class: "hint" }, "Rise of the loss, in thousandths of a nat per token, when this head alone is replaced" + (study ? ", on " + plural(study.texts, "train text") : "") +
      ". A dot is a head: were IoU a good guide, dots would fall to the right. Press one to open its head."),
    svg("svg", { class: "plot", viewBox: "0 0 " + PLOT.width + " " + PLOT.height, role: "group", "aria-label": "Damage by train IoU; the table below has the heads that cost most" }, damageMarks(rows)),
    study && study.correlations.length ? correlationTable(study.correlations) : "",
    costliest(rows),
    study && study.curves.length ? orderTable(study) : "");
}

// The height is the square root of the damage, its sign kept: a few heads cost far more than the rest.
function damageMarks(rows) {
  const root = (v) => Math.sign(v) * Math.sqrt(Math.abs(v));
  const values = rows.map((r) => 1000 * r.damage.nats);
  const [low, high] = [root(Math.min(0, ...values)), root(Math.max(1, ...values))];
  const height = (v) => plotY((root(v) - low) / (high - low || 1));
  const ticks = [-10, -1, 0, 1, 5, 20, 50, 100, 200, 500, 1000, 5000].filter((t) => root(t) >= low && root(t) <= high);
  return [
    ...axes([0, 0.25, 0.5, 0.75, 1].map((t) => [t, t.toFixed(2)]), ticks.map((t) => [(root(t) - low) / (high - low || 1), signed(t, 0).replace("+", "")]), "train IoU", "damage (nats / 1000)"),
    ...rows.map((r, i) => {
      const mark = svg("g", { class: "dot line-a small" }, svg("circle", { class: "mark", cx: plotX(r.train_iou), cy: height(values[i]), r: 3.2 }));
      hoverTip(mark, () => [headName(r) + " · " + programOf(r).name, "damage " + damageWords(r.damage.nats, 1, 4) + " " + range(r.damage.interval, 4), "train IoU " + score(r.train_iou)]);
      mark.addEventListener("click", () => selectHead(headName(r), { reveal: true }));
      return mark;
    }),
  ];
}

function correlationTable(correlations) {
  return el("table", { class: "plain" }, el("caption", {}, "Rank correlation of damage with a score; a good guide to damage would be near −1 (scores) or +1 (distances)"),
    el("tbody", {}, correlations.map((c) => el("tr", {}, el("th", { scope: "row" }, c.score), el("td", { class: "number" }, c.point === null ? "–" : signed(c.point, 2)),
      el("td", { class: "number dim" }, range(c.interval, 2))))));
}

function costliest(rows) {
  const most = [...rows].sort((a, b) => b.damage.nats - a.damage.nats).slice(0, 8);
  return el("table", { class: "plain" }, el("caption", {}, "Heads that cost most"),
    el("tbody", {}, most.map((r) => el("tr", {}, el("th", { scope: "row" }, headLink(r)), el("td", { class: "program-cell" }, programOf(r).name),
      el("td", { class: "number" }, damageWords(r.damage.nats, 1, 4)), el("td", { class: "number dim" }, range(r.damage.interval, 4))))));
}

function orderTable(study) {
  const shares = [...new Set(study.curves.map((c) => c.share))].sort((a, b) => a - b);
  const ways = [...new Set(study.curves.map((c) => c.order + "\u0000" + c.programs))].map((key) => key.split("\u0000"));
  const at = (order, programs, s) => study.curves.find((c) => c.order === order && c.programs === programs && c.share === s);
  return el("details", { class: "more" }, el("summary", {}, "Orders and controls: perplexity increase on " + plural(study.heldout_texts, "held-out text")),
    el("div", { class: "scroll" }, el("table", { class: "plain" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Order"), el("th", { scope: "col" }, "Put in"), shares.map((s) => el("th", { scope: "col", class: "number" }, Math.round(100 * s) + "%")))),
      el("tbody", {}, ways.map(([order, programs]) => el("tr", {}, el("th", { scope: "row" }, order), el("td", {}, programs),
        shares.map((s) => { const step = at(order, programs, s); return el("td", { class: "number", title: step && step.interval ? percentRange(step.interval) : null }, step ? percent(step.increase_percent) : "–"); })))))));
}
