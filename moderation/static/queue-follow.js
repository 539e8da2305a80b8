// Follow what colleagues and authors do: one conditional request now and then, and nothing moves under the pointer.
import { cardOf, cards, current, follows, move, offer, say, settings, words } from "./queue-cards.js";

const OFTEN = 4000;
const SELDOM = 20000; // nobody looks
const SPEAK = 20000; // our own presence
let mark = settings.mark;
let etag = "";
let arrived = new Set();
let missed = 0;
let spoken = 0;
let said = "";
let soon = 0; // the timer of our next word
let away = null;
const numbers = new Intl.NumberFormat(document.documentElement.lang);

export async function follow() {
  away = Object.assign(document.createElement("p"), { className: "away" });
  away.setAttribute("role", "status");
  document.body.append(away);
  document.addEventListener("queue:current", () => {
    clearTimeout(soon);
    soon = setTimeout(beHere, 300);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  window.addEventListener("online", look);
  window.addEventListener("offline", () => lost(true));
  window.addEventListener("pagehide", () => settings.decides && navigator.sendBeacon(settings.presence, form("")));
  // First who else is here: what a colleague has open is not offered to us too.
  await look();
  offer();
  beHere();
  again();
}

function again() {
  setTimeout(async () => {
    await look();
    again();
  }, document.hidden ? SELDOM : OFTEN);
}

async function look() {
  if (spoken && Date.now() - spoken > SPEAK) beHere(true);
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(`${settings.changes}?since=${mark}`, { headers, cache: "no-store" });
    missed = 0;
    lost(false);
    if (answer.status === 304) return;
    if (!answer.ok || !answer.headers.get("Content-Type").includes("json")) return;
    etag = answer.headers.get("ETag");
    take(await answer.json());
  } catch {
    missed += 1;
    if (missed > 1) lost(true);
  }
}

// Without a connection the list stands as it stood, and says so.
function lost(is) {
  document.body.classList.toggle("offline", is);
  const text = is ? words.away : "";
  if (away.textContent !== text) away.textContent = text;
}

function take(value) {
  mark = value.mark;
  for (const one of value.moved) {
    arrived.delete(one.revision);
    const card = cardOf(one.revision);
    if (card?.dataset.revision === `${one.revision}:${one.turn}`) continue;
    // One's own press, whose answer is on its way.
    if (one.mine && (!card || card.matches(".done[data-mine=yes]"))) continue;
    follows(one);
  }
  for (const id of value.arrived) if (!cardOf(id)) arrived.add(id);
  for (const number of document.querySelectorAll("[data-waiting]:not(meta)")) number.textContent = numbers.format(value.waiting);
  document.title = document.title.replace(/^(\(\d+\) )?/, value.waiting ? `(${value.waiting}) ` : "");
  draw(value.waiting);
  tellNew(value.reload);
  tellHere(value.here);
}

// What came since waits behind a button.
function tellNew(reload) {
  const news = document.querySelector("[data-news]");
  if (!arrived.size && !reload) return news.replaceChildren();
  const text = reload ? words.reload : words.fresh.replace("{n}", arrived.size);
  const there = news.querySelector("button");
  if (there?.firstChild?.textContent === text) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn fresh", textContent: text });
  button.dataset.key = "N";
  button.addEventListener("click", () => (reload ? location.reload() : showNew()));
  news.replaceChildren(button);
}

// Put the new ones at the end, where they belong; with more than a page of them the list is loaded again.
export async function showNew() {
  const list = document.querySelector("main ol.queue");
  if (!arrived.size) return;
  if (!list || arrived.size > 20) return startAnew();
  const wanted = arrived;
  arrived = new Set();
  tellNew(false);
  const address = new URL(location.href);
  address.searchParams.delete("after");
  address.searchParams.set("order", "newest");
  let page;
  try {
    page = parse(await (await fetch(address, { headers: { Accept: "text/html" } })).text());
  } catch {
    arrived = new Set([...wanted, ...arrived]);
    tellNew(false);
    return say(words.offline, { failed: true });
  }
  const fresh = [...page.querySelectorAll("ol.queue > li")].filter((item) => wanted.has(Number(item.querySelector(".card").id.slice(1))));
  const adopted = fresh.reverse().map((item) => document.importNode(item, true));
  if (!adopted.length) return startAnew();
  list.append(...adopted);
  move(adopted[0].querySelector(".card"));
}

// None of them is in this list as it is filtered, or there are too many: the list is loaded from its start.
function startAnew() {
  const address = new URL(location.href);
  address.searchParams.delete("after");
  location.assign(address);
}

// Our own pages only: what is parsed here runs no script.
const policy = window.trustedTypes?.createPolicy("queue", { createHTML: (text) => text });
export function parse(text) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
}

function tellHere(here) {
  const names = [...new Set(here.map((one) => one.name))];
  const line = document.querySelector("p[data-here]:not([data-here]:is(.seen-by))");
  if (line) {
    line.hidden = !names.length;
    line.textContent = names.length ? words.here.replace("{names}", names.join(", ")) : "";
  }
  for (const card of cards()) {
    const readers = here.filter((one) => one.revision === Number(card.id.slice(1))).map((one) => one.name);
    const seen = card.querySelector(".seen-by");
    seen.textContent = readers.length ? words.reads.replace("{names}", readers.join(", ")) : "";
    seen.hidden = !readers.length;
    card.classList.toggle("read", readers.length > 0);
  }
}

function beHere(again = false) {
  // Where one only reads, nobody need keep clear of it.
  const id = current()?.querySelector("form.acts") ? current().id.slice(1) : "";
  if (!settings.decides || (id === said && !again)) return;
  said = id;
  spoken = Date.now();
  fetch(settings.presence, { method: "POST", body: form(id), keepalive: true }).catch(() => {});
}

function form(revision) {
  const data = new FormData();
  data.set("csrf_token", settings.token);
  data.set("revision", revision);
  return data;
}

// The number of what waits, on the page's icon.
function draw(number) {
  const size = 64;
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const paint = canvas.getContext("2d");
  paint.fillStyle = "#2c52a0";
  paint.beginPath();
  paint.roundRect(0, 0, size, size, 12);
  paint.fill();
  paint.fillStyle = "#fff";
  paint.font = `bold ${number > 99 ? 28 : 38}px system-ui, sans-serif`;
  paint.textAlign = "center";
  paint.textBaseline = "middle";
  paint.fillText(number > 999 ? "1k+" : String(number), size / 2, size / 2 + 3);
  const icon = document.querySelector("link[rel=icon]");
  icon.type = "image/png";
  icon.href = canvas.toDataURL("image/png");
}
