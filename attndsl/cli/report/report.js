// Draw the page, follow the address bar, the theme and the width of the window.
function drawTop() {
  const { model, headline: top, intervals } = DATA;
  byId("title").textContent = model.name;
  const splits = DATA.splits.map((s) => plural(s.texts, words(s.name) + " text") + (s.tokens ? " (" + whole(s.tokens) + " tokens)" : ""));
  byId("subtitle").replaceChildren(...[
    model.layers + " layers × " + model.heads + " heads", "corpus: " + DATA.corpus, lengthWords() + " tokens", ...splits, DATA.created,
  ].filter(Boolean).map((text) => el("span", {}, text)));
  byId("lead").textContent = leadSentence(top);
  byId("tiles").replaceChildren(
    tile("Held-out IoU, mean", score(top.mean), range(intervals.mean), true),
    tile("Held-out IoU, median", score(top.median), range(intervals.median)),
    tile("First-token baseline", score(top.first_token), "mean IoU"),
    tile("Best baseline", score(top.best_baseline), "mean IoU"),
    tile("Lift", signed(top.lift), range(intervals.lift) || "over the best baseline"),
    tile("Without the sink", score(top.no_sink), "mean IoU"));
  const any = intervals.mean || intervals.median || intervals.lift;
  byId("foot").textContent = (any ? "Intervals are 95%, over " + intervals.over + ". " : "") +
    "Every score is from text that was not used to choose programs, unless it says train. This page is one file; it loads nothing.";
}

function leadSentence(top) {
  const ahead = DATA.heads.filter((r) => r.lift > 0).length;
  return "On held-out text, the programs chosen for " + plural(top.heads, "head") + " match the real attention with a mean IoU of " + score(top.mean) +
    " (" + lengthWords() + " tokens). The best simple baseline of each head reaches " + score(top.best_baseline) + "; programs beat it on " +
    plural(ahead, "head") + " (" + Math.round((100 * ahead) / top.heads) + "%).";
}

function tile(label, value, note, main) {
  return el("div", { class: main ? "tile main" : "tile" }, el("dt", {}, label, " ", el("span", {}, lengthWords())),
    el("dd", {}, el("strong", {}, value), el("small", {}, note || "")));
}

function applyTheme(theme) {
  state.theme = theme;
  if (theme === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
  byId("theme").textContent = "Theme: " + (theme === "auto" ? "automatic" : theme);
}

function recolour() {
  paintMap();
  drawKinds();
  drawPictures();
  drawBroken();
}

// Storage is refused on some local files; the choice then lasts as long as the page.
function remembered(theme) {
  try {
    if (theme === undefined) return localStorage.getItem("attndsl-theme") || "auto";
    localStorage.setItem("attndsl-theme", theme);
  } catch {
    return "auto";
  }
  return theme;
}

function setUpTheme() {
  const next = { auto: "dark", dark: "light", light: "auto" };
  const kept = remembered();
  applyTheme(kept in next ? kept : "auto");
  const button = byId("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    applyTheme(next[state.theme]);
    remembered(state.theme);
    recolour();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  let before = "auto";
  window.addEventListener("beforeprint", () => {
    before = state.theme;
    applyTheme("light");
    recolour();
  });
  window.addEventListener("afterprint", () => {
    applyTheme(before);
    recolour();
  });
}

function fromAddress() {
  const wanted = decodeURIComponent(location.hash.slice(1)).toUpperCase();
  if (!/^L\d+H\d+$/.test(wanted)) return false;
  if (selectHead(wanted, { keepHash: true })) return true;
  complain("There is no figure for head " + wanted + " in this report.");
  return false;
}

function complain(text) {
  const box = byId("problem");
  box.textContent = text;
  box.hidden = false;
}

function start() {
  byId("app").hidden = false;
  setUpTheme();
  drawTop();
  choice(byId("metric"), METRICS.filter((m) => DATA.heads.some((r) => m.value(r) !== null)).map((m) => [m.key, m.label, m.long]), state.metric, (key) => {
    state.metric = key;
    paintMap();
  });
  drawMap();
  const linked = fromAddress();
  if (!linked) selectHead(headName(DATA.heads.reduce((best, r) => (r.lift > best.lift ? r : best))), { keepHash: true });
  drawPerplexity();
  drawLengths();
  drawKinds();
  drawDamage();
  drawReuse();
  drawList();
  drawOmitted();
  drawSettings();
  if (linked) byId("head").scrollIntoView();
  window.addEventListener("hashchange", () => fromAddress() && revealHead());
  window.addEventListener("keydown", pageKey);
  byId("foot").append(keyHints());
  let width = window.innerWidth;
  let timer = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => {
      drawMap();
      drawPictures();
      drawBroken();
      drawDamage();
      drawPerplexity();
      drawLengths();
    }, 120);
  });
}

try {
  start();
} catch (error) {
  complain("This page could not be drawn in this browser: " + error.message);
  throw error;
}
