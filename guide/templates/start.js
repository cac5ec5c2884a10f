// What the reader knows and needs: the first two frameworks of the choice.
const start = document.querySelector("form.start");

function showStart() {
  const [known, needed = ""] = chosen();
  start.elements.known.value = known;
  start.elements.needed.value = needed;
}

if (start) {
  document.addEventListener("arranged", showStart);
  start.addEventListener("change", ({ target }) => {
    const [known, needed] = chosen();
    const other = target.name === "known" ? needed : known;
    // Who picks what is the other already wants to go the other way.
    const kept = other === target.value ? (target.name === "known" ? known : needed) : other;
    const pair = target.name === "known" ? [target.value, kept] : [kept, target.value];
    choose(pair.filter(Boolean));
  });
}
