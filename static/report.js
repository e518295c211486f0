// The report form, made quicker: photos go up one by one as they are chosen, what is typed is kept as a draft.
// Without this file the form works too: files go with it, and the draft has its button.
(() => {
  "use strict";
  const form = document.getElementById("report");
  if (!form) return;
  const say = form.dataset;
  const line = document.getElementById("draft-line");
  const list = document.getElementById("missing");
  const link = document.getElementById("missing-link");
  const submit = document.getElementById("submit");
  const queue = [];
  let uploading = null;
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
    const known = part >= 0 && whole > 0 && part <= whole && box.querySelector("input").value.trim() !== "";
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
  // What was filled in beforehand keeps its meaning when 元 and 万元 are exchanged; what was typed now stays.
  const exchange = (money) => {
    for (const box of form.querySelectorAll(".with-unit:has(.unit-wan) input")) {
      if (!box.value || box.value !== box.defaultValue) continue;
      const turned = shifted(box.value, money === "yuan" ? 4 : -4);
      if (turned !== null) box.value = box.defaultValue = turned;
    }
  };
  form.addEventListener("input", (event) => {
    if (event.target.type === "file") return;
    if (event.target.name === "money") exchange(event.target.value);
    if (event.target === words) count();
    const box = event.target.closest("[data-rate]");
    if (box) rate(box);
    later();
  });

  // ---- files ----
  const button = (text, name, act) => {
    const made = make("button", "btn btn-quiet", text);
    made.type = "button";
    made.setAttribute("aria-label", text + " " + name);
    made.addEventListener("click", act);
    return made;
  };
  function tile(need, file) {
    const item = make("li", "tile tile-busy");
    const pic = make("span", "tile-pic");
    if (file.type.startsWith("image/") && !/hei[cf]/.test(file.type)) {
      const image = make("img");
      image.alt = "";
      image.src = URL.createObjectURL(file);
      image.addEventListener("error", () => image.replaceWith(icon("image")));
      pic.append(image);
    } else {
      pic.append(icon("file"));
      item.classList.add("tile-doc");
    }
    const text = make("div", "tile-text");
    const name = make("span", "name", file.name);
    name.title = file.name;
    const state = make("span", "state");
    state.setAttribute("role", "status");
    const bar = make("progress");
    bar.max = 100;
    bar.setAttribute("aria-label", file.name);
    text.append(name, state, bar);
    const act = make("div", "tile-do");
    item.append(pic, text, act);
    need.querySelector(".tiles").append(item);
    return { need, file, item, pic, state, bar, act, request: null };
  }
  const drop = (job) => {
    const place = queue.indexOf(job);
    if (place >= 0) queue.splice(place, 1);
    if (job.request) job.request.abort();
    if (uploading === job) { uploading = null; next(); }
    job.item.remove();
    later(0);
  };
  function wait(job) {
    job.item.classList.remove("tile-failed");
    job.item.classList.add("tile-busy");
    job.bar.hidden = false;
    job.bar.value = 0;
    job.state.replaceChildren(document.createTextNode(fill(say.wordsUploading, 0)));
    job.act.replaceChildren(button(say.wordsCancel, job.file.name, () => drop(job)));
    queue.push(job);
    next();
  }
  function failed(job, sentence, again) {
    job.item.classList.remove("tile-busy");
    job.item.classList.add("tile-failed");
    job.bar.hidden = true;
    job.state.replaceChildren(icon("alert"), document.createTextNode(sentence));
    job.act.replaceChildren(button(say.wordsRemove, job.file.name, () => drop(job)));
    if (again) job.act.prepend(button(say.wordsRetry, job.file.name, () => wait(job)));
  }
  function done(job, body) {
    for (const other of form.querySelectorAll('[data-file="' + body.id + '"]')) if (other !== job.item) other.remove();
    job.item.classList.remove("tile-busy");
    job.item.classList.add("tile-done");
    job.item.dataset.file = body.id;
    job.bar.remove();
    const counts = !(body.photo && job.need.dataset.kind === "DOCUMENT");
    job.state.classList.toggle("state-not", !counts);
    job.state.replaceChildren(icon(counts ? "check" : "alert"), document.createTextNode(counts ? say.wordsUploaded + " · " + body.size : say.wordsNoCount));
    const view = make("a", "tile-pic");
    view.href = body.href;
    view.setAttribute("aria-label", say.wordsView + " " + body.name);
    view.append(...job.pic.childNodes);
    job.pic.replaceWith(view);
    job.act.replaceChildren(button(say.wordsRemove, body.name, () => drop(job)));
    const hidden = make("input");
    hidden.type = "hidden";
    hidden.name = "files";
    hidden.value = body.id + ":" + job.need.dataset.rule;
    job.item.append(hidden);
  }
  function next() {
    if (uploading || !queue.length) return;
    const job = uploading = queue.shift();
    const request = job.request = new XMLHttpRequest();
    const body = new FormData();
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("rule", job.need.dataset.rule);
    body.append("file", job.file);
    const end = () => { job.request = null; if (uploading === job) uploading = null; next(); };
    request.open("POST", say.upload);
    request.setRequestHeader("Accept", "application/json");
    request.timeout = 300000;
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      job.bar.value = Math.round(event.loaded / event.total * 100);
      job.state.replaceChildren(document.createTextNode(fill(say.wordsUploading, job.bar.value)));
    });
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* no answer of ours: treated as a broken line */ }
      if (request.status === 201 && answer.id) done(job, answer);
      else failed(job, answer.sentence || say.wordsFailed, !answer.sentence || request.status >= 500);
      end();
      later(0);
    });
    for (const kind of ["error", "timeout"]) request.addEventListener(kind, () => { failed(job, say.wordsFailed, true); end(); });
    request.send(body);
  }
  form.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    const need = event.target.closest(".need");
    const files = [...event.target.files];
    event.target.value = "";
    for (const file of files) wait(tile(need, file));
  });
  form.addEventListener("click", (event) => {
    const remove = event.target.closest('button[name="remove"]');
    if (!remove) return;
    event.preventDefault();
    const item = remove.closest(".tile");
    const focus = item.nextElementSibling || item.previousElementSibling;
    const need = item.closest(".need");
    item.remove();
    ((focus && focus.querySelector("a, button")) || need).focus();
    later(0);
  });

  // ---- sending ----
  form.addEventListener("submit", (event) => {
    if (uploading || queue.length) {
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
