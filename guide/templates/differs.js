// Of two columns, the lines that are not alike.
function alike(left, right) {
  const longest = left.map(() => new Uint16Array(right.length + 1));
  longest.push(new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      longest[i][j] = left[i] === right[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const found = [new Set(), new Set()];
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    if (left[i] === right[j]) {
      found[0].add(i++);
      found[1].add(j++);
    } else if (longest[i + 1][j] >= longest[i][j + 1]) i++;
    else j++;
  }
  return found;
}

function markDifferences() {
  const names = narrow.matches ? [] : chosen();
  for (const row of document.querySelectorAll(".net .row")) {
    const own = names.map((name) => [...row.querySelectorAll(`[data-framework="${name}"] .line:not(.blank)`)]);
    const texts = own.map((lines) => lines.map((line) => line.textContent.trim()));
    const same = names.length === 2 ? alike(...texts) : [];
    own.forEach((lines, column) => lines.forEach((line, number) => {
      line.classList.toggle("differs", Boolean(same[column] && texts[column][number] && !same[column].has(number)));
    }));
  }
}
document.addEventListener("arranged", markDifferences);
