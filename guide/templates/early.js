// What must be known before anything is seen: the theme, and which frameworks to show.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("lockstep-theme");
    if (theme) root.dataset.theme = theme;
  } catch {
    // Where nothing may be kept, the system's own theme it is.
  }
  const here = root.dataset.frameworks.split(" ");
  const asked = (new URLSearchParams(location.search).get("frameworks") ?? "").split(",");
  let chosen = asked.includes("all") ? here : [...new Set(asked)].filter((name) => here.includes(name));
  const wide = matchMedia("(min-width: 1200px)").matches && root.dataset.usual;
  if (!chosen.length) chosen = (wide ? wide.split(" ") : ["torch", "jax"]).filter((name) => here.includes(name));
  if (!chosen.length) chosen = here.slice(0, 2);
  root.dataset.chosen = chosen.join(" ");
  root.dataset.tab = chosen[0];
  root.style.setProperty("--columns", chosen.length);
})();
