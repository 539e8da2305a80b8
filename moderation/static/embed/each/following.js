// What happens while a page is open: held replies are decided, and others reply.
import { ask } from "../service.js";
import { commentOf, remove, shelve, shelved, showHeld, stateWords } from "./kept.js";
import { read, say, sort } from "./root.js";
import { asked, goTo, items, levels, merge, news, restart, thread } from "./thread.js";
import { counted } from "./words.js";

export async function follow() {
  // In this order: what a receipt brings into the thread is no news afterwards.
  const { ok, value: found } = await read(asked, "no-cache");
  if (!ok) return;
  await receipts(found);
  const more = found.count - thread.count;
  if (more > 0) {
    news.hidden = false;
    news.onclick = () => take(found);
    news.textContent = counted("new", more);
    say(news.textContent);
  }
}

async function take(found) {
  let first = await merge(found);
  if (!first && found.parts > 1) {
    // In another part: newest first it is the first one, else the last one's end.
    await restart({ part: sort === "newest" ? 1 : found.parts });
    first = sort !== "newest" && levels[0];
  }
  goTo(first);
}

// Ask what became of the replies that this browser keeps: the receipts know, no cookie. What is published comes from
// the thread as it was just read: another copy may be older.
async function receipts(found) {
  for (const kept of shelved()) {
    const { ok, status, value } = await ask(kept.receipt);
    // A receipt that does not answer leaves the card as it was; one that is gone takes it away.
    if (!ok && status !== 404) continue;
    const { status: state, comment: text, since } = value;
    const isNews = state !== kept.state || text !== kept.text;
    const now = { ...kept, state, text, since };
    const number = commentOf(kept);
    // The thread may be older than the decision: nothing may seem to vanish in between.
    if (state === "published" && !items.has(number)) await merge(found);
    const said = stateWords(now);
    if (said && isNews) say(said);
    // Published in another part, it is told of once.
    if (!said || items.has(number) || (state === "published" && !isNews && thread.parts > 1)) remove(now);
    else if (isNews) {
      // Read anew: a reply may have been sent meanwhile.
      shelve(shelved().map((one) => (one.receipt === kept.receipt ? now : one)));
      showHeld(now);
    }
  }
}
