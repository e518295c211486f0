// What was pressed says so until the answer is there; forms with `data-busy` say more and can be pressed only once.
"use strict";

(() => {
  const free = () => document.querySelectorAll("form:not(#report) [aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.id === "report" || form.method !== "post") return;
    if (form.dataset.busy !== undefined) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      const line = form.querySelector("[data-busy-line]");
      if (line) line.textContent = form.dataset.busy;
    } else {
      setTimeout(free, 10000); // the answer may be a file, which leaves the page as it is
    }
    (event.submitter ?? form.querySelector("[type=submit]"))?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    free();
    document.querySelectorAll("form[data-busy]").forEach((form) => {
      delete form.dataset.sent;
      const line = form.querySelector("[data-busy-line]");
      if (line) line.textContent = "";
    });
  });
})();
