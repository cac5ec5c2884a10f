// Search: over the index in search-index.js, which all pages share.
const field = document.getElementById("search");
const found = document.getElementById("found");
const known = searchIndex.map(
  ([kind, title, also, words, address]) => ({
    kind, title, address, low: title.toLowerCase(), also: also.toLowerCase(), words: words.toLowerCase(),
  }),
);
const MOST = 20;
const KINDS = ["dictionary", "migration", "function", "net", "docs", "note", "difference", "trap", "variation"];
let current = -1;

// How well an entry fits all words that are looked for; 0 is not at all. A trap comes behind all rows
// of the dictionary, and what only mentions the words behind what they name.
function fit(entry, words) {
  let sum = 0;
  let named = true;
  for (const word of words) {
    const place = entry.also.split(" ").indexOf(word);
    if (entry.low === word) sum += 9;
    else if (place >= 0) sum += 8 - place / 100; // the best names come first
    else if (entry.low.startsWith(`${word},`)) sum += 7;
    else if (entry.low.startsWith(word)) sum += 5;
    else if (entry.low.includes(word)) sum += 3;
    else if (entry.also.includes(word)) sum += 2;
    else if (entry.words.includes(word)) { sum += 1; named = false; }
    else return 0;
  }
  const trap = entry.kind === "trap" || entry.kind === "variation";
  const tier = entry.kind === "dictionary" || (named && !trap) ? 300 : named ? 200 : trap ? 0 : 100;
  return tier + sum + (KINDS.length - KINDS.indexOf(entry.kind)) / 10;
}

function look() {
  const words = field.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const best = words.length
    ? known.map((entry) => [fit(entry, words), entry]).filter(([sum]) => sum).sort((a, b) => b[0] - a[0]).slice(0, MOST)
    : [];
  found.replaceChildren(...best.map(([, entry], number) => option(entry, number)));
  const open = words.length > 0;
  if (open && !best.length) {
    const none = option({ kind: "", title: "Nothing is found", address: "" }, 0);
    none.setAttribute("aria-disabled", "true");
    found.append(none);
  }
  found.hidden = !open;
  field.setAttribute("aria-expanded", open);
  mark(best.length ? 0 : -1);
}

function option({ kind, title, address }, number) {
  const line = document.createElement("div");
  line.setAttribute("role", "option");
  line.id = `found-${number}`;
  line.dataset.address = address;
  const label = document.createElement("span");
  label.className = "kind";
  label.textContent = kind;
  line.append(title, " ", label);
  return line;
}

function mark(number) {
  current = number;
  [...found.children].forEach((line, each) => line.setAttribute("aria-selected", each === number));
  const line = found.children[number];
  line?.scrollIntoView({ block: "nearest" });
  if (line) field.setAttribute("aria-activedescendant", line.id);
  else field.removeAttribute("aria-activedescendant");
}

function shut() {
  found.hidden = true;
  field.setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

function go(line) {
  if (!line?.dataset.address) return;
  shut();
  field.blur();
  location.href = withChoice(line.dataset.address);
}

field.addEventListener("input", look);
field.addEventListener("focus", () => { if (field.value) look(); });
field.addEventListener("blur", shut);
found.addEventListener("mousedown", (event) => {
  event.preventDefault();
  go(event.target.closest("[role=option]"));
});
field.addEventListener("keydown", (event) => {
  const many = found.querySelectorAll("[data-address]:not([aria-disabled])").length;
  if (event.key === "Escape") {
    if (found.hidden) field.blur();
    shut();
  } else if (event.key === "Enter") {
    if (!found.hidden) go(found.children[current]);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (found.hidden) look();
    else if (many) mark((current + (event.key === "ArrowDown" ? 1 : many - 1)) % many);
  }
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  field.focus({ preventScroll: true }); // it comes to where the reader is
  field.select();
});
