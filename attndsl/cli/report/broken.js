// Counterexamples: texts on which a head's program was shown to fail.
const brokenOf = new Map();
for (const broken of DATA.counterexamples) brokenOf.set(broken.head, [...(brokenOf.get(broken.head) || []), broken]);

function isBroken(name) {
  return (brokenOf.get(name) || []).some((b) => b.iou < b.below);
}

function drawBroken() {
  const found = brokenOf.get(state.head) || [];
  byId("broken").replaceChildren(...found.map(brokenView));
  const query = state.query;
  for (const node of byId("broken").querySelectorAll(".figures")) node.begin();
  state.query = query; // the row that is read out on the example above stays
}

function brokenView(broken) {
  const breaks = broken.iou < broken.below;
  const n = broken.tokens.length;
  const sides = ["predicted", "real"].map((side) => decodePicture(DATA.pictures[broken[side]]));
  const views = sides.map((values, i) => new PatternView(broken.tokens, values, DATA.model.causal, weightColour,
    (i ? "Real" : "Predicted") + " pattern of " + broken.head + " on the counterexample, " + n + " tokens"));
  const figures = el("div", { class: "figures" }, figure("Predicted by the program", views[0]), figure("Real, of the model", views[1]));
  const readout = el("div", { class: "readout" });
  const example = { tokens: broken.tokens };
  const patterns = { predicted: sides[0], real: sides[1], n, causal: DATA.model.causal };
  const pick = (q) => move({ q, k: strongestKey(sides[1], q, n) }, null);
  const move = linkViews(views, (cursor, event) => readCell(readout, example, patterns, cursor, event, pick));
  const worst = worstRow(sides[0], sides[1], n);
  figures.begin = () => { // once it is on the page and its width is known
    for (const view of views) view.layout(Math.min(figures.querySelector("figure").clientWidth, 420));
    move({ q: worst, k: strongestKey(sides[1], worst, n) }, null);
  };
  return el("section", { class: "broken", "aria-label": "Counterexample" },
    el("div", { class: "picture-head" }, el("h3", {}, breaks ? "A text that breaks it" : "A text that broke it before"),
      el("span", { class: "hint" }, "IoU ", el("strong", { class: breaks ? "bad" : "good" }, score(broken.iou)), breaks ? ", below " : ", no longer below ", score(broken.below), ", " + plural(n, "token"))),
    el("p", { class: "quote" }, broken.tokens.map(tokenWords).join("").trim()),
    broken.blamed ? el("p", { class: "hint" }, "To blame: ", el("code", {}, broken.blamed)) : null,
    figures, readout);
}

function worstRow(predicted, real, n) {
  let [worst, most] = [n - 1, -1];
  for (let q = 0; q < n; q++) {
    let apart = 0;
    for (let k = 0; k < n; k++) apart += Math.abs(predicted[q * n + k] - real[q * n + k]);
    if (apart > most + 1e-6) [worst, most] = [q, apart];
  }
  return worst;
}
