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

// Words that need not be there: "print inside jit".
const GLUE = new Set("a an and by do for from how i in inside is my of on the to with".split(" "));

// A word as it is typed, and what is in it: of "nn.Linear(3, 2)", "@jax.jit" and "x.at[0].set" the
// names "linear", "jit" and "set", of "weight_decay" two words.
function forms(word) {
  const whole = word.replace(/^[.@]/, "");
  const name = whole.replace(/[(=].*$|\[.*?\]/g, "");
  const all = [word, whole, name, name.split(".").at(-1), name.replace(/[-_]/g, " ")];
  return [...new Set(all.filter(Boolean))];
}

// How well an entry fits a word: 0 is not at all, 1 that it only mentions it.
function worth(entry, word) {
  const place = entry.also.split(" ").indexOf(word);
  if (entry.low === word) return 9;
  if (place >= 0) return 8 - place / 100; // the best names come first
  if (entry.low.startsWith(`${word},`)) return 7;
  if (entry.low.startsWith(word)) return 5;
  if (entry.low.includes(word)) return 3;
  if (entry.also.includes(word)) return 2;
  return entry.words.includes(word) ? 1 : 0;
}

// How well an entry fits words, the higher the better, and how many of them it lacks. A trap comes
// behind all rows of the dictionary, and what only mentions the words behind what they name.
function fit(entry, words) {
  let sum = words.length > 1 && entry.low.startsWith(words.join(" ")) ? 9 : 0;
  let lacks = 0;
  let named = true;
  for (const word of words) {
    if (GLUE.has(word) && words.length > 1) continue;
    const most = Math.max(...forms(word).map((form, place) => worth(entry, form) * (1 - place / 100)));
    sum += most;
    lacks += most === 0;
    named &&= most > 1;
  }
  const trap = entry.kind === "trap" || entry.kind === "variation";
  const tier = entry.kind === "dictionary" || (named && !trap) ? 300 : named ? 200 : trap ? 0 : 100;
  return { entry, lacks, sum, order: tier + sum + (KINDS.length - KINDS.indexOf(entry.kind)) / 10 };
}

// Return the entries that lack the fewest of some words, the best first.
function best(words) {
  const fits = known.map((entry) => fit(entry, words)).filter(({ sum }) => sum);
  const least = Math.min(...fits.map(({ lacks }) => lacks));
  return fits.filter(({ lacks }) => lacks === least).sort((a, b) => b.order - a.order).slice(0, MOST).map(({ entry }) => entry);
}

function look() {
  const words = field.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const entries = words.length ? best(words) : [];
  found.replaceChildren(...entries.map(option));
  const open = words.length > 0;
  if (open && !entries.length) {
    const none = option({ kind: "", title: "Nothing is found", address: "" }, 0);
    none.setAttribute("aria-disabled", "true");
    found.append(none);
  }
  found.hidden = !open;
  field.setAttribute("aria-expanded", open);
  mark(entries.length ? 0 : -1);
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
