// Which frameworks are shown, and in which order: kept in the address.
const root = document.documentElement;
const here = root.dataset.frameworks.split(" ");
const narrow = matchMedia("screen and (max-width: 760px)");

const chosen = () => root.dataset.chosen.split(" ");
const seen = () => (narrow.matches ? [root.dataset.tab] : chosen());
const asked = () => new URLSearchParams(location.search).get("frameworks");
const say = (text) => { document.getElementById("said").textContent = text; };

// Put the columns in order, and hide the rows in which none of them has anything.
function arrange() {
  const names = chosen();
  const order = [...names, ...here.filter((name) => !names.includes(name))];
  for (const cells of document.querySelectorAll("[data-cells]")) {
    const own = new Map([...cells.children].map((cell) => [cell.dataset.framework, cell]));
    cells.append(...order.flatMap((name) => own.get(name) ?? []));
    cells.hidden = cells.matches(".helper, .lines") && seen().every((name) => own.get(name).matches(".none"));
  }
  for (const button of document.querySelectorAll("[data-choose]")) {
    const name = button.dataset.choose;
    const number = names.indexOf(name) + 1;
    const pressed = name === "all" ? names.length === here.length : number > 0;
    button.setAttribute("aria-pressed", pressed);
    button.dataset.number = number && name !== "all" ? number : "";
  }
  root.style.setProperty("--columns", names.length);
  document.dispatchEvent(new Event("arranged"));
}

// Show these frameworks, and write them into the address.
function choose(names) {
  const absent = (asked() ?? "").split(",").filter((name) => /^\w+$/.test(name) && name !== "all" && !here.includes(name));
  root.dataset.chosen = names.join(" ");
  if (!names.includes(root.dataset.tab)) root.dataset.tab = names[0];
  const words = new URLSearchParams(location.search);
  words.set("frameworks", [...names, ...absent].join(","));
  write(words);
  arrange();
}

// Write what the reader chose into the address.
function write(words) {
  const query = words.toString().replaceAll("%2C", ",");
  try {
    history.replaceState(null, "", `${query ? `?${query}` : location.pathname}${location.hash}`);
  } catch {
    // A browser that keeps the address of a file as it is still shows what was chosen.
  }
}

// Show the framework whose line or column an address points to.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const name = target?.closest("[data-framework]")?.dataset.framework;
  if (!name) return;
  if (!chosen().includes(name)) choose([...chosen(), name]);
  root.dataset.tab = name;
  arrange();
  target.scrollIntoView({ block: "center" });
}

for (const button of document.querySelectorAll("[data-choose]")) {
  button.addEventListener("click", () => {
    const name = button.dataset.choose;
    const names = chosen();
    if (name === "all") choose(names.length === here.length ? names.slice(0, 2) : [...names, ...here.filter((each) => !names.includes(each))]);
    else if (!names.includes(name)) choose([...names, name]);
    else if (names.length > 1) choose(names.filter((each) => each !== name));
    else say("one framework stays");
  });
}
addEventListener("hashchange", reveal);
