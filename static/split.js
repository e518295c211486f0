// The page on which a total is split: children and reserve against the whole, as they are typed; a list that can be
// searched. Without this file the check button says the same.
(() => {
  "use strict";
  const form = document.querySelector("[data-split]");
  if (!form) return;
  const PLACES = 12;
  const UNIT = 10n ** BigInt(PLACES);
  const WIDE = "０１２３４５６７８９．，";
  const NARROW = "0123456789.,";
  const GROUPED = /^(\d{1,3}([, ]\d{3})+|\d{1,4}([, ]\d{4})+)(\.\d*)?$/; // by thousands, or by 万

  // Exact, as the server adds: a whole number of the smallest parts.
  const read = (text) => {
    const plain = [...text].map((c) => (WIDE.includes(c) ? NARROW[WIDE.indexOf(c)] : c)).join("").trim().replace(/\s+/g, " ");
    if (/[, ]/.test(plain) && !GROUPED.test(plain)) return 0n;
    const found = /^(\d{1,15})(?:\.(\d{0,12}))?$/.exec(plain.replace(/[, ]/g, ""));
    return found ? BigInt(found[1]) * UNIT + BigInt((found[2] || "").padEnd(PLACES, "0")) : 0n;
  };
  const write = (number) => {
    const size = number < 0n ? -number : number;
    const rest = (size % UNIT).toString().padStart(PLACES, "0").replace(/0+$/, "");
    return (size / UNIT).toString() + (rest ? "." + rest : "");
  };

  const fields = new Map();
  for (const field of form.querySelectorAll("[data-m]")) {
    const list = fields.get(field.dataset.m) || [];
    list.push({ field, box: field.closest("tr").querySelector("input[type=checkbox]") });
    fields.set(field.dataset.m, list);
  }
  const parts = [...form.querySelectorAll("[data-part]")];

  const balance = (part) => {
    let given = read(part.dataset.elsewhere || "0"); // what units outside the area of the page hold
    for (const { field, box } of fields.get(part.dataset.part) || []) {
      if (!box || box.checked) given += read(field.value);
    }
    part.querySelector("[data-given]").value = write(given);
    const line = part.querySelector("[data-balance]");
    const whole = part.dataset.total;
    let kind = "open";
    let gap = 0n;
    if (whole) {
      gap = read(whole) - given - read(part.querySelector("[data-reserve]").value);
      kind = gap === 0n ? "even" : gap > 0n ? "under" : "over";
    }
    line.className = "split-balance is-" + kind;
    const words = form.dataset[kind].replace("{n}", (write(gap) + " " + part.dataset.unit).trim());
    const said = line.firstElementChild;
    if (said.textContent !== words) said.textContent = words;
    const copy = form.querySelector(`[data-line="${part.dataset.part}"]`);
    copy.className = "is-" + kind;
    copy.lastElementChild.textContent = words;
  };
  let waiting = 0;
  const all = () => {
    waiting = 0;
    parts.forEach(balance);
    const taken = form.querySelectorAll("tbody input[type=checkbox]:checked").length;
    form.querySelector("[data-taken]").textContent = taken.toLocaleString("en");
  };
  const soon = () => { if (!waiting) waiting = setTimeout(all, 60); };
  form.addEventListener("input", (event) => {
    const field = event.target;
    if (field.dataset.m && field.value) {
      const box = field.closest("tr").querySelector("input[type=checkbox]");
      if (box && !box.disabled) box.checked = true;
    }
    if (field.id !== "find") soon();
  });
  form.addEventListener("change", soon);

  // Enter goes to the next unit, as in a spreadsheet; nothing is sent half-way.
  form.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key !== "Enter" || !field.dataset || !field.dataset.m) return;
    event.preventDefault();
    const list = fields.get(field.dataset.m).map((each) => each.field).filter((each) => each.offsetParent);
    const next = list[list.indexOf(field) + (event.shiftKey ? -1 : 1)];
    if (next) { next.focus(); next.select(); }
  });

  const find = form.querySelector("[data-find]");
  if (find) {
    const rows = [...form.querySelectorAll("[data-row]")].map((row) => [row, row.cells[0].textContent.toLowerCase()]);
    find.hidden = false;
    find.querySelector("input").addEventListener("input", (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      for (const [row, text] of rows) row.hidden = wanted !== "" && !text.includes(wanted);
    });
    find.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
  const tick = form.querySelector("[data-all]");
  if (tick) {
    tick.hidden = false;
    tick.addEventListener("click", () => {
      const boxes = [...form.querySelectorAll("tbody tr:not([hidden]) input[type=checkbox]:not(:disabled)")];
      const to = !boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = to;
      soon();
    });
  }
  // A checked page answers a form, and the browser would not show it again on the way back: after the confirmation the
  // way back leads to the page as it then stands.
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.value === "confirm") history.replaceState(null, "", location.href);
  });
  const before = document.getElementById("before") || document.getElementById("overtaken") || document.getElementById("problems");
  if (before) before.focus();
})();
