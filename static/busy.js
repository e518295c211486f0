// Forms whose work may take longer than a second: say that it is under way, and press only once.
"use strict";

(() => {
  const forms = [...document.querySelectorAll("form[data-busy]")];
  forms.forEach((form) => form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    (event.submitter ?? form.querySelector("[type=submit]"))?.setAttribute("aria-busy", "true");
    const line = form.querySelector("[data-busy-line]");
    if (line) line.textContent = form.dataset.busy;
  }));
  window.addEventListener("pageshow", () => forms.forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    const line = form.querySelector("[data-busy-line]");
    if (line) line.textContent = "";
  }));
})();
