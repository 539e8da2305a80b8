// What this browser keeps: one's own held replies, the text being written, and, where that is ticked, who one is.
import { button, el, node } from "../dom.js";
import { SERVICE } from "../service.js";
import { listFor } from "./list.js";
import { post, root, say, shelf, sort } from "./root.js";
import { goTo, items } from "./thread.js";
import { tail, time, words } from "./words.js";

// Held replies that one browser is shown at one page; an older one still has its receipt.
const MOST_KEPT = 10;
// What became of a reply is called as the words about it are, but for these; without words it is not shown.
const CALLED = { rejected: "decided", withdrawn: "" };

let cards;

export function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

// Storage may be full or forbidden: then nothing is kept, and nothing depends on it.
export function store(name, value) {
  try {
    if (value) localStorage.setItem(name, JSON.stringify(value));
    else localStorage.removeItem(name);
  } catch {}
}

export function shelved() {
  const kept = stored(shelf);
  return Array.isArray(kept) ? kept.filter((one) => `${one?.receipt}`.startsWith(`${SERVICE}/receipts/`)) : [];
}

export function shelve(kept) {
  store(shelf, kept.length && kept.slice(-MOST_KEPT));
}

export function stateWords({ state }) {
  return words[CALLED[state] ?? state];
}

// A receipt's address ends in the comment's number, a point, and the secret.
export function commentOf({ receipt }) {
  return parseInt(receipt.split("/").pop());
}

export function showKept() {
  cards = new Map();
  for (const kept of shelved()) if (!items.has(commentOf(kept))) showHeld(kept);
}

export function showHeld(kept) {
  const { receipt, parent, since, state } = kept;
  const id = `held-${commentOf(kept)}`;
  const text = el("div.raw text", { dir: "auto" }, kept.text);
  const href = receipt + tail;
  const copy = button("copy", words.copy, async () => {
    await navigator.clipboard.writeText(receipt);
    say((copy.textContent = words.copied));
  });
  // Where the page may not write to the clipboard, the link has to do.
  copy.hidden = !navigator.clipboard;
  const card = el(
    "article.box mine",
    { tabIndex: -1, "aria-labelledby": id },
    el("h3", { id }, stateWords(kept)),
    el("p.note", words.held_note, " · ", since && time(since)),
    text,
    el("p", el("a", { href }, words.receipt), " ", el("small", words.receipt_note)),
    el(
      "div.row",
      copy,
      el("a", { href: `${receipt}/edit${tail}` }, words.edit),
      // A decided reply stays until its author has seen that, and puts it away.
      /rej|pub/.test(state) ? button("", words.dismiss, () => remove(kept)) : el("a", { href }, words.withdraw),
    ),
  );
  const item = cards.get(receipt) ?? el("li");
  const hadFocus = item.contains(root.activeElement);
  item.replaceChildren(card);
  if (!item.isConnected) listFor(parent)[sort === "newest" && !parent ? "prepend" : "append"](item);
  cards.set(receipt, item);
  if (hadFocus) card.focus();
  showRendered(kept, text);
  return card;
}

// The words as the service would publish them.
async function showRendered(kept, text) {
  const { ok, value } = await post("preview", { comment: kept.text });
  if (!ok) return;
  text.classList.remove("raw");
  text.replaceChildren(...value.body.map(node));
}

export function remove(kept) {
  const item = cards.get(kept.receipt);
  // Whoever stood on the card stands on the reply it became.
  if (item?.contains(root.activeElement)) goTo(items.get(commentOf(kept)));
  item?.remove();
  cards.delete(kept.receipt);
  shelve(shelved().filter((one) => one.receipt !== kept.receipt));
}
