// The nearest other programs of a head beside the chosen one, each against the same real pattern.
function drawVersus(example, pair, real) {
  const row = HEADS.get(state.head);
  const box = byId("versus");
  if (!row.alternatives.length) return box.replaceChildren();
  const others = new Map((example ? example.others[state.head] || [] : []).map((o) => [o.program, o]));
  const chosen = { program: row.program, heldout_iou: row.heldout_iou, train_iou: row.train_iou, chosen: true };
  const entries = [chosen, ...row.alternatives];
  const ahead = row.alternatives.filter((a) => a.heldout_iou !== null && a.heldout_iou > row.heldout_iou).length;
  const cards = entries.map((entry) => versusCard(entry, row, example, entry.chosen && pair ? { predicted: pair.predicted, iou: pair.iou } : others.get(entry.program)));
  if (real) cards.unshift(realCard(example, real));
  box.replaceChildren(
    el("div", { class: "picture-head" }, el("h3", {}, "Programs compared"),
      el("span", { class: "hint" }, "The chosen program and the nearest others, by held-out IoU at " + lengthWords() + ". " +
        (ahead ? "The choice was made on train text; " + (ahead === 1 ? "one" : ahead) + " of these would have scored higher here." : "The choice made on train text is the best here, too."))),
    el("div", { class: "versus" }, cards));
  for (const card of cards) card.layout();
}

function versusCard(entry, row, example, picture) {
  const program = DATA.programs[entry.program];
  const gap = entry.heldout_iou === null || entry.chosen ? null : entry.heldout_iou - row.heldout_iou;
  const users = DATA.heads.filter((r) => r.program === entry.program).length;
  const card = el("article", { class: "card" + (entry.chosen ? " main" : "") },
    el("h4", {}, program.name),
    el("p", { class: "card-score" }, el("strong", {}, score(entry.heldout_iou)), " ",
      entry.chosen ? el("span", { class: "tag" }, "chosen") : gap === null ? "" : el("span", { class: gap > 0 ? "good" : "dim" }, signed(gap))));
  if (picture) {
    const view = new PatternView(example.tokens, decodePicture(DATA.pictures[picture.predicted]), DATA.model.causal, weightColour,
      "Pattern predicted by " + program.name + " on example " + example.text_id);
    view.bare = true;
    card.append(view.canvas, el("p", { class: "hint" }, "on this text " + score(picture.iou)));
    card.view = view;
  }
  card.append(el("p", { class: "hint" }, users ? el("button", { type: "button", class: "link", onclick: () => pickProgram(entry.program, true) }, "chosen for " + plural(users, "head")) : "chosen for no head"));
  if (!entry.chosen && program.text) card.append(el("details", { class: "more" }, el("summary", {}, "Its text"), el("pre", { class: "code", tabindex: "0" }, el("code", {}, highlighted(program.text)))));
  card.layout = () => card.view && card.view.layout(card.clientWidth - 22);
  return card;
}

function realCard(example, real) {
  const card = el("article", { class: "card real" }, el("h4", {}, "Real pattern"), el("p", { class: "card-score" }, "of the model"));
  card.view = new PatternView(example.tokens, real, DATA.model.causal, weightColour, "Real pattern of " + state.head + " on example " + example.text_id);
  card.view.bare = true;
  card.append(card.view.canvas);
  card.layout = () => card.view.layout(card.clientWidth - 22);
  return card;
}
