// Of the traps that start in a function, those of the columns that are seen.
document.addEventListener("arranged", () => {
  for (const planted of document.querySelectorAll(".planted")) {
    const there = [...planted.querySelectorAll("li")].filter((each) => seen().includes(each.dataset.framework));
    planted.hidden = !there.length;
    planted.querySelector("summary").textContent = `${there.length} trap${there.length > 1 ? "s start" : " starts"} here`;
  }
});
