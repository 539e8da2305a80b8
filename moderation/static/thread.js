// Helps on the thread's own page, framed or not: keeps what is being written and, where that is ticked, who writes; tells
// the page around a frame how tall it is. The page works without it.
"use strict";

(() => {
  const KEPT = "leave-a-reply:author";
  const SENT = "leave-a-reply:sent";
  const FIELDS = ["author", "email", "url"];
  const script = document.currentScript;

  // A frame on somebody else's page may have no storage at all: then nothing is kept, and nothing offered.
  const storage = (name) => {
    try {
      return window[name];
    } catch {
      return null;
    }
  };

  const read = (store, name) => {
    try {
      return JSON.parse(store.getItem(name));
    } catch {
      return null;
    }
  };

  const write = (store, name, value) => {
    try {
      if (value) store.setItem(name, JSON.stringify(value));
      else store.removeItem(name);
    } catch {
      // Full or forbidden: the reply matters more.
    }
  };

  const offer = (form, store) => {
    const label = form.querySelector(".keep");
    const box = label.querySelector("input");
    const details = read(store, KEPT);
    for (const name of FIELDS) {
      const field = form.elements[name];
      if (!field.value && typeof details?.[name] === "string") field.value = details[name];
    }
    box.checked = Boolean(details);
    label.hidden = false;
    form.addEventListener("submit", () => {
      const given = FIELDS.map((name) => [name, form.elements[name].value]);
      write(store, KEPT, box.checked && Object.fromEntries(given));
    });
  };

  // The text is kept until it is held: until the receipt is there.
  const keepDraft = (form, store) => {
    const { comment, page, parent } = form.elements;
    const name = `leave-a-reply:draft:${form.action}:${page.value}:${parent?.value ?? ""}`;
    const draft = read(store, name);
    if (!comment.value && typeof draft === "string") {
      comment.value = draft;
      const told = form.querySelector("[data-draft]");
      told.textContent = told.dataset.draft;
    }
    comment.addEventListener("input", () => write(store, name, comment.value));
    form.addEventListener("submit", () => write(storage("sessionStorage"), SENT, name));
  };

  const forgetSentDraft = (store) => {
    const session = storage("sessionStorage");
    write(store, read(session, SENT) ?? "", null);
    write(session, SENT, null);
  };

  // Told to the page around alone, and only where it is one of the site's own.
  const tellHeight = (origins) => {
    const around = location.ancestorOrigins?.[0];
    const to = origins.filter((origin) => !around || origin === around);
    const tell = () => {
      const { height } = document.documentElement.getBoundingClientRect();
      for (const origin of to) parent.postMessage({ leaveAReplyHeight: height }, origin);
    };
    new ResizeObserver(tell).observe(document.documentElement);
  };

  const form = document.querySelector("form[data-reply]");
  const store = storage("localStorage");
  if (form && store) {
    offer(form, store);
    keepDraft(form, store);
  } else if (store && script.hasAttribute("data-receipt")) {
    forgetSentDraft(store);
  }
  // What is asked of a browser's time is worked out while somebody writes.
  for (const one of document.forms) {
    if (one.elements.proof) import("./work.js").then(({ serve }) => serve(one));
  }
  if (parent !== window) tellHeight(script.dataset.origins.split(" "));
})();
