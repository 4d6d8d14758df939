// The library's reuse: which programs serve which heads.
// Pick out the heads of one program everywhere on the page; null shows all again.
function pickProgram(index, toTheMap = false) {
  state.program = index;
  paintMap();
  fillList();
  drawReuse();
  say(index === null ? "All programs are shown" : "Only heads of " + DATA.programs[index].name + " are shown");
  if (toTheMap) byId("heads-map").scrollIntoView();
}

let allReuse = false;

function drawReuse() {
  const groups = new Map();
  for (const row of DATA.heads) groups.set(row.program, [...(groups.get(row.program) || []), row]);
  const mean = (rows, value) => rows.reduce((sum, r) => sum + value(r), 0) / rows.length;
  const ranked = [...groups].map(([program, rows]) => ({ program, rows, iou: mean(rows, (r) => r.heldout_iou), lift: mean(rows, (r) => r.lift) }))
    .sort((a, b) => b.rows.length - a.rows.length || b.lift - a.lift);
  const most = ranked[0].rows.length;
  const shown = allReuse ? ranked : ranked.slice(0, 12);
  const twice = ranked.filter((g) => g.rows.length > 1);
  const table = reuseTable(shown, most);
  byId("reuse").replaceChildren(
    el("div", { class: "panel-head" }, el("h2", { id: "h-reuse" }, "Which programs explain how many heads")),
    el("p", { class: "hint" }, plural(ranked.length, "program") + " for " + plural(DATA.heads.length, "head") + "; " +
      (twice.length ? plural(twice.length, "program") + (twice.length === 1 ? " serves" : " serve") + " more than one. Choose one to see its heads on the map." : "none serves more than one.") +
      " Means of held-out IoU at " + lengthWords() + "."),
    twice.length ? table : el("details", { class: "more", open: allReuse || state.program !== null }, el("summary", {}, "Programs and their heads"), table),
    ranked.length > 12 ? el("button", { type: "button", class: "link", onclick: () => { allReuse = !allReuse; drawReuse(); } }, allReuse ? "Show the first twelve" : "Show all " + ranked.length) : "");
}

// Links to the first heads of a program; the rest are counted, and are on the map when the program is chosen.
function served(rows) {
  const shown = rows.slice(0, 8);
  return [shown.map((row, i) => [i ? " " : "", headLink(row)]), rows.length > shown.length ? " and " + (rows.length - shown.length) + " more" : ""];
}

function reuseTable(shown, most) {
  return el("div", { class: "scroll" }, el("table", { class: "plain reuse" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Program"), el("th", { scope: "col", class: "number" }, "Heads"), el("td", { class: "bar-cell" }),
        el("th", { scope: "col" }, "Serves"), el("th", { scope: "col", class: "number" }, "Mean IoU"), el("th", { scope: "col", class: "number" }, "Mean lift"))),
      el("tbody", {}, shown.map((g) => el("tr", { class: state.program === g.program ? "chosen" : null },
        el("th", { scope: "row" }, el("button", { type: "button", class: "link", "aria-pressed": String(state.program === g.program), onclick: () => pickProgram(state.program === g.program ? null : g.program) }, DATA.programs[g.program].name)),
        el("td", { class: "number narrow" }, whole(g.rows.length)),
        el("td", { class: "bar-cell" }, bar(g.rows.length / most, null, "main")),
        el("td", { class: "serves" }, served(g.rows)),
        el("td", { class: "number" }, score(g.iou)), el("td", { class: "number " + tone(g.lift) }, signed(g.lift)))))));
}
