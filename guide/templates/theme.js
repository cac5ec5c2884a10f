// Light or dark: as the system says, until the reader says otherwise.
const toggle = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
const showTheme = () => toggle.setAttribute("aria-pressed", isDark());

toggle.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("lockstep-theme", root.dataset.theme);
  } catch {
    // It lasts as long as the page, then.
  }
  showTheme();
});
system.addEventListener("change", showTheme);
showTheme();
