// The names of the areas stay in place while the board is scrolled: a cell that takes the focus must not lie under them.
// Browsers leave a cell where it is when some of it can be seen, and do not ask what lies above it.
document.querySelector(".board-wrap")?.addEventListener("focusin", (event) => {
  const cell = event.target.closest(".cell");
  const name = cell?.closest("tr").querySelector("th");
  if (!name) return;
  const hidden = name.getBoundingClientRect().right - cell.getBoundingClientRect().left;
  if (hidden > 0) event.currentTarget.scrollLeft -= hidden;
});
