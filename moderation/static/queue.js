// The queue, fast: keys, and forms that answer without loading the page. Without this file everything is a plain form.
import { allDone, answered, ask, begin, cards, current, decide, move, remember, reopen, say, undo, verdict, words } from "./queue-cards.js";
import { follow, showNew } from "./queue-follow.js";
import { closeDrawer, openDrawer } from "./queue-drawer.js";

const typing = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const opened = () => document.querySelector(".why:popover-open");
let last = null; // the tick that a range begins at
let going = 0; // until when a letter after g is a view

begin();
follow();
document.body.classList.add("keyed");
document.querySelector(".keys-open")?.removeAttribute("hidden");
document.querySelector("[data-help]")?.addEventListener("click", help);
document.querySelector("[data-tick-all]")?.removeAttribute("hidden");

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (form.matches(".acts, .bulk") && submitter?.name && form.method === "post") {
    event.preventDefault();
    press(form, submitter);
  } else if (form.matches(".why form")) {
    event.preventDefault();
    speak(form, submitter);
  } else if (form.matches("[data-undo]")) {
    event.preventDefault();
    undo(new FormData(form).get("batch"));
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    openDrawer(link);
  }
  // All of the view: those that are shown are ticked too, so that each counts as it was seen.
  if (event.target.closest("[data-tick-all]") || event.target.matches("[name=everything]:checked")) tickAll();
  const card = event.target.closest("main .queue > li > .card");
  if (card && !event.target.closest("a, button, input, label, summary, textarea, select")) move(card, { quiet: true });
  if (event.target.matches(".queue > li > .tick input")) last = event.target;
});

document.addEventListener("focusin", (event) => {
  const card = event.target.closest("main .queue > li > .card");
  if (card && card !== current()) move(card, { quiet: true });
});

// A group's buttons say how many they decide.
document.addEventListener("change", (event) => {
  const group = event.target.closest(".group");
  if (!group) return;
  const card = group.closest(".card");
  const size = 1 + group.querySelectorAll("input:checked").length;
  for (const number of card.querySelectorAll("[data-size]")) number.textContent = size;
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Escape" && event.target.id === "f-q") current()?.focus();
  if (typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const key = keyOf(event);
  // A key that is held decides once.
  if (event.repeat && !"jk".includes(key)) return;
  const act = opened() ? reasonFor(key) : keys(event)[key];
  if (!act) return;
  event.preventDefault();
  act();
});

// The letter on the key, also where the layout writes another script; shift counts with letters only.
function keyOf(event) {
  const typed = event.key.length > 1 || event.key <= "~" ? event.key : event.code.replace(/^(Key|Digit)/, "");
  const key = typed.length === 1 ? typed.toLowerCase() : typed;
  return (event.shiftKey && /^[a-z]$/.test(key) ? "shift+" : "") + key;
}

// What a key does now. A letter within a second and a half after g leads to a view.
function keys(event) {
  if (event.timeStamp < going) {
    going = 0;
    return Object.fromEntries(
      Object.entries({ w: "waiting", m: "mine", a: "approved", r: "rejected", s: "spam", l: "all" }).map(([key, view]) => [
        key,
        () => document.querySelector(`[data-view="${view}"]`)?.click(),
      ]),
    );
  }
  return {
    j: () => move(next(1)),
    k: () => move(next(-1)),
    a: () => pressButton("approve"),
    s: () => pressButton("spam"),
    u: () => (current()?.matches(".done") ? reopen(current()) : pressButton("reopen")),
    d: () => (isOver() ? null : open("why")),
    m: () => open("note"),
    r: () => open("answer"),
    c: () => pressLink("[data-drawer][data-key=C]"),
    o: () => openPage(),
    x: () => tick(),
    n: () => showNew(),
    z: () => undo(""),
    g: () => { going = event.timeStamp + 1500; },
    "/": () => document.getElementById("f-q")?.focus(),
    "?": help,
    "shift+x": () => tickTo(),
    "shift+a": () => pressMany('[value="approve"]'),
    "shift+s": () => pressMany('[value="spam"]'),
    "shift+d": () => pressMany("[popovertarget]"),
  };
}

// With the reasons open a digit decides: 0 without one.
function reasonFor(key) {
  const why = opened();
  if (!/^[0-9]$/.test(key)) return null;
  const radio = why.querySelector(`input[type=radio][value="${key === "0" ? "" : key}"]`);
  if (radio) {
    return () => {
      radio.checked = true;
      why.querySelector("[type=submit]").click();
    };
  }
  const button = why.querySelector(key === "0" ? '[name=action][value="reject"]' : `button[name=reason][value="${key}"]`);
  return button && (() => button.click());
}

function press(form, submitter) {
  const data = new FormData(form, submitter);
  const action = data.get("action") ?? "reject";
  opened()?.hidePopover();
  decide(data, action);
  if (form.matches(".bulk")) form.reset();
}

// A note, or an answer in the site's name: the words stay in their field until they have arrived.
function speak(form, submitter) {
  remember((press) => send(press, form, submitter));
}

async function send(press, form, submitter) {
  const data = new FormData(form, submitter);
  const card = form.closest(".card");
  submitter.disabled = true;
  const { ok, value } = await ask(form.action, data);
  submitter.disabled = false;
  if (!ok) return say(value.title, { failed: true });
  form.reset();
  opened()?.hidePopover();
  press.batch = value.batch ?? "";
  if (value.done === "answered") answered(card, value.decided);
  else if (card === current()) move(card);
  say(words[value.done], { batch: press.batch });
}

// On what one decided oneself there is nothing to press: it is said again what it was.
function isOver() {
  const card = current();
  const over = card?.matches(".done[data-mine=yes]");
  if (over) say(verdict(card), {});
  return over;
}

function pressButton(value) {
  if (!isOver()) current()?.querySelector(`.acts [name=action][value="${value}"]`)?.click();
}

function pressMany(button) {
  const some = document.querySelector(".queue > li > .tick :checked, .bulk [name=everything]:checked");
  if (some) document.querySelector(`.bulk > ${button}`)?.click();
}

function pressLink(selector) {
  current()?.querySelector(selector)?.click();
}

function open(kind) {
  current()?.querySelector(`[popovertarget^="${kind}-"]`)?.click();
}

function openPage() {
  const link = current()?.querySelector(".sign .page-link");
  if (link) window.open(link.href, "_blank", "noopener");
}

function next(step) {
  return cards()[cards().indexOf(current()) + step];
}

function ticks() {
  return [...document.querySelectorAll("main .queue > li > .tick input:not(:disabled)")];
}

function tick() {
  const box = current()?.parentElement.querySelector(".tick input:not(:disabled)");
  if (box) {
    box.checked = !box.checked;
    last = box;
  }
}

function tickTo() {
  const boxes = ticks();
  const here = boxes.indexOf(current()?.parentElement.querySelector(".tick input"));
  const from = Math.max(0, boxes.indexOf(last));
  if (here < 0) return;
  for (const box of boxes.slice(Math.min(here, from), Math.max(here, from) + 1)) box.checked = true;
  last = boxes[here];
}

function tickAll() {
  for (const box of ticks()) box.checked = true;
}

function help() {
  closeDrawer();
  document.getElementById("keys")?.showModal();
}

document.addEventListener("queue:empty", () => {
  const more = document.querySelector(".pages [rel=next]");
  if (allDone() && more) more.focus();
});
