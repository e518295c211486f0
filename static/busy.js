// What was pressed says so until the answer is there; forms with `data-busy` say more and can be pressed only once.
// Where it may take long, `data-busy-long` says after two seconds how long it has taken so far.
"use strict";

(() => {
  const free = () => document.querySelectorAll("form:not(#report) [aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  let counting;
  const count = (form) => {
    const line = form.querySelector("[data-busy-time]"), began = Date.now();
    clearInterval(counting);
    counting = setInterval(() => {
      const seconds = Math.round((Date.now() - began) / 1000);
      if (seconds >= 2) line.textContent = form.dataset.busyLong.replace("{n}", seconds);
    }, 1000);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.id === "report" || form.method !== "post") return;
    if (form.dataset.busy !== undefined) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      const line = form.querySelector("[data-busy-line]");
      if (line) line.textContent = form.dataset.busy;
      if (form.dataset.busyLong) count(form);
    } else {
      setTimeout(free, 10000); // the answer may be a file, which leaves the page as it is
    }
    (event.submitter ?? form.querySelector("[type=submit]"))?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    free();
    clearInterval(counting);
    document.querySelectorAll("form[data-busy]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[data-busy-line], [data-busy-time]").forEach((line) => { line.textContent = ""; });
    });
  });
})();
