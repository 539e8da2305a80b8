// Keeps name, email and website in this browser for those who ask for it. The page works without it.
"use strict";

(() => {
  const KEPT = "leave-a-reply:author";
  const FIELDS = ["author", "email", "url"];

  // A frame on somebody else's page may have no storage at all: then the offer is not made.
  const storage = () => {
    try {
      return window.localStorage;
    } catch {
      return null;
    }
  };

  const read = (store) => {
    try {
      return JSON.parse(store.getItem(KEPT));
    } catch {
      return null;
    }
  };

  const keep = (store, form) => {
    const details = FIELDS.map((name) => [name, form.elements[name].value]);
    try {
      store.setItem(KEPT, JSON.stringify(Object.fromEntries(details)));
    } catch {
      // Full or forbidden: the reply matters more.
    }
  };

  const fill = (form, details) => {
    for (const name of FIELDS) {
      const field = form.elements[name];
      if (!field.value && typeof details[name] === "string") field.value = details[name];
    }
  };

  const offer = (form, store) => {
    const label = form.querySelector(".keep");
    const box = label.querySelector("input");
    const details = read(store);
    if (details) fill(form, details);
    box.checked = Boolean(details);
    label.hidden = false;
    form.addEventListener("submit", () => {
      if (box.checked) keep(store, form);
      else store.removeItem(KEPT);
    });
  };

  const form = document.querySelector("form[data-reply]");
  const store = storage();
  if (form && store) offer(form, store);
})();
