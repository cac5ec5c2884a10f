// Which rows of the dictionary are shown: those with all words, with or without the ports' lines.
const sieve = document.querySelector(".sieve");

function sift() {
  const words = sieve.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let all = 0;
  for (const group of document.querySelectorAll(".columns > section")) {
    let own = 0;
    for (const row of group.querySelectorAll("tbody tr")) {
      const foot = document.getElementById(`foot-${row.id}`);
      const text = `${row.textContent} ${row.dataset.also} ${foot?.textContent ?? ""}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (foot) foot.hidden = row.hidden;
      own += !row.hidden;
    }
    group.hidden = own === 0;
    document.querySelector(`.functions a[href$="#${group.id}"]`).parentElement.hidden = group.hidden;
    all += own;
  }
  sieve.querySelector("output").textContent = `${all} ${all === 1 ? "row" : "rows"}`;
}

// An address points to a row that is hidden: show all of them again.
function unsift() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target?.closest("[hidden]")) return;
  sieve.elements.words.value = "";
  sift();
  target.scrollIntoView();
}

if (sieve) {
  sieve.addEventListener("input", sift);
  sieve.addEventListener("submit", (event) => event.preventDefault());
  sieve.elements.ports.addEventListener("click", (event) => {
    const hidden = document.body.classList.toggle("without-ports");
    event.target.setAttribute("aria-pressed", !hidden);
  });
  addEventListener("hashchange", unsift);
  sieve.elements.words.value = new URLSearchParams(location.search).get("rows") ?? "";
  sift();
}
