// Wrap long lines, and copy the code of one cell.
document.getElementById("wrap")?.addEventListener("click", (event) => {
  event.target.setAttribute("aria-pressed", root.classList.toggle("wrapped"));
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const code = button.closest(".quote, .cell").querySelector("code").cloneNode(true);
  for (const shown of code.querySelectorAll(".gave, .instead")) shown.remove();
  const done = await copy(`${code.textContent.trimEnd()}\n`);
  button.focus();
  button.textContent = done ? "copied" : "not copied";
  say("");
  requestAnimationFrame(() => say(done ? "copied" : "could not be copied"));
  setTimeout(() => { button.textContent = "copy"; }, 2000);
});
