// The report form, made quicker: what is typed is kept as a draft, what is missing is counted. Files: uploads.js.
// Without this file the form works too: the draft has its button.
(() => {
  "use strict";
  const form = document.getElementById("report");
  if (!form) return;
  const say = form.dataset;
  const line = document.getElementById("draft-line");
  const list = document.getElementById("missing");
  const link = document.getElementById("missing-link");
  const submit = document.getElementById("submit");
  let timer = 0;
  let saving = false;
  let again = false;
  let dirty = false;
  let sent = false;

  const fill = (text, n) => text.replace("{n}", n);
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };
  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", "#i-" + name);
    svg.append(use);
    return svg;
  };

  // ---- the draft ----
  const typed = () => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
    return fields;
  };
  const tell = (text, name) => {
    line.replaceChildren();
    if (name) line.append(icon(name));
    line.append(make("span", "", text));
  };
  const later = (wait) => {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, wait === undefined ? 900 : wait);
  };
  async function save() {
    if (sent) return;
    if (saving) { again = true; return; }
    saving = true;
    dirty = false;
    try {
      const fields = typed();
      const keepalive = fields.toString().length < 60000; // a browser finishes this much even when the page is left
      const answer = await fetch(say.draft, { method: "POST", body: fields, keepalive, headers: { Accept: "application/json" } });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.sentence || "");
      tell(body.saved, "check");
      show(body);
    } catch (error) {
      dirty = true;
      tell(error.message && !(error instanceof TypeError) && !(error instanceof SyntaxError) ? error.message : say.wordsOffline, "alert");
      clearTimeout(timer);
      timer = setTimeout(save, 10000);
    } finally {
      saving = false;
    }
    if (again) { again = false; later(0); }
  }
  function show(body) {
    const items = body.missing.map((entry) => {
      const item = make("li");
      const jump = make("a", "", entry.sentence);
      jump.href = "#" + entry.where;
      item.append(jump);
      return item;
    });
    list.hidden = link.hidden = items.length === 0;
    list.querySelector("ul").replaceChildren(...items);
    list.querySelector("h2").textContent = link.textContent = fill(say.wordsMissing, items.length);
    for (const need of form.querySelectorAll(".need")) {
      const short = body.short[need.id];
      if (short === undefined) continue;
      need.querySelector(".need-short").hidden = !short;
      need.querySelector(".need-short span").textContent = short === 1 ? need.dataset.moreOne : fill(need.dataset.more, short);
      const full = need.querySelector(".need-full");
      if (full) full.hidden = Boolean(short);
    }
  }

  // ---- figures and words ----
  const words = document.getElementById("words");
  const count = () => { document.getElementById("written").textContent = words.value.replace(/\s/gu, "").length; };
  const rate = (box) => {
    const [part, whole] = [...box.querySelectorAll("input")].map((input) => Number(input.value.replace(/[,，\s]/g, "")));
    const known = part >= 0 && whole > 0 && box.querySelector("input").value.trim() !== "";
    box.querySelector("output").textContent = known ? (part / whole * 100).toFixed(1) + "%" : "";
  };
  // The number with its point moved by so many places, exactly; null when it is no number.
  const shifted = (text, places) => {
    const plain = text.replace(/[,，\s]/g, "");
    if (!/^\d+(\.\d*)?$/.test(plain)) return null;
    const [whole, part = ""] = plain.split(".");
    const scale = part.length - places;
    const digits = (whole + part + "0".repeat(Math.max(0, -scale))).padStart(Math.max(0, scale) + 1, "0");
    const cut = digits.length - Math.max(0, scale);
    const joined = digits.slice(0, cut).replace(/^0+(?=\d)/, "") + "." + digits.slice(cut);
    return joined.replace(/\.?0*$/, (tail) => (tail.startsWith(".") ? "" : tail.replace(/0+$/, "")));
  };
  // What was filled in beforehand keeps its meaning when 元, 万元 and 亿元 are exchanged; what was typed now stays.
  const places = { yuan: 0, wan: 4, yi: 8 };
  let money = new FormData(form).get("money") || "yuan";
  const exchange = (chosen) => {
    for (const box of form.querySelectorAll(".with-unit:has(.unit-wan) input")) {
      if (!box.value || box.value !== box.defaultValue) continue;
      const turned = shifted(box.value, places[money] - places[chosen]);
      if (turned !== null) box.value = box.defaultValue = turned;
    }
    money = chosen;
  };
  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    if (event.target.name === "money") exchange(event.target.value);
    if (event.target === words) count();
    const box = event.target.closest("[data-rate]");
    if (box) rate(box);
    later();
  });

  // What uploads.js needs; `busy` is its answer to whether files are still on their way.
  form.tools = { make, icon, fill, later, tell, busy: () => false };

  // ---- sending ----
  form.addEventListener("submit", (event) => {
    if (form.tools.busy() && !(event.submitter && event.submitter.hasAttribute("formnovalidate"))) {
      event.preventDefault();
      tell(say.wordsWait, "alert");
      return;
    }
    if (sent) { event.preventDefault(); return; }
    sent = true;
    clearTimeout(timer);
    const pressed = event.submitter || submit;
    pressed.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    sent = false;
    for (const busy of form.querySelectorAll('[aria-busy="true"]')) busy.removeAttribute("aria-busy");
  });
  window.addEventListener("online", () => { if (dirty) later(0); });
  window.addEventListener("pagehide", () => { if (dirty && !sent) navigator.sendBeacon(say.draft, typed()); });
  // The answer to a form with mistakes takes the address of its page, so that going back never asks to send it again.
  if (new URL(say.page, location).pathname !== location.pathname) history.replaceState(null, "", say.page);
  const problems = document.getElementById("problems");
  if (problems) problems.focus();
})();
