// The custom element <leave-a-reply site="KEY">: a page's thread and its form, from the service this file came from.
// Optional attributes: page (the address the thread belongs to; else the canonical one, else this page's) and
// theme (light or dark; else the page's own). What stands inside the element is shown until the thread is there.
// Everything is built node by node: no policy of the page, Trusted Types included, has to be loosened for it.
"use strict";

(() => {
  if (customElements.get("leave-a-reply")) return;

  const SCRIPT = document.currentScript ?? document.querySelector('script[src$="/embed.js"]');
  const SERVICE = new URL(SCRIPT.src).origin;
  const AUTHOR_KEPT = "leave-a-reply:author";
  const DETAILS = ["author", "email", "url"];
  const LABELLED = ["comment", ...DETAILS];
  const TAGS = new Set("p pre blockquote ul ol li br a em strong b i code del".split(" "));
  // Held replies that one browser is shown at one page; an older one still has its receipt.
  const MOST_KEPT = 10;
  const LONGEST_UNSTYLED = 3000;
  // What has to be said before the service has answered, or where it says nothing itself.
  const WORDS = {
    not_loaded: "The replies could not be loaded.",
    retry: "Try again",
    own_page: "Open them on their own page",
  };
  // What stands on one's own reply while it is not public.
  const HEADINGS = { held: "held", returned: "returned", rejected: "decided" };

  class LeaveAReply extends HTMLElement {
    #view;

    connectedCallback() {
      // An element that is moved keeps its thread and what was typed.
      if (this.#view) return;
      this.#view = mount(this);
      load(this.#view);
    }
  }

  function mount(host) {
    const root = host.attachShadow({ mode: "open" });
    const box = el("div", { class: "lar" });
    const status = el("p", { class: "say", role: "status" });
    const sheets = ["tokens.css", "embed.css"].map((name) => stylesheet(`${SERVICE}/static/${name}`));
    const slot = el("slot", {}, el("p", { class: "loading" }));
    box.append(slot);
    root.append(...sheets.map((sheet) => sheet.link), box, status);
    const site = host.getAttribute("site") ?? "";
    const view = { host, root, box, status, page: pageOf(host), base: `${SERVICE}/sites/${encodeURIComponent(site)}` };
    view.styled = Promise.all(sheets.map((sheet) => sheet.ready));
    view.shelf = `leave-a-reply:${site}:${view.page}`;
    view.words = WORDS;
    addEventListener("hashchange", () => goToAnchor(view));
    return view;
  }

  function pageOf(host) {
    const given = host.getAttribute("page") ?? document.querySelector('link[rel="canonical"]')?.href ?? location.href;
    const address = new URL(given, location.href);
    address.hash = "";
    return address.href;
  }

  function stylesheet(href) {
    const link = el("link", { rel: "stylesheet", href });
    // A sheet that does not come must not hold back the words.
    const ready = new Promise((done) => {
      for (const event of ["load", "error"]) link.addEventListener(event, done);
      setTimeout(done, LONGEST_UNSTYLED);
    });
    return { link, ready };
  }

  async function load(view) {
    view.host.setAttribute("aria-busy", "true");
    try {
      const thread = await read(view, "default");
      await view.styled;
      show(view, thread);
    } catch (error) {
      console.error("leave-a-reply:", error);
      showNotLoaded(view);
    }
    view.host.removeAttribute("aria-busy");
  }

  async function read(view, cache) {
    const address = `${view.base}/thread.json?page=${encodeURIComponent(view.page)}`;
    const answer = await fetch(address, { cache, credentials: "omit" });
    const thread = await answer.json();
    if (!answer.ok) throw new Error(thread.title);
    return thread;
  }

  function showNotLoaded(view) {
    const again = button(view.words.retry, async () => {
      again.disabled = true;
      await load(view);
      view.box.querySelector("h2, .alert button")?.focus();
    });
    const link = el("a", { href: `${view.base}/thread?page=${encodeURIComponent(view.page)}` }, view.words.own_page);
    const text = el("p", {}, view.words.not_loaded);
    view.box.replaceChildren(el("div", { class: "box alert", role: "alert" }, text, el("p", { class: "row" }, again, link)));
  }

  function show(view, thread) {
    view.thread = thread;
    view.words = { ...WORDS, ...thread.strings };
    view.box.lang = locale(view);
    if (!getComputedStyle(view.host).getPropertyValue("--lar-accent")) {
      view.host.style.setProperty("--lar-accent", thread.settings.accent);
    }
    view.heading = el("h2", { id: "replies", tabindex: "-1" }, view.words.heading);
    view.list = el("ol", { class: "list" });
    fillList(view, thread.comments);
    const below = thread.closed ? el("p", { class: "box" }, view.words.closed) : form(view);
    view.box.replaceChildren(el("section", { class: "thread", "aria-labelledby": "replies" }, view.heading, view.list), below);
    showKept(view);
    goToAnchor(view);
  }

  // Comments come in reading order, each with its depth: a list stands open for every level.
  function fillList(view, comments) {
    const lists = [view.list];
    for (const comment of comments) {
      lists.length = Math.min(lists.length, comment.depth + 1);
      if (lists.length <= comment.depth) lists.push(listBelow(lists.at(-1).lastElementChild));
      lists.at(-1).append(el("li", { "data-id": String(comment.id) }, place(view, comment)));
    }
  }

  function listBelow(item) {
    return item.querySelector(":scope > ol") ?? item.appendChild(el("ol"));
  }

  function place(view, comment) {
    if (comment.place === "public") return publicComment(view, comment);
    const why = comment.place === "withdrawn" ? view.words.withdrawn : view.words.not_public;
    return el("article", { id: comment.anchor, class: "gone", tabindex: "-1" }, el("p", {}, why));
  }

  function publicComment(view, comment) {
    const name = comment.author || view.words.anonymous;
    const by = `by-${comment.id}`;
    const article = el(
      "article",
      { id: comment.anchor, "aria-labelledby": by, tabindex: "-1" },
      el("h3", { class: "who", id: by }, linked(comment.url, el("bdi", {}, name))),
      " ",
      el("a", { class: "when", href: hereAt(comment.anchor), title: view.words.link }, time(view, comment.at)),
      el("div", { class: "text", dir: "auto" }, ...comment.body.map(node)),
    );
    if (!view.thread.closed) {
      const reply = button(view.words.reply, () => aimAt(view, { id: comment.id, name }));
      reply.className = "re";
      reply.setAttribute("aria-label", view.words.reply_to.replace("{name}", name));
      article.append(reply);
    }
    return article;
  }

  // One node of a text as the service sends it: words, or [tag, child...], a link's second item being its attributes.
  function node(value) {
    if (typeof value === "string") return document.createTextNode(value);
    const [tag, ...rest] = value;
    const attributes = tag === "a" ? rest.shift() : {};
    const children = rest.map(node);
    if (tag === "a") return linked(attributes.href, ...children);
    return TAGS.has(tag) ? el(tag, {}, ...children) : el("span", {}, ...children);
  }

  // A link where the address is one that may be followed, else only its words.
  function linked(address, ...children) {
    if (!mayBeFollowed(address)) return el("span", {}, ...children);
    return el("a", { href: address, rel: "nofollow ugc noopener" }, ...children);
  }

  function mayBeFollowed(address) {
    try {
      return ["http:", "https:", "mailto:"].includes(new URL(address).protocol);
    } catch {
      return false;
    }
  }

  function time(view, at) {
    // In the thread's language; of its kinds, as British and American English, the reader's own.
    const own = navigator.language.split("-")[0] === locale(view) ? navigator.language : locale(view);
    const moment = new Intl.DateTimeFormat(own, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
    return el("time", { datetime: at }, moment);
  }

  function locale(view) {
    return view.thread.settings.locale.replace("_", "-");
  }

  function hereAt(anchor) {
    return `${location.href.split("#")[0]}#${anchor}`;
  }

  // The browser does not look into a shadow root for the place that an address names.
  function goToAnchor(view) {
    const place = location.hash.length > 1 && view.root.getElementById(location.hash.slice(1));
    view.root.querySelector(".here")?.classList.remove("here");
    if (!place || place.localName !== "article") return;
    place.classList.add("here");
    place.scrollIntoView();
    place.focus({ preventScroll: true });
  }

  function form(view) {
    const { words } = view;
    const { required, max } = view.thread.settings;
    view.title = el("h2", { id: "reply-title" }, words.leave);
    view.complaint = el("div");
    view.fields = {
      comment: el("textarea", { id: "comment", name: "comment", rows: "8", dir: "auto" }),
      author: el("input", { id: "author", name: "author", autocomplete: "name", dir: "auto" }),
      email: el("input", { id: "email", name: "email", type: "email", autocomplete: "email" }),
      url: el("input", { id: "url", name: "url", type: "url", autocomplete: "url" }),
    };
    for (const name of LABELLED) view.fields[name].required = required.includes(name);
    for (const name of DETAILS) view.fields[name].maxLength = max[name];
    for (const name of LABELLED) view.fields[name].addEventListener("input", () => complainAt(view, name, []));
    view.keep = el("input", { type: "checkbox" });
    view.post = el("button", { class: "post" }, words.post);
    view.wait = el("p", { class: "wait" }, words.read_first);
    view.form = el(
      "form",
      // The service says what is wrong, in the thread's own language and at the field.
      { method: "post", action: `${view.base}/replies`, novalidate: "" },
      view.complaint,
      commentField(view),
      el("div", { class: "trio" }, ...DETAILS.map((name) => field(view, name))),
      trap(),
      el("label", { class: "keep" }, view.keep, el("span", {}, words.keep)),
      el("div", { class: "row" }, view.post, view.wait),
    );
    view.form.addEventListener("focusin", () => freshMark(view), { once: true });
    view.form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(view);
    });
    recall(view);
    const star = el("span", { class: "req" }, "*");
    const note = el("p", { class: "note" }, el("span", { id: "email-note" }, words.email_note), ` ${words.required_note} `, star);
    return el("section", { class: "reply", id: "reply", "aria-labelledby": "reply-title" }, view.title, note, view.form);
  }

  function label(view, name) {
    const star = el("span", { class: "req", "aria-hidden": "true" }, " *");
    return el("label", { for: name }, view.words[name], ...(view.fields[name].required ? [star] : []));
  }

  function field(view, name) {
    const line = el("p", { class: "field" }, label(view, name), view.fields[name]);
    complainAt(view, name, []);
    return line;
  }

  function commentField(view) {
    const text = view.fields.comment;
    view.counter = el("p", { class: "count", id: "comment-left", hidden: "" });
    view.previewing = el("button", { type: "button", "aria-pressed": "false" }, view.words.preview);
    view.previewing.addEventListener("click", () => (view.shown ? write(view) : preview(view)));
    view.commentLabel = label(view, "comment");
    text.addEventListener("input", () => count(view));
    const top = el("div", { class: "row" }, view.commentLabel, view.previewing);
    return el("div", { class: "field" }, top, text, view.counter);
  }

  // People neither see nor reach it; a program that fills in everything gives itself away.
  function trap() {
    const input = el("input", { name: "topic", tabindex: "-1", autocomplete: "off" });
    return el("p", { class: "trap", "aria-hidden": "true" }, input);
  }

  function count(view) {
    const most = view.thread.settings.max.comment;
    // As the service counts: whole characters.
    const left = most - [...view.fields.comment.value].length;
    const near = left <= Math.min(200, most / 5);
    if (near && view.counter.hidden) say(view, view.words.left.replace("{number}", left));
    view.counter.hidden = !near;
    view.counter.textContent = view.words.left.replace("{number}", left.toLocaleString(locale(view)));
    describe(view, "comment");
  }

  // The form answers a comment, or, without one, the page.
  function aimAt(view, parent) {
    view.parent = parent;
    if (!parent) {
      view.title.replaceChildren(view.words.leave);
    } else {
      const [before, after] = view.words.leave_to.split("{name}");
      const cancel = button(view.words.cancel, () => aimAt(view, null));
      view.title.replaceChildren(before, el("bdi", {}, parent.name), after ?? "", " ", cancel);
    }
    write(view);
    view.title.scrollIntoView({ block: "start" });
    view.fields.comment.focus({ preventScroll: true });
  }

  async function preview(view) {
    const { status, value } = await answerTo(`${view.base}/preview`, { comment: view.fields.comment.value });
    if (status === 200) return look(view, value.body);
    complainAt(view, "comment", value?.errors?.comment ?? [value?.title ?? view.words.not_sent]);
    view.fields.comment.focus();
  }

  function look(view, body) {
    complainAt(view, "comment", []);
    const name = el("span", { id: "preview-name" }, el("b", {}, view.words.preview), " ", el("small", {}, view.words.preview_note));
    const text = el("div", { class: "shown text", dir: "auto", tabindex: "0", role: "region", "aria-labelledby": "preview-name" });
    text.append(...body.map(node));
    view.shown = { name, text };
    view.commentLabel.before(name);
    view.fields.comment.before(text);
    turn(view, true);
  }

  function write(view) {
    if (!view.shown) return;
    view.shown.name.remove();
    view.shown.text.remove();
    view.shown = null;
    turn(view, false);
  }

  function turn(view, previewing) {
    view.commentLabel.hidden = view.fields.comment.hidden = previewing;
    view.previewing.setAttribute("aria-pressed", String(previewing));
    view.previewing.textContent = previewing ? view.words.write : view.words.preview;
  }

  // What must be fresh is asked for when the form is first touched: mark, key, and how long it takes at present.
  function freshMark(view) {
    view.mark ??= fetch(`${view.base}/form?page=${encodeURIComponent(view.page)}`, { credentials: "omit" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
      .catch(() => ({ token: "", key: randomKey() }))
      .then((mark) => {
        sayWait(view, mark.wait?.half);
        return { token: mark.token, key: mark.key };
      });
    return view.mark;
  }

  function randomKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function sayWait(view, minutes) {
    if (!minutes || minutes > 2880) return;
    const [number, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 1440 ? [minutes / 60, "hour"] : [minutes / 1440, "day"];
    const length = new Intl.NumberFormat(locale(view), { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(number));
    view.wait.textContent = `${view.words.read_first} ${view.words.usually.replace("{time}", length)}`;
  }

  async function send(view) {
    if (view.sending) return;
    busy(view, true);
    const sent = reply(view, await freshMark(view));
    const { status, value } = await answerTo(`${view.base}/replies`, sent);
    busy(view, false);
    if (status === 201) accepted(view, sent, value);
    else if (status) refused(view, status, value);
    else notSent(view);
  }

  // The service's answer, status 0 where there is none. A form sent so needs no leave asked for in advance.
  async function answerTo(address, fields) {
    try {
      const answer = await fetch(address, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(fields),
        credentials: "omit",
      });
      return { status: answer.status, value: await answer.json() };
    } catch {
      return { status: 0, value: null };
    }
  }

  function reply(view, mark) {
    const typed = Object.fromEntries(LABELLED.map((name) => [name, view.fields[name].value]));
    const parent = view.parent ? String(view.parent.id) : "";
    return { ...typed, topic: view.form.elements.topic.value, page: view.page, parent, title: document.title, ...mark };
  }

  function busy(view, sending) {
    view.sending = sending;
    view.post.setAttribute("aria-disabled", String(sending));
    view.post.textContent = sending ? view.words.sending : view.words.post;
    say(view, sending ? view.words.sending : "");
  }

  function accepted(view, sent, value) {
    remember(view);
    const kept = { receipt: value.receipt, parent: view.parent?.id ?? null, text: sent.comment, state: "held" };
    shelve(view, [...shelved(view), kept].slice(-MOST_KEPT));
    view.mark = null;
    view.form.addEventListener("focusin", () => freshMark(view), { once: true });
    view.fields.comment.value = "";
    clearComplaints(view);
    count(view);
    write(view);
    view.parent = null;
    view.title.replaceChildren(view.words.leave);
    showHeld(view, kept).focus();
  }

  function refused(view, status, problem) {
    // This key belongs to another reply already.
    if (status === 409) view.mark = null;
    clearComplaints(view);
    const errors = problem.errors ?? {};
    write(view);
    for (const name of LABELLED) complainAt(view, name, errors[name] ?? []);
    const lines = Object.entries(errors).map(([name, texts]) => el("li", {}, complaintLine(view, name, texts.join(" "))));
    complain(view, problem.title ?? view.words.not_sent, lines.length ? el("ul", {}, ...lines) : "");
  }

  function complaintLine(view, name, text) {
    if (!LABELLED.includes(name)) return text;
    const link = el("a", { href: hereAt(name) }, `${view.words[name]}: ${text}`);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      view.fields[name].focus();
    });
    return link;
  }

  // The key stays: should the reply have arrived after all, sending it again gets the answer it missed.
  function notSent(view) {
    clearComplaints(view);
    const again = button(view.words.again, () => send(view));
    again.className = "post";
    complain(view, view.words.not_sent, el("p", {}, view.words.not_sent_note), el("div", { class: "row by" }, again));
  }

  function complain(view, title, ...content) {
    const box = el("div", { class: "box alert", role: "alert", tabindex: "-1" }, el("h3", {}, title), ...content);
    view.complaint.replaceChildren(box);
    box.focus();
  }

  function clearComplaints(view) {
    view.complaint.replaceChildren();
    for (const name of LABELLED) complainAt(view, name, []);
  }

  function complainAt(view, name, texts) {
    const input = view.fields[name];
    view.root.getElementById(`${name}-wrong`)?.remove();
    if (texts.length) {
      input.setAttribute("aria-invalid", "true");
      input.after(el("span", { class: "err", id: `${name}-wrong` }, texts.join(" ")));
    } else {
      input.removeAttribute("aria-invalid");
    }
    describe(view, name);
  }

  // Name what a field is described by: only what is there.
  function describe(view, name) {
    const input = view.fields[name];
    const by = [
      name === "email" && "email-note",
      name === "comment" && !view.counter.hidden && "comment-left",
      input.hasAttribute("aria-invalid") && `${name}-wrong`,
    ].filter(Boolean);
    if (by.length) input.setAttribute("aria-describedby", by.join(" "));
    else input.removeAttribute("aria-describedby");
  }

  // Held replies are shown to their author, in this browser, until somebody has decided.
  async function showKept(view) {
    const shelf = await Promise.all(shelved(view).map(askReceipt));
    const isMissing = (kept) => kept.state === "published" && !isInThread(view, kept);
    // The browser's copy of the thread may be older than the decision: nothing may seem to vanish in between.
    if (shelf.some(isMissing)) await refresh(view);
    const left = shelf.filter((kept) => kept.state in HEADINGS || isMissing(kept));
    const decided = new Set(shelf.filter((kept) => !left.includes(kept)).map((kept) => kept.receipt));
    // Read anew: a reply may have been sent meanwhile.
    shelve(view, shelved(view).filter((kept) => !decided.has(kept.receipt)));
    for (const kept of left) showHeld(view, kept);
  }

  // A receipt that does not answer leaves the card as it was; one that is gone takes it away.
  async function askReceipt(kept) {
    try {
      const answer = await fetch(kept.receipt, { headers: { Accept: "application/json" }, credentials: "omit" });
      if (answer.status === 404) return { ...kept, state: "gone" };
      const value = await answer.json();
      return answer.ok ? { ...kept, state: value.status, text: value.comment, since: value.since } : kept;
    } catch {
      return kept;
    }
  }

  function isInThread(view, kept) {
    return view.thread.comments.some((comment) => comment.id === commentOf(kept));
  }

  // A receipt's address ends in the comment's number, a point, and the secret.
  function commentOf(kept) {
    return Number(kept.receipt.split("/").at(-1).split(".")[0]);
  }

  async function refresh(view) {
    try {
      view.thread = await read(view, "reload");
    } catch {
      return;
    }
    view.words = { ...WORDS, ...view.thread.strings };
    view.heading.textContent = view.words.heading;
    view.list.replaceChildren();
    fillList(view, view.thread.comments);
    goToAnchor(view);
  }

  function showHeld(view, kept) {
    const id = `held-${commentOf(kept)}`;
    view.root.getElementById(id)?.closest("li").remove();
    const { words } = view;
    const text = el("div", { class: "text raw", dir: "auto" }, kept.text);
    const copy = button(words.copy, () => copyLink(view, copy, kept.receipt));
    // Where the page may not write to the clipboard, the link above has to do.
    copy.hidden = !navigator.clipboard;
    const card = el(
      "article",
      { class: "box mine", tabindex: "-1", "aria-labelledby": id },
      el("h3", { id }, words[HEADINGS[kept.state] ?? "held"]),
      el("p", { class: "note" }, words.held_note, " ", kept.since ? time(view, kept.since) : ""),
      text,
      el("p", {}, el("a", { href: kept.receipt }, words.receipt), " ", el("small", {}, words.receipt_note)),
    );
    card.append(el("div", { class: "row" }, copy, ...cardActions(view, kept, card)));
    listFor(view, kept.parent).append(el("li", {}, card));
    showRendered(view, kept.text, text);
    return card;
  }

  // A refused reply stays until its author has seen that, and puts it away.
  function cardActions(view, kept, card) {
    const { words } = view;
    const edit = el("a", { href: `${kept.receipt}/edit` }, words.edit);
    if (kept.state !== "rejected") return [edit, el("a", { href: kept.receipt }, words.withdraw)];
    const dismiss = button(words.dismiss, () => {
      shelve(view, shelved(view).filter((one) => one.receipt !== kept.receipt));
      card.closest("li").remove();
      view.heading.focus();
    });
    return [edit, dismiss];
  }

  // Below the comment it answers; where no deeper list is shown, beside it.
  function listFor(view, parent) {
    const item = parent && view.list.querySelector(`li[data-id="${Number(parent)}"]`);
    if (!item) return view.list;
    const deepest = view.thread.comments.find((comment) => comment.id === parent)?.depth >= 5;
    return deepest ? item.parentElement : listBelow(item);
  }

  async function showRendered(view, source, text) {
    const { status, value } = await answerTo(`${view.base}/preview`, { comment: source });
    if (status !== 200) return;
    text.classList.remove("raw");
    text.replaceChildren(...value.body.map(node));
  }

  async function copyLink(view, copy, receipt) {
    await navigator.clipboard.writeText(receipt);
    copy.textContent = view.words.copied;
    say(view, view.words.copied);
  }

  function shelved(view) {
    const kept = stored(view.shelf);
    const mine = (one) => typeof one?.receipt === "string" && one.receipt.startsWith(`${SERVICE}/receipts/`);
    return Array.isArray(kept) ? kept.filter(mine) : [];
  }

  function shelve(view, kept) {
    store(view.shelf, kept.length ? kept : null);
  }

  function remember(view) {
    const details = Object.fromEntries(DETAILS.map((name) => [name, view.fields[name].value]));
    store(AUTHOR_KEPT, view.keep.checked ? details : null);
  }

  function recall(view) {
    const details = stored(AUTHOR_KEPT);
    view.keep.checked = Boolean(details);
    for (const name of DETAILS) if (typeof details?.[name] === "string") view.fields[name].value = details[name];
  }

  function stored(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null;
    }
  }

  // Storage may be full or forbidden: then nothing is kept.
  function store(name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value));
    } catch {
      // Nothing depends on it.
    }
  }

  function say(view, text) {
    view.status.textContent = text;
  }

  function button(text, press) {
    const made = el("button", { type: "button" }, text);
    made.addEventListener("click", press);
    return made;
  }

  function el(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  customElements.define("leave-a-reply", LeaveAReply);
})();
