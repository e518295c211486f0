// Files of the report form: each goes up on its own, in pieces, and goes on where it stopped: after a lost connection
// by itself, after the page was closed as soon as it is opened again. Without this file they go with the form.
(() => {
  "use strict";
  const form = document.getElementById("report");
  if (!form || !form.tools) return;
  const say = form.dataset;
  const { make, icon, fill, later } = form.tools;
  const SMALLEST = 32 * 1024;
  const PATIENCE = 60000; // milliseconds for one piece; a slow line gets smaller ones
  const TRIES = 8; // in a row, without a byte getting through, before a person is asked
  const LONGEST_REST = 20000;
  const KEPT_DAYS = 7;
  const SHOWN_AT_ONCE = 16 * 1024 * 1024; // a photo of 200 megapixels would fill the memory of the phone that sends it
  const queue = [];
  let current = null;
  form.tools.busy = () => Boolean(current || queue.length);

  // ---- what waits, kept by the browser until it is up ----
  const opened = new Promise((resolve) => {
    try {
      const request = indexedDB.open("campaign-uploads", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("files", { keyPath: "key", autoIncrement: true });
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => resolve(null);
    } catch { resolve(null); } // a private window: then only a reload loses what is not up yet
  });
  const kept = async (mode, act) => {
    const base = await opened;
    if (!base) return null;
    return new Promise((resolve) => {
      try {
        const request = act(base.transaction("files", mode).objectStore("files"));
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => resolve(null);
      } catch { resolve(null); }
    });
  };
  const keep = (job) => kept("readwrite", (files) => files.add({ page: say.page, who: say.who, rule: job.rule, file: job.file, at: Date.now() }));
  const forget = async (job) => {
    const key = await job.key;
    if (key !== null) await kept("readwrite", (files) => files.delete(key));
  };

  // ---- what is seen ----
  const button = (text, name, act) => {
    const made = make("button", "btn btn-quiet", text);
    made.type = "button";
    made.setAttribute("aria-label", text + " " + name);
    made.addEventListener("click", act);
    return made;
  };
  function begun(need, file, key) {
    const item = make("li", "tile tile-busy");
    const pic = make("span", "tile-pic");
    if (file.type.startsWith("image/") && !/hei[cf]/.test(file.type) && file.size < SHOWN_AT_ONCE) {
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
    const job = { need, file, item, pic, state, bar, act, rule: need.dataset.rule, gone: false, stop: null, percent: 0 };
    item.job = job;
    job.key = key === undefined ? keep(job) : Promise.resolve(key);
    return job;
  }
  const tell = (job, words, name) => {
    job.state.replaceChildren(...(name ? [icon(name)] : []), document.createTextNode(words));
  };
  const progress = (job, share) => {
    const percent = Math.min(100, Math.round(share * 100));
    if (percent !== job.percent || !job.told) tell(job, fill(say.wordsUploading, percent));
    job.told = true;
    job.bar.value = job.percent = percent;
  };
  function wait(job) {
    job.item.classList.remove("tile-failed");
    job.item.classList.add("tile-busy");
    job.bar.hidden = false;
    job.told = job.failed = false;
    progress(job, job.percent / 100);
    job.act.replaceChildren(button(say.wordsCancel, job.file.name, () => drop(job)));
    queue.push(job);
    next();
  }
  function drop(job) {
    job.gone = true;
    const place = queue.indexOf(job);
    if (place >= 0) queue.splice(place, 1);
    if (job.stop) job.stop();
    if (job.upload) post(say.uploads + "/" + job.upload + "/drop", {}).catch(() => {});
    forget(job);
    job.item.remove();
    later(0);
  }
  function failed(job, sentence, again) {
    job.item.classList.remove("tile-busy");
    job.item.classList.add("tile-failed");
    job.bar.hidden = true;
    job.failed = again;
    tell(job, sentence, "alert");
    job.act.replaceChildren(button(say.wordsRemove, job.file.name, () => drop(job)));
    if (again) job.act.prepend(button(say.wordsRetry, job.file.name, () => wait(job)));
    else forget(job);
  }
  function done(job, body) {
    forget(job);
    for (const other of form.querySelectorAll('[data-file="' + body.id + '"]')) if (other !== job.item) other.remove();
    job.item.classList.remove("tile-busy");
    job.item.classList.add("tile-done");
    job.item.dataset.file = body.id;
    job.bar.remove();
    job.state.classList.toggle("state-not", !body.counts);
    tell(job, body.counts ? (body.here ? say.wordsHere : say.wordsUploaded) + " · " + body.size : body.said, body.counts ? "check" : "alert");
    if (body.unshown) {
      job.item.classList.add("tile-doc");
      job.pic.replaceChildren(icon("image"));
      job.state.after(make("span", "d-block muted", body.unshown));
    }
    if (body.counts && body.said) job.state.after(make("span", "tile-hint", body.said));
    const view = make("a", "tile-pic");
    view.href = body.href;
    view.setAttribute("aria-label", say.wordsView + " " + body.name);
    view.append(...job.pic.childNodes);
    job.pic.replaceWith(view);
    job.act.replaceChildren(button(say.wordsRemove, body.name, () => { job.item.remove(); later(0); }));
    const hidden = make("input");
    hidden.type = "hidden";
    hidden.name = "files";
    hidden.value = body.id + ":" + job.rule + ":" + body.sha256;
    job.item.append(hidden);
    later(0);
  }

  // ---- what is sent ----
  class Broken extends Error {} // the line; everything else that is thrown is an answer
  class Said extends Error {
    constructor(status, body) { super(body.sentence || ""); this.status = status; this.body = body; }
  }
  function send(method, url, body, job, on) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
      if (body instanceof Blob) request.setRequestHeader("Content-Type", "application/octet-stream");
      request.timeout = PATIENCE;
      if (on) request.upload.addEventListener("progress", (event) => on(event.loaded));
      request.addEventListener("load", () => {
        let answer = null;
        try { answer = request.status === 204 ? {} : JSON.parse(request.responseText); } catch { /* not ours: as a broken line */ }
        if (answer && request.status < 300) resolve(answer);
        else if (answer && request.status < 500 && answer.status !== 408) reject(new Said(request.status, answer));
        else reject(Object.assign(new Broken(), { sentence: answer && answer.sentence }));
      });
      for (const kind of ["error", "timeout", "abort"]) request.addEventListener(kind, () => reject(new Broken()));
      if (job) job.stop = () => request.abort();
      request.send(body);
    });
  }
  const post = (url, fields, job) => send("POST", url, new URLSearchParams(fields), job);
  const rest = (job, milliseconds) => new Promise((resolve) => {
    const go = () => { clearTimeout(timer); window.removeEventListener("online", go); resolve(); };
    const timer = setTimeout(go, milliseconds);
    window.addEventListener("online", go);
    job.stop = go;
  });

  async function attempt(job) {
    job.sha256 = job.sha256 || await window.sha256(job.file);
    if (job.gone) return null;
    const fields = { sha256: job.sha256, size: job.file.size, name: job.file.name, rule: job.rule };
    const start = await post(say.uploads, fields, job);
    if (start.id) return start;
    job.upload = start.upload;
    let safe = start.received;
    job.piece = Math.min(job.piece || start.piece, start.most);
    while (safe < job.file.size && !job.gone) {
      progress(job, safe / job.file.size);
      const began = performance.now();
      const blob = job.file.slice(safe, safe + job.piece, "application/octet-stream");
      const base = safe;
      const url = say.uploads + "/" + job.upload + "?offset=" + base;
      try {
        safe = (await send("PUT", url, blob, job, (loaded) => progress(job, (base + loaded) / job.file.size))).received;
      } catch (error) {
        if (error instanceof Broken) job.piece = Math.max(SMALLEST, Math.floor(job.piece / 2));
        throw error;
      }
      if (safe > base) job.tries = 0;
      if (performance.now() - began < 2000) job.piece = Math.min(start.most, job.piece * 2);
    }
    return job.gone ? null : post(say.uploads + "/" + job.upload + "/finish", { rule: job.rule }, job);
  }
  async function bring(job) {
    job.tries = 0;
    let twice = false;
    while (!job.gone) {
      try {
        const body = await attempt(job);
        if (body && !job.gone) done(job, body);
        return;
      } catch (error) {
        if (job.gone) return;
        if (error instanceof Said) {
          if (error.status === 409 && "received" in error.body && !twice) { twice = true; continue; }
          if (error.status === 404 && job.upload && !twice) { twice = true; job.upload = null; continue; }
          failed(job, error.message || say.wordsFailed, false);
          return;
        }
        if (!(error instanceof Broken)) { // the file itself cannot be read any more, as when it was moved
          failed(job, say.wordsUnread, false);
          return;
        }
        job.tries += 1;
        if (job.tries >= TRIES) {
          failed(job, error.sentence || say.wordsFailed, true);
          return;
        }
        tell(job, fill(say.wordsBroken, job.percent), "alert");
        job.told = false;
        await rest(job, Math.min(LONGEST_REST, 1000 * 2 ** (job.tries - 1)));
      }
    }
  }
  async function next() {
    if (current || !queue.length) return;
    const job = current = queue.shift();
    try { await bring(job); } finally { current = null; job.stop = null; }
    next();
  }

  // ---- where files come from ----
  form.addEventListener("change", (event) => {
    if (event.target.type !== "file") return;
    const need = event.target.closest(".need");
    const files = [...event.target.files];
    event.target.value = "";
    for (const file of files) {
      const job = begun(need, file);
      if (file.size > Number(say.most)) failed(job, say.wordsLarge, false);
      else wait(job);
    }
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
  window.addEventListener("online", () => {
    for (const node of form.querySelectorAll(".tile-failed")) if (node.job && node.job.failed) wait(node.job);
  });
  (async () => {
    const old = Date.now() - KEPT_DAYS * 86400000;
    for (const found of (await kept("readonly", (files) => files.getAll())) || []) {
      if (found.at < old) kept("readwrite", (files) => files.delete(found.key));
      if (found.at < old || found.page !== say.page || found.who !== say.who) continue;
      const need = form.querySelector('.need[data-rule="' + found.rule + '"]') || form.querySelector(".need");
      if (need) wait(begun(need, found.file, found.key));
    }
  })();
})();
