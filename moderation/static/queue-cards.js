// Cards: which one is at hand, what a press does to it at once, and how it comes back when the press failed.
const meta = document.querySelector("meta[name=queue]").dataset;
export const settings = meta;
export const words = JSON.parse(document.getElementById("queue-words").textContent);
const told = document.querySelector("[data-told]");
const NAMED = 10; // so many of those that were left are told one by one
const REOPENED = ["approved", "rejected", "spam"]; // what can be put back to waiting
const batches = []; // one's own presses on this page, newest last: {batch, done}
const leaving = new Promise((leave) => addEventListener("pagehide", leave, { once: true }));
let line = Promise.resolve();
let touched = false;

export function begin() {
  document.querySelector(".queue:not(.queue > *)")?.classList.add("live");
  for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => { touched = true; }, { capture: true, once: true });
  const tray = document.querySelector(".tray");
  new ResizeObserver(() => document.documentElement.style.setProperty("--tray", `${tray.offsetHeight}px`)).observe(tray);
  move(cards()[0], { quiet: true });
}

// What a colleague has open is not offered first; nor is anything taken from under a hand.
export function offer() {
  const free = cards().find((card) => !card.matches(".read, .done"));
  if (!touched && current()?.matches(".read, .done")) move(free, { quiet: true });
}

export function cards() {
  return [...document.querySelectorAll("main .queue > li > .card")];
}

export function cardOf(revision) {
  return document.getElementById(`r${revision}`);
}

export function current() {
  return document.querySelector("main .queue > li > .card.now");
}

// Make a card the one at hand. Quietly: without taking the focus.
export function move(card, { quiet = false } = {}) {
  if (!card) return;
  for (const other of document.querySelectorAll(".card.now")) {
    other.classList.remove("now");
    other.tabIndex = -1;
  }
  card.classList.add("now");
  card.tabIndex = 0;
  if (!quiet) {
    card.focus({ preventScroll: true });
    // On a phone one card fills the screen: it begins at the top.
    card.scrollIntoView({ block: matchMedia("(max-width: 560px)").matches ? "start" : "nearest" });
  }
  document.dispatchEvent(new CustomEvent("queue:current", { detail: card }));
}

// One press on one or many: answered at once, taken back when the service says no.
export function decide(data, action) {
  remember((press) => carryOut(press, data, action));
}

// Put back a card that was decided since the page was loaded, as it stands now.
export async function reopen(card) {
  await Promise.all(batches.map((press) => press.done));
  if (!REOPENED.includes(card.dataset.status)) return say(verdict(card), {});
  const data = new FormData();
  data.set("csrf_token", meta.token);
  data.set("action", "reopen");
  data.set("revision", card.dataset.revision);
  decide(data, "reopen");
}

// A press is one's newest from its first moment on, so that an undo right behind it takes back no other.
export function remember(work) {
  const press = { batch: "" };
  batches.push(press);
  press.done = work(press).finally(() => {
    if (!press.batch && batches.includes(press)) batches.splice(batches.indexOf(press), 1);
  });
}

async function carryOut(press, data, action) {
  const upto = Number(data.get("everything"));
  const ids = upto
    ? cards().filter((card) => !card.matches(".done") && idOf(card) <= upto).map(idOf)
    : data.getAll("revision").map((seen) => Number(seen.split(":")[0]));
  const shown = ids.map(cardOf).filter(Boolean);
  const back = shown.filter((card) => action === "reopen" && card.dataset.listed === "pending");
  for (const card of shown) dead(card, words.did[action] ?? "", { mine: true });
  if (back.length) move(back[0]);
  else goOn(shown);
  if (!upto) say(words.count[action].replace("{n}", ids.length), {});
  const { ok, value } = await ask(meta.decide, data);
  const skipped = value.skipped ?? [];
  for (const one of skipped) follows(one);
  if (!ok) {
    const gone = new Set(skipped.map((one) => one.revision));
    const taken = shown.filter((card) => !gone.has(idOf(card)));
    // What was to be put back stands as it stood.
    for (const card of taken) back.includes(card) ? dead(card, words.status[card.dataset.status], { mine: true }) : live(card, { why: value.title });
    const only = skipped.length === 1 ? `${value.title}: ${skipped[0].said}` : value.title;
    say(only, { failed: true, named: skipped.length > 1 ? skipped : [] });
    if (taken.length) move(taken[0]);
    return;
  }
  press.batch = value.batch;
  for (const one of value.decided) {
    const card = cardOf(one.revision);
    know(one);
    if (card && one.status === card.dataset.listed) live(card, one);
    else if (card) dead(card, words.did[action] ?? "", { mine: true, ...one });
  }
  const count = words.count[action].replace("{n}", value.decided.length);
  const left = skipped.length ? ` ${words.left.replace("{n}", skipped.length)}` : "";
  say(count + left, { batch: value.batch, named: skipped });
}

// One request after the other, so that the log has them in the order of the presses; who leaves sends the rest at once.
export function ask(address, data) {
  line = Promise.race([line, leaving]).then(() => send(address, data));
  return line;
}

async function send(address, data) {
  try {
    const answer = await fetch(address, { method: "POST", body: data, headers: { Accept: "application/json" }, keepalive: true });
    return { ok: answer.ok, status: answer.status, value: await answer.json() };
  } catch {
    return { ok: false, status: 0, value: { title: words.offline } };
  }
}

// The same press again, once it has happened: exactly what it replaced.
export async function undo(batch) {
  if (!meta.decides) return;
  const place = batch ? batches.findIndex((one) => one.batch === batch) : batches.length - 1;
  const [press] = place < 0 ? [] : batches.splice(place, 1);
  await press?.done;
  // It failed, and has said so.
  if (press && !press.batch) return;
  const data = new FormData();
  data.set("csrf_token", meta.token);
  data.set("batch", batch || press?.batch || "");
  const { ok, status, value } = await ask(meta.undo, data);
  if (!ok) {
    if (press && !status) batches.push(press);
    return say(value.title, { failed: true, batch: status ? "" : data.get("batch") });
  }
  for (const one of value.back) know(one);
  const back = value.back.map((one) => ({ ...one, card: cardOf(one.revision) })).filter((one) => one.card);
  for (const one of back) live(one.card, { status: one.status, turn: one.turn });
  if (back.length) move(back[0].card);
  const parts = [words.undone.replace("{n}", value.undone)];
  if (value.skipped.length) parts.push(words.left.replace("{n}", value.skipped.length));
  if (value.gone_out) parts.push(words.gone_out.replace("{n}", value.gone_out));
  say(parts.join(" "), {});
}

// Say what happened, in the one line that screen readers listen to, with the way back.
export function say(text, { batch = "", failed = false, named = [] }) {
  const toast = document.createElement("div");
  toast.className = failed ? "toast failed" : "toast";
  const line = document.createElement("p");
  line.textContent = text;
  toast.append(line);
  if (named.length) toast.append(listOf(named));
  if (batch) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = meta.undo;
    form.dataset.undo = "";
    for (const [name, value] of [["csrf_token", meta.token], ["batch", batch]]) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    const button = Object.assign(document.createElement("button"), { className: "btn", textContent: words.undo });
    button.dataset.key = "Z";
    form.append(button);
    toast.append(form);
  }
  told.replaceChildren(toast);
}

// Those that were left as they are, each with who moved it, what to and when.
function listOf(skipped) {
  const list = document.createElement("ul");
  for (const one of skipped.slice(0, NAMED)) {
    const link = Object.assign(document.createElement("a"), { href: new URL(one.newest, new URL(meta.decide, location.href)) });
    link.append(Object.assign(document.createElement("bdi"), { textContent: one.author }), `: ${one.said}`);
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  if (skipped.length > NAMED) list.append(Object.assign(document.createElement("li"), { textContent: "…" }));
  return list;
}

export function allDone() {
  return cards().every((card) => card.classList.contains("done"));
}

function idOf(card) {
  return Number(card.id.slice(1));
}

export function verdict(card) {
  return card.querySelector(".verdict")?.textContent ?? "";
}

// A decided card keeps its place and its height, and loses its weight.
function dead(card, text, { turn, status, mine = false } = {}) {
  const acts = card.querySelector(".acts");
  if (!card.matches(".done")) acts.style.minBlockSize = `${acts.offsetHeight}px`;
  card.classList.add("done");
  card.dataset.mine = mine ? "yes" : "";
  if (status) card.dataset.status = status;
  if (turn !== undefined) card.dataset.revision = `${idOf(card)}:${turn}`;
  for (const box of card.parentElement.querySelectorAll(":scope > .tick input")) Object.assign(box, { checked: false, disabled: true });
  for (const old of card.querySelectorAll(".failure, .verdict, .again")) old.remove();
  acts.prepend(Object.assign(document.createElement("p"), { className: "verdict", textContent: text }));
  if (card.querySelector("form.acts") && card.dataset.listed === "pending" && turn !== undefined && REOPENED.includes(status)) {
    const again = Object.assign(document.createElement("button"), { type: "button", className: "btn again", textContent: words.again });
    again.dataset.key = "U";
    again.addEventListener("click", () => reopen(card));
    acts.children[0].after(again);
  }
}

// What a colleague or the author did to a text: its card turns grey, with who, what and when, or lives again.
export function follows({ revision, said, turn, status }) {
  const card = cardOf(revision);
  if (!card) return followsInGroup({ revision, said, turn, status });
  if (status === card.dataset.listed) live(card, { status, turn });
  else dead(card, said || words.status[status], { turn, status });
}

// One of a group's others that was decided elsewhere is not pressed with the rest.
function followsInGroup({ revision, said, turn, status }) {
  const box = document.querySelector(`.group input[name=revision][value^="${revision}:"]`);
  if (!box) return;
  const waits = status === "pending";
  Object.assign(box, { checked: waits, disabled: !waits });
  const beside = box.closest("li").querySelector("div");
  beside.querySelector(".gone")?.remove();
  if (waits) know({ revision, turn });
  else beside.append(Object.assign(document.createElement("small"), { className: "gone", textContent: said }));
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

// Forms carry the turn that was seen last.
function know({ revision, turn }) {
  for (const field of document.querySelectorAll(`input[name=revision][value^="${revision}:"]`)) field.value = `${revision}:${turn}`;
}

// A card that can be decided again, or that another decision is possible on.
export function live(card, { status, turn, why } = {}) {
  if (status) card.dataset.status = status;
  if (turn !== undefined) {
    card.dataset.revision = `${idOf(card)}:${turn}`;
    know({ revision: idOf(card), turn });
  }
  if (status && status !== card.dataset.listed) return dead(card, words.status[status], { status, turn });
  card.classList.remove("done");
  card.querySelector(".acts").style.minBlockSize = "";
  card.parentElement.querySelector(":scope > .tick input")?.removeAttribute("disabled");
  for (const old of card.querySelectorAll(".failure, .verdict, .again")) old.remove();
  if (why) {
    const line = Object.assign(document.createElement("p"), { className: "failure notice no", textContent: why });
    card.querySelector(".letter").prepend(line);
  }
}

// An answer in the site's name has approved the card.
export function answered(card, decided) {
  const approved = decided.find((one) => one.revision === idOf(card));
  if (approved) {
    know(approved);
    dead(card, words.did.approve, { mine: true, ...approved });
  }
  goOn([card]);
}

// The next card that waits, after the last of those that were decided; before them if there is none after.
function goOn(decided) {
  const all = cards();
  const waits = (card) => !card.classList.contains("done");
  const rest = all.slice(all.indexOf(decided.at(-1)) + 1).filter(waits);
  const next = rest.find((card) => !card.matches(".read")) ?? rest[0] ?? all.findLast(waits);
  if (next && decided.includes(current())) move(next);
  else if (!next) document.dispatchEvent(new CustomEvent("queue:empty"));
}
