// Which traps are shown: those of one net, of one framework.
const filter = document.querySelector(".filter");

function show() {
  const { net, framework } = filter.elements;
  let all = 0;
  for (const theme of document.querySelectorAll(".theme")) {
    let own = 0;
    for (const trap of theme.querySelectorAll(".trap")) {
      const fits = (!net.value || net.value === trap.dataset.net)
        && (!framework.value || framework.value === trap.dataset.of);
      trap.hidden = !fits;
      own += fits;
    }
    theme.hidden = own === 0;
    const link = document.querySelector(`.themes a[href$="#${theme.id}"]`);
    link.nextElementSibling.textContent = own;
    all += own;
  }
  document.getElementById("shown").textContent = `${all} shown`;
}

if (filter) {
  const words = new URLSearchParams(location.search);
  for (const name of ["net", "framework"]) filter.elements[name].value = words.get(name) ?? "";
  filter.addEventListener("change", show);
  show();
}
