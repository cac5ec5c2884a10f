// Every link to another page carries the choice of frameworks on.
function withChoice(address) {
  const names = asked();
  const [, page, query = "", hash = ""] = address.match(/^([^?#]*)(\?[^#]*)?(#.*)?$/);
  if (!names) return address;
  const words = new URLSearchParams(query);
  words.set("frameworks", names);
  return `${page}?${words.toString().replaceAll("%2C", ",")}${hash}`;
}

document.addEventListener("arranged", () => {
  for (const link of document.querySelectorAll("a[href*='.html']")) {
    link.setAttribute("href", withChoice(link.getAttribute("href")));
  }
});

// Code that fits needs no stop of the keyboard; code that is scrolled does.
const measured = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    if (scrolls) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const code of document.querySelectorAll(".code, .scroll, .columns")) measured.observe(code);

arrange();
reveal();
