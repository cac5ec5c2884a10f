// On a narrow screen the columns become tabs.
const columns = document.getElementById("columns");
const tablist = document.querySelector("[role=tablist]");

function showTabs() {
  const names = chosen();
  const tabs = new Map([...tablist.children].map((tab) => [tab.dataset.tabOf, tab]));
  tablist.append(...names.map((name) => tabs.get(name)));
  for (const [name, tab] of tabs) {
    const selected = name === root.dataset.tab;
    tab.hidden = !names.includes(name);
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
  }
  if (narrow.matches) {
    columns.setAttribute("role", "tabpanel");
    columns.setAttribute("aria-labelledby", `tab-${root.dataset.tab}`);
  } else {
    columns.removeAttribute("role");
    columns.removeAttribute("aria-labelledby");
  }
}

function selectTab(name) {
  root.dataset.tab = name;
  arrange();
}

if (tablist) {
  document.addEventListener("arranged", showTabs);
  narrow.addEventListener("change", arrange);
  tablist.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) selectTab(tab.dataset.tabOf);
  });
  tablist.addEventListener("keydown", (event) => {
    const names = chosen();
    const at = names.indexOf(root.dataset.tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    selectTab(names.at(to % names.length));
    document.getElementById(`tab-${root.dataset.tab}`).focus();
  });
}
