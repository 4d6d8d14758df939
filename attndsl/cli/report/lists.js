// Tables: all heads (sort, search, filter), what was left out, settings.
const COLUMNS = [
  { key: "name", label: "Head", value: (r) => r.layer * 10000 + r.head, text: headName },
  { key: "program", label: "Program", value: (r) => programOf(r).name.toLowerCase(), text: (r) => programOf(r).name, wide: true },
  { key: "kind", label: "Kind", value: (r) => kindOf(r), text: (r) => kindOf(r) || "–", minor: true },
  { key: "heldout_iou", label: "Held-out IoU", value: (r) => r.heldout_iou, text: (r) => score(r.heldout_iou), number: true },
  { key: "interval", label: "95% interval", value: (r) => (r.interval ? r.interval.low : null), text: (r) => range(r.interval, 2) || "–", number: true, minor: true },
  { key: "lift", label: "Lift", value: (r) => r.lift, text: (r) => signed(r.lift), number: true },
  { key: "baseline", label: "Best baseline", value: (r) => r.baselines[r.best_baseline], text: (r) => words(r.best_baseline) + " " + score(r.baselines[r.best_baseline]), number: true, minor: true },
  { key: "no_sink", label: "No sink", value: (r) => r.iou_no_sink, text: (r) => score(r.iou_no_sink), number: true, minor: true },
  { key: "train", label: "Train", value: (r) => r.train_iou, text: (r) => score(r.train_iou), number: true, minor: true },
  { key: "js", label: "JS", value: (r) => r.js, text: (r) => score(r.js), number: true, minor: true },
  { key: "damage", label: "Damage", value: (r) => (r.damage ? r.damage.nats : null), text: (r) => (r.damage ? damageWords(r.damage.nats, 1, 4) : "–"), number: true, minor: true },
].filter((c) => !(c.key === "damage" && !DATA.heads.some((r) => r.damage)) && !(c.key === "kind" && !KINDS.length));
const filters = { text: "", iou: 0, show: "all" };
// What "Show" offers; choices that no head fits are not offered.
const SHOWS = [
  ["all", "all heads", () => true],
  ["up", "lift above 0", (r) => r.lift > 0],
  ["down", "lift 0 or below", (r) => r.lift <= 0],
  ["rival", "another program scores higher", (r) => r.alternatives.some((a) => a.heldout_iou > r.heldout_iou)],
  ["harmful", "a rule that harms", (r) => rulesOf(r).some((rule) => rule.verdict === "harmful")],
  ["dead", "a rule that is dead or idle", (r) => rulesOf(r).some((rule) => rule.verdict === "dead" || rule.verdict === "idle")],
  ["broken", "a counterexample", (r) => isBroken(headName(r))],
].filter(([key, , fits]) => key === "all" || DATA.heads.some(fits));
const listRows = new Map();

function drawList() {
  const shows = el("select", { "aria-label": "Show only heads with", id: "show", onchange: (e) => { filters.show = e.target.value; fillList(); } },
    SHOWS.map(([v, t]) => el("option", { value: v }, t)));
  const least = el("output", { id: "iou-least" }, "0.00");
  byId("list").replaceChildren(
    el("div", { class: "panel-head" }, el("h2", { id: "h-list" }, "List of heads"), el("span", { class: "hint" }, el("span", { id: "list-count", "aria-live": "polite" }), "; IoU at " + lengthWords())),
    el("div", { class: "filters" },
      el("label", {}, "Search ", el("input", { type: "search", id: "search", placeholder: "head, program, words of it ( / )", "aria-keyshortcuts": "/", oninput: (e) => { filters.text = e.target.value; fillList(); } })),
      el("label", {}, "IoU at least ", el("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0, oninput: (e) => { filters.iou = Number(e.target.value); least.value = filters.iou.toFixed(2); fillList(); } }), " ", least),
      el("label", {}, "Show ", shows),
      el("span", { id: "list-filter" })),
    el("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-labelledby": "h-list" },
      el("table", { class: "plain list" }, el("caption", { class: "unseen" }, "All heads, IoU at " + lengthWords()),
        el("thead", {}, el("tr", {}, COLUMNS.map(listHeading))), el("tbody", { id: "list-body" }))));
  fillList();
}

function listHeading(column) {
  const pick = () => {
    state.sort = { key: column.key, down: state.sort.key === column.key ? !state.sort.down : Boolean(column.number) };
    fillList();
  };
  return el("th", { scope: "col", "data-key": column.key, class: (column.number ? "number " : "") + (column.minor ? "minor" : "") },
    el("button", { type: "button", onclick: pick }, column.label));
}

function passes(row) {
  const text = filters.text.trim().toLowerCase();
  const program = programOf(row);
  const hit = !text || headName(row).toLowerCase() === text || (/^l\d*h?\d*$/.test(text) ? headName(row).toLowerCase().startsWith(text) :
    [program.name, program.claim, program.kinds.join(" "), program.text].some((part) => part.toLowerCase().includes(text)));
  return hit && SHOWS.find(([key]) => key === filters.show)[2](row) && row.heldout_iou >= filters.iou && picked(row);
}

function fillList() {
  const column = COLUMNS.find((c) => c.key === state.sort.key);
  const sign = state.sort.down ? -1 : 1;
  const rows = DATA.heads.filter(passes).sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    if (x === y) return a.layer - b.layer || a.head - b.head;
    if (x === null || x === undefined) return 1; // heads without the figure go last, whichever way the list is sorted
    if (y === null || y === undefined) return -1;
    return (x < y ? -1 : 1) * sign;
  });
  listRows.clear();
  byId("list-body").replaceChildren(...rows.map(listRow));
  if (!rows.length) byId("list-body").append(el("tr", {}, el("td", { colspan: COLUMNS.length, class: "empty" }, "No head fits these filters.")));
  byId("list-count").textContent = rows.length === DATA.heads.length ? "all " + plural(rows.length, "head") : whole(rows.length) + " of " + plural(DATA.heads.length, "head");
  for (const th of byId("list").querySelectorAll("th[data-key]")) {
    const on = th.dataset.key === state.sort.key;
    if (on) th.setAttribute("aria-sort", state.sort.down ? "descending" : "ascending");
    else th.removeAttribute("aria-sort");
  }
  const chip = (words, clear, label) => el("span", { class: "chip" }, words, el("button", { type: "button", "aria-label": label, onclick: clear }, "×"));
  byId("list-filter").replaceChildren(state.program === null ? "" : chip(DATA.programs[state.program].name, () => pickProgram(null), "Show all programs"), " ",
    state.kind === null ? "" : chip(state.kind, () => pickKind(null), "Show all kinds"));
  markListRow();
}

function listRow(row) {
  const name = headName(row);
  const line = el("tr", { "data-head": name, onclick: () => selectHead(name, { reveal: true }) }, COLUMNS.map((c) => {
    if (c.key === "name") return el("th", { scope: "row" }, el("a", { href: "#" + name }, name));
    const colour = c.key === "lift" ? " " + tone(row.lift) : "";
    return el("td", { class: (c.number ? "number" : c.wide ? "program-cell" : "") + (c.minor ? " minor" : "") + colour }, c.text(row));
  }));
  line.addEventListener("click", (event) => event.preventDefault());
  listRows.set(name, line);
  return line;
}

function markListRow() {
  for (const [name, line] of listRows) line.classList.toggle("chosen", name === state.head);
}

function drawOmitted() {
  const missing = DATA.model.layers * DATA.model.heads - DATA.heads.length;
  const items = [...DATA.left_out];
  if (missing) items.push({ what: "heads not scored", count: missing, code: "", reason: "they have no figures above and count in no mean" });
  byId("omitted").replaceChildren(
    el("h2", { id: "h-omitted" }, "What was left out"),
    items.length ? el("div", { class: "scroll" }, el("table", { class: "plain omitted" },
      el("thead", {}, el("tr", {}, ["Count", "What", "Code", "Why"].map((h, i) => el("th", { scope: "col", class: i ? null : "number" }, h)))),
      el("tbody", {}, items.map((x) => el("tr", {}, el("td", { class: "number" }, whole(x.count)), el("th", { scope: "row" }, x.what),
        el("td", {}, x.code ? el("code", {}, x.code) : ""), el("td", {}, x.reason)))))) : el("p", {}, "Nothing: every program and every head of the run is in the figures above."),
    DATA.notes.length ? el("ul", { class: "notes" }, DATA.notes.map((note) => el("li", {}, note))) : "");
}

function drawSettings() {
  const shown = (value) => (value === null ? "–" : value === true ? "yes" : value === false ? "no" : String(value));
  const list = (entries) => el("dl", { class: "facts" }, entries.map(([k, v]) => [el("dt", {}, words(k)), el("dd", {}, shown(v))]));
  const model = DATA.model;
  const facts = [["model", model.name], ["revision", model.revision], ["architecture", model.architecture],
    ["heads", model.layers + " layers × " + model.heads], ["attention", model.causal ? "causal" : "both directions"], ["made", DATA.created]];
  byId("settings").replaceChildren(
    el("h2", { id: "h-settings" }, "Settings and versions"),
    list(facts.filter(([, v]) => v !== "")),
    Object.keys(DATA.settings).length ? el("h3", {}, "Settings") : "",
    Object.keys(DATA.settings).length ? list(Object.entries(DATA.settings)) : "",
    Object.keys(DATA.versions).length ? el("h3", {}, "Versions") : "",
    Object.keys(DATA.versions).length ? list(Object.entries(DATA.versions)) : "");
}
