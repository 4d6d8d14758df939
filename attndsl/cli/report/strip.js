// What one query looks at, told in words, in numbers and in the running text.
function tokenWords(token) {
  return token.replace(/[ĠĊ▁]/g, (c) => (c === "Ċ" ? "⏎" : " ")).replace(/\r?\n/g, "⏎").replace(/\t/g, " ") || "∅";
}

// The text with each key shaded by its weight for query q; keys that a causal head cannot see stay plain.
function strip(example, values, q, causal, pick) {
  const n = example.tokens.length;
  return el("p", { class: "strip" }, example.tokens.map((token, i) => {
    const weight = values[q * n + i];
    const seen = !causal || i <= q;
    const colour = weightColour(weight);
    const style = seen && weight >= 0.005 ? { "background-color": rgb(colour), color: inkOn(colour) } : null;
    const [, space, word] = tokenWords(token).match(/^( *)(.*)$/su); // the space stays unshaded, or a line may end in a sliver of it
    const about = visible(token) + ": " + weight.toFixed(3);
    return [word ? space : "", el("span", { class: (i === q ? "query " : "") + (seen ? "" : "unreached"), style, title: about, onclick: () => pick(i) }, word || space)];
  }));
}

function largest(values, q, n) {
  return Array.from(values.slice(q * n, q * n + n), (value, i) => ({ value, i })).filter((x) => x.value >= 0.005)
    .sort((a, b) => b.value - a.value).slice(0, 4);
}

function strongestKey(values, q, n) {
  const best = largest(values, q, n)[0];
  return best ? best.i : 0;
}

// Fill the readout for a cursor; `pick(q)` is called when a word of the text is clicked.
function readCell(readout, example, patterns, cursor, event, pick) {
  const { q, k } = cursor;
  const { n, causal } = patterns;
  const name = (i) => visible(example.tokens[i]);
  const at = q * n + k;
  const [predicted, real] = [patterns.predicted[at].toFixed(3), patterns.real[at].toFixed(3)];
  if (event) showTip(event.clientX, event.clientY, [name(q) + " → " + name(k), "query " + q + ", key " + k, "predicted " + predicted, "real " + real]);
  else hideTip();
  const column = (title, values) => el("div", {},
    el("p", { class: "readout-line" }, el("span", { class: "readout-label" }, title),
      largest(values, q, n).map((x) => el("span", {}, el("code", {}, name(x.i)), " " + x.value.toFixed(2)))),
    strip(example, values, q, causal, pick));
  readout.replaceChildren(
    el("p", { class: "readout-line" }, el("span", {}, "Query ", el("code", {}, name(q)), " (" + q + ") → key ", el("code", {}, name(k)), " (" + k + "): predicted ",
      el("strong", {}, predicted), ", real ", el("strong", {}, real))),
    el("div", { class: "readout-columns" }, column("Predicted", patterns.predicted), column("Real", patterns.real)));
}
