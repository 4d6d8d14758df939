// Keys that work anywhere on the page, except where one types.
const KEY_WORDS = [["j k", "next and previous head, in the order of the list"], ["/", "search"], ["m", "map"], ["Esc", "leave the search, hide a tip"], ["arrows", "walk the map and the pictures"]];

function typing(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function pageKey(event) {
  if (event.key === "Escape") {
    hideTip();
    if (document.activeElement === byId("search")) document.activeElement.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    event.preventDefault();
    byId("search").focus();
    byId("list").scrollIntoView();
  } else if (event.key === "j") selectHead(neighbour(1), { reveal: true });
  else if (event.key === "k") selectHead(neighbour(-1), { reveal: true });
  else if (event.key === "m") toMap(event);
}

function keyHints() {
  return el("p", { class: "hint keys-hint" }, "Keys: ", KEY_WORDS.map(([key, words], i) => [i ? "; " : "", key.split(" ").map((k) => [el("kbd", {}, k), " "]), words]), ".");
}
