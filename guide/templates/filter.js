// Which traps are shown: those with all words, of one net, of one framework.
const filter = document.querySelector(".filter");

function show() {
  const { net, framework } = filter.elements;
  const words = filter.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let all = 0;
  for (const theme of document.querySelectorAll(".theme")) {
    let own = 0;
    for (const trap of theme.querySelectorAll(".trap")) {
      const cause = trap.closest(".cause");
      const text = words.length ? `${cause?.querySelector("h3").textContent} ${trap.textContent}`.toLowerCase() : "";
      trap.hidden = (net.value && net.value !== trap.dataset.net)
        || (framework.value && framework.value !== trap.dataset.of)
        || !words.every((word) => text.includes(word));
      own += !trap.hidden;
    }
    for (const cause of theme.querySelectorAll(".cause")) cause.hidden = !cause.querySelector(".trap:not([hidden])");
    theme.hidden = own === 0;
    const link = document.querySelector(`.themes a[href$="#${theme.id}"]`);
    link.nextElementSibling.textContent = own;
    all += own;
  }
  document.getElementById("shown").textContent = `${all} shown`;
}

// An address points to a trap: unfold it, and show it even where the filter would not.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.closest("[hidden]")) {
    for (const field of filter.querySelectorAll("input, select")) field.value = "";
    show();
  }
  if (target.matches(".trap")) target.open = true;
  target.scrollIntoView();
}

if (filter) {
  const words = new URLSearchParams(location.search);
  for (const name of ["words", "net", "framework"]) filter.elements[name].value = words.get(name) ?? "";
  filter.addEventListener("input", show);
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.elements.unfold.addEventListener("click", ({ target }) => {
    const open = target.getAttribute("aria-pressed") !== "true";
    target.setAttribute("aria-pressed", open);
    for (const trap of document.querySelectorAll(".trap:not([hidden])")) trap.open = open;
  });
  addEventListener("hashchange", unfold);
  show();
  unfold();
}
