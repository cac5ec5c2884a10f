// The numbers that each line gave, at a step of the reader's choice, with a trap or without.
const record = JSON.parse(document.getElementById("numbers-record")?.textContent ?? "null");
const numbersOf = document.querySelector(".numbers-of");
const numbersButton = document.getElementById("numbers");
const MOST_VALUES = 4; // values of a line that are shown
const MOST_NAMES = 4; // of the others

function element(kind, of, text = "") {
  const made = document.createElement(kind);
  made.className = of;
  made.textContent = text;
  return made;
}

const differs = (ratio) => ratio === -1 || ratio > record.limit;
const told = (ratio) => (ratio === -1 ? "\u2260" : ratio < 10 ? ratio.toFixed(1) : ratio < 1000 ? `${Math.round(ratio)}` : ratio.toExponential(0).replace("+", ""));
const floors = (ratio) => (ratio === -1 ? "not what is due" : `${ratio} noise floors off`);

// What one value of a line gave.
function valueOf([name, shape, texts, ratios], step) {
  const ratio = ratios?.[step];
  const kind = ratios ? (differs(ratio) ? "differs" : "agrees") : "free";
  const shown = element("span", `gave ${kind}`);
  const margin = element("span", "ratio", ratios ? told(ratio) : "");
  if (ratios) margin.title = floors(ratio);
  shown.append(margin, element("span", "name", name && `${name} `), `${record.texts[shape]} ${record.texts[texts[step]]}\n`.trimStart());
  return shown;
}

// All that a line gave: what differs first, and of many the rest counted.
function valuesOf(values, step) {
  const there = values.filter(([, , texts]) => record.texts[texts[step]]);
  const worst = ([, , , ratios]) => Number(Boolean(ratios && differs(ratios[step])));
  const sorted = there.toSorted((one, other) => worst(other) - worst(one));
  const shown = sorted.slice(0, MOST_VALUES).map((value) => valueOf(value, step));
  const rest = sorted.slice(MOST_VALUES);
  if (rest.length) {
    const more = element("span", `gave ${rest.some(worst) ? "differs" : "free"}`);
    const names = rest.length > MOST_NAMES ? `${rest.length} more` : rest.map(([name]) => name).join(", ");
    more.append(element("span", "ratio"), `and ${names}\n`);
    shown.push(more);
  }
  return shown;
}

function putLines(column, trap) {
  for (const { gone, after, lines } of trap.edits) {
    for (const number of gone) document.getElementById(`${column}-${number}`).classList.add("was");
    let last = document.getElementById(`${column}-${after}`);
    lines.forEach((html, place) => {
      const line = element("span", "instead");
      line.dataset.called = `${after}+${place + 1}`;
      line.innerHTML = `<span class="unseen">wrong: </span>${html}\n`;
      last.after(line);
      last = line;
    });
  }
}

// Put below each line of a column what it gave.
function putNumbers(column, trap, step) {
  const own = record.columns[column] ?? {};
  const planted = trap?.column === column ? trap : null;
  if (planted) putLines(column, planted);
  const gone = new Set(planted?.gone);
  const lines = { ...own, ...planted?.lines };
  for (const [called, values] of Object.entries(lines)) {
    if (gone.has(called)) continue;
    const at = called.includes("+") ? document.querySelector(`[data-framework="${column}"] .instead[data-called="${called}"]`) : document.getElementById(`${column}-${called}`);
    const shown = valuesOf(values, step);
    if (planted && called === planted.first[step]) shown[0]?.classList.add("from");
    at.after(...shown);
  }
}

function sayWhere(trap, step) {
  const output = numbersOf.querySelector("output");
  output.replaceChildren();
  if (!trap) return;
  const first = trap.first[step];
  if (first) {
    const link = element("a", "", `line ${first.split("+")[0]}`);
    link.href = `#${trap.column}-${first.split("+")[0]}`;
    output.append("The numbers differ from ", link, " on. ");
  } else if (!trap.raised[step]) output.append("In this step no number differs. ");
  if (trap.raised[step]) output.append(`It raises ${trap.raised[step]}. `);
  const link = element("a", "", "What compare.py said");
  link.href = `traps.html#${numbersOf.elements.trap.value}`;
  output.append(link);
}

function showNumbers() {
  for (const shown of document.querySelectorAll(".gave, .instead")) shown.remove();
  for (const line of document.querySelectorAll(".was")) line.classList.remove("was");
  const { step, trap } = numbersOf.elements;
  const planted = record.traps[trap?.value];
  numbersOf.hidden = numbersButton.getAttribute("aria-pressed") !== "true";
  if (!numbersOf.hidden) {
    for (const column of here) putNumbers(column, planted, Number(step.value));
    sayWhere(planted, Number(step.value));
  }
  const words = new URLSearchParams(location.search);
  const asked = { numbers: numbersOf.hidden ? "" : step.value, trap: numbersOf.hidden ? "" : trap?.value };
  for (const [name, value] of Object.entries(asked)) {
    if (value) words.set(name, value);
    else words.delete(name);
  }
  write(words);
}

// Show the column of a trap, at the first step at which it shows.
function plant(name) {
  const trap = record.traps[name];
  if (!trap) return;
  if (!chosen().includes(trap.column)) choose([...chosen(), trap.column]);
  root.dataset.tab = trap.column;
  arrange();
  const first = trap.first.findIndex((line, step) => line || trap.raised[step]);
  numbersOf.elements.step.value = Math.max(first, 0);
}

if (record) {
  const words = new URLSearchParams(location.search);
  const { step, trap } = numbersOf.elements;
  numbersButton.addEventListener("click", () => {
    numbersButton.setAttribute("aria-pressed", numbersButton.getAttribute("aria-pressed") !== "true");
    showNumbers();
  });
  numbersOf.addEventListener("change", (event) => {
    if (event.target === trap) plant(trap.value);
    showNumbers();
  });
  numbersOf.addEventListener("submit", (event) => event.preventDefault());
  if (words.has("numbers") || record.traps[words.get("trap")]) {
    numbersButton.setAttribute("aria-pressed", true);
    if (trap && record.traps[words.get("trap")]) {
      trap.value = words.get("trap");
      plant(trap.value);
    }
    if (step.querySelector(`[value="${CSS.escape(words.get("numbers") ?? "")}"]`)) step.value = words.get("numbers");
    showNumbers();
  }
}
