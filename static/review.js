// Keys for reviewers, and small help that a page can do without: j k a r c z m ? Esc, no second click, claims, print.
"use strict";

(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const typing = (element) => element.closest("input:not([type=radio]), textarea, select, [contenteditable]");

  all("[data-keys], [data-print]").forEach((element) => { element.hidden = false; });
  all("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));

  // One press decides once; the server would answer a second one in the same way.
  all("[data-once]").forEach((button) => {
    const form = button.form;
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      button.setAttribute("aria-busy", "true");
    });
  });
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    all("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  }));

  const close = () => all(".decide details[open]").forEach((details) => {
    details.open = false;
    details.querySelector("summary").focus();
  });
  all("[data-close]").forEach((link) => link.addEventListener("click", (event) => { event.preventDefault(); close(); }));

  // On a phone the open form is as tall as the screen: it then stands in the page instead of sticking to its edge.
  const phone = window.matchMedia("(max-width: 47.99rem)");
  const settle = (details) => {
    const bar = details.closest(".decide");
    bar.classList.toggle("position-static", phone.matches && bar.querySelector("details[open]") !== null);
  };
  // Whoever opens it types on at once: the next key must not come before the focus. Who is in it already stays there.
  const enter = (details) => {
    const here = document.activeElement;
    if (details.open && !(details.contains(here) && here.tagName !== "SUMMARY")) { details.querySelector("input[type=radio], textarea").focus(); }
  };
  all(".decide details").forEach((details) => {
    settle(details);
    details.addEventListener("toggle", () => { settle(details); enter(details); });
  });

  // The answer to a form with mistakes takes the address of its page, so that going back never asks to send it again.
  const page = document.querySelector("[data-page]");
  if (page && new URL(page.dataset.page, location).pathname !== location.pathname) { history.replaceState(null, "", page.dataset.page); }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) { return; }
    if (event.key === "?") { all("[data-more]").forEach((line) => { line.hidden = !line.hidden; }); return; }
    const target = ["j", "k", "a", "r", "c", "z", "m"].includes(event.key) && document.querySelector(`[data-key="${event.key}"]`);
    // What cannot be seen is not pressed: with the return open, "a" must not approve. The list itself shows the next.
    if (target && !target.disabled && (target.tagName === "A" || target.getClientRects().length)) {
      event.preventDefault();
      target.click();
      if (target.tagName === "SUMMARY") { enter(target.parentElement); }
    }
  });

  // What may be taken back is offered until it goes out.
  all("[data-gone-in]").forEach((form) => setTimeout(() => { form.hidden = true; }, 1000 * Number(form.dataset.goneIn)));

  // A kept phrase goes into the words, where it can be changed.
  all("[data-into]").forEach((select) => select.addEventListener("change", () => {
    const words = document.getElementById(select.dataset.into);
    if (select.value && !words.value.includes(select.value)) { words.value = `${words.value.trim()}\n${select.value}`.trim(); }
    words.focus();
  }));

  // Whoever works on a submission has it in hand: said once at the first touch, and again while the work goes on.
  const claim = document.querySelector("form[data-claim]");
  const RENEW = 5 * 60 * 1000;
  let said = claim && "held" in claim.dataset ? Date.now() : 0;
  const works = (event) => {
    if (event.target.closest && event.target.closest(".pane-list, .app-bar, .undo, a, button")) { return; }
    if (event.type === "keydown" && !typing(event.target)) { return; }
    if (Date.now() - said < RENEW) { return; }
    said = Date.now();
    fetch(claim.action, { method: "POST", body: new FormData(claim), headers: { Accept: "application/json" } }).catch(() => { said = 0; });
  };
  if (claim) { ["pointerdown", "wheel", "keydown"].forEach((kind) => document.addEventListener(kind, works, { passive: true })); }

  const open = document.querySelector(".queue-item[aria-current]");
  const list = open && open.closest(".pane-list");
  if (list && list.clientHeight) { list.scrollTop = open.offsetTop - list.clientHeight / 3; }
})();
