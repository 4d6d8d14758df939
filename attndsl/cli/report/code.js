// The text of a program, coloured by the shape of its words, with what each rule does beside it.
const KEYWORDS = new Set(("head causal let define claim add set scale share raise cap to at least over each first last next nth self " +
  "previous where when if else and or not in of by since before after count distance normalize rows softmax mask temperature " +
  "true false any all min max program rule weight window").split(" "));
const CODE = /(#[^\n]*|\/\/[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|(?<![\w.])\.\d+)|([A-Za-z_][\w.]*)/g;

// Light colouring by the shape of the words; it never changes the text.
function highlighted(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(CODE)) {
    const kind = match[1] ? "c" : match[2] ? "s" : match[3] ? "n" : KEYWORDS.has(match[4]) ? "k" : "";
    if (!kind) continue;
    parts.push(text.slice(at, match.index), el("span", { class: "code-" + kind }, match[0]));
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

// The text cut into rules and what stands between them. Places count characters, as Python does, not UTF-16 units.
function ruleParts(program) {
  const characters = Array.from(program.text);
  const parts = [];
  let at = 0;
  program.rules.forEach(([start, end], number) => {
    parts.push({ text: characters.slice(at, start).join("") }, { text: characters.slice(start, end).join(""), number });
    at = end;
  });
  parts.push({ text: characters.slice(at).join("") });
  return parts;
}

function rulesOf(row) {
  return row.rules.map(([texts, rows, mass, lost, verdict]) => ({ texts, rows, mass, lost, verdict: verdictOf(DATA.verdicts[verdict], lost) }));
}

// A loss that is printed as zero is called no gain, not harm.
function verdictOf(verdict, lost) {
  return verdict === "harmful" && Math.abs(lost) < 0.0005 ? "no gain" : verdict;
}

function codeView(row) {
  const program = programOf(row);
  const rules = rulesOf(row);
  const code = el("code", {}, ruleParts(program).map((part) => {
    if (part.number === undefined || !rules.length) return highlighted(part.text);
    const rule = rules[part.number];
    const mark = el("span", { class: "rule-text " + rule.verdict.replace(" ", "-"), "data-rule": part.number }, highlighted(part.text));
    hoverTip(mark, () => ruleWords(rule, part.number));
    mark.addEventListener("pointerenter", () => pointAtRule(part.number));
    mark.addEventListener("pointerleave", () => pointAtRule(null));
    return mark;
  }));
  return el("pre", { class: "code", tabindex: "0", "aria-label": "Text of the program" }, code);
}

const VERDICT_WORDS = { used: "used", idle: "fires, and changes nothing", dead: "never fires", harmful: "better without it", "no gain": "fires, and the score is the same without it" };

function ruleWords(rule, number) {
  return ["Rule " + number + ": " + VERDICT_WORDS[rule.verdict], "fires on " + share(rule.texts) + " of texts, " + share(rule.rows) + " of rows",
    "moves " + share(rule.mass) + " of the weight", "IoU lost without it " + signed(rule.lost)];
}

function share(value) {
  return value > 0 && value < 0.005 ? "<1%" : Math.round(100 * value) + "%";
}

function pointAtRule(number) {
  for (const node of byId("head").querySelectorAll("[data-rule]")) node.classList.toggle("pointed", node.dataset.rule === String(number));
}

// One line per rule: where it fires, what it moves, what is lost without it.
function ruleTable(row) {
  const rules = rulesOf(row);
  if (!rules.length) return null;
  const most = Math.max(...rules.map((r) => Math.abs(r.lost)), 1e-6);
  const faults = ["dead", "idle", "no gain", "harmful"].map((v) => [v, rules.filter((r) => r.verdict === v).length]).filter(([, n]) => n);
  const said = faults.length ? faults.map(([v, n]) => n + " " + v).join(", ") : "all of them used";
  const line = (rule, number) => {
    const node = el("tr", { "data-rule": number, title: VERDICT_WORDS[rule.verdict] },
      el("th", { scope: "row" }, String(number)), el("td", { class: "number" }, share(rule.rows)), el("td", { class: "number" }, share(rule.mass)),
      el("td", { class: "bar-cell" }, bar(Math.abs(rule.lost) / most, null, rule.lost < 0 ? "minus" : "main")),
      el("td", { class: "number " + (rule.lost < 0 ? "bad" : "") }, signed(rule.lost)),
      el("td", {}, rule.verdict === "used" ? "" : el("span", { class: "tag " + rule.verdict.replace(" ", "-") }, rule.verdict)));
    node.addEventListener("pointerenter", () => pointAtRule(number));
    node.addEventListener("pointerleave", () => pointAtRule(null));
    return node;
  };
  return el("details", { class: "more", open: rules.length <= 14 },
    el("summary", {}, plural(rules.length, "rule") + ": " + said),
    el("table", { class: "plain rules" },
      el("caption", {}, "In the order of the program, on " + plural(DATA.rule_texts, "held-out text") + "; point at a line to see its rule"),
      el("thead", {}, el("tr", {}, [["Rule"], ["Rows", "number", "Share of query rows on which the rule fires"], ["Mass", "number", "Share of the pattern's weight that lies elsewhere without the rule"],
        ["", "bar-cell"], ["IoU lost", "number", "IoU with the head less the IoU without this rule"], ["", ""]].map(([h, kind, title]) =>
        (h ? el("th", { scope: "col", class: kind || null, title: title || null }, h) : el("td", { class: kind || null }))))),
      el("tbody", {}, rules.map(line))));
}
