// The replies in reading order, lists within lists; what comes later is merged into what is shown already.
import { button, el, linked, node } from "../dom.js";
import { aim } from "./form.js";
import { items, list, thread } from "./thread.js";
import { counted, named, time, words } from "./words.js";

// More answers below one reply than these are folded away.
const MANY = 8;
// So many are built at a stretch: on a slow phone a few milliseconds. Then the browser may paint and answer its reader.
const STRETCH = 5;
// Answers to what stands this deep stand beside it.
const DEEPEST = 5;

// `levels` holds the last item at each depth, where this part goes on; without it, it stands before everything.
export async function fill({ above = [], comments }, levels = []) {
  let first;
  for (const one of above) put(levels, one, signpost);
  for (const [at, comment] of comments.entries()) {
    if (at % STRETCH === STRETCH - 1) await new Promise((done) => setTimeout(done));
    const isNew = !items.has(comment.id);
    const item = put(levels, comment, place);
    if (isNew) first ??= item;
    if (isNew && !comment.depth) fold(item, answers(comments, at));
  }
  return first;
}

function put(levels, one, make) {
  const { id, depth } = one;
  const said = JSON.stringify(one);
  let item = items.get(id);
  if (!item) {
    item = el("li");
    const into = levels[depth - 1] ? listBelow(levels[depth - 1]) : list;
    if (levels[depth]?.parentNode === into) levels[depth].after(item);
    else into.prepend(item);
    items.set(id, item);
  }
  // A signpost gives way to what it stands for, never the other way round.
  if (!item.said || (make === place && item.said !== said)) {
    item.firstChild?.remove();
    item.prepend(make(one));
    item.said = said;
  }
  item.depth = depth;
  levels.length = depth;
  levels[depth] = item;
  return item;
}

function answers(comments, at) {
  const next = comments.findIndex((one, index) => index > at && !one.depth);
  return (next < 0 ? comments.length : next) - at - 1;
}

function fold(item, number) {
  if (number <= MANY) return;
  const summary = el("summary");
  const details = el("details", summary, el("ol"));
  details.ontoggle = () => {
    summary.textContent = details.open ? words.hide : counted("show", number);
  };
  details.ontoggle();
  item.append(details);
}

export function reveal(place) {
  const details = place.closest("details");
  if (details) details.open = true;
}

// Where a reply to this one stands: below it, or, where no deeper list is shown, beside it.
export function listFor(id) {
  const item = items.get(id);
  if (!item) return list;
  return item.depth < DEEPEST ? listBelow(item) : item.parentNode;
}

function listBelow(item) {
  return item.querySelector(":scope>ol,:scope>details>ol") ?? item.appendChild(el("ol"));
}

// For one that stands in an earlier part.
function signpost({ anchor, author }) {
  return el("article.gone", el("a", { href: hereAt(anchor) }, ...named(words.above, author || words.anonymous)));
}

function place(comment) {
  const { id, anchor, at, url, body } = comment;
  const attributes = { id: anchor, tabIndex: -1 };
  if (comment.place !== "public") return el("article.gone", attributes, words[comment.place] ?? words.not_public);
  const name = comment.author || words.anonymous;
  const by = `by-${id}`;
  const label = words.reply_to.replace("{name}", name);
  return el(
    "article.comment",
    { ...attributes, "aria-labelledby": by },
    el("h3.author who", { id: by }, linked(url, el("bdi", name))),
    el("a.when", { href: hereAt(anchor), title: words.link }, time(at)),
    el("div.text", { dir: "auto" }, ...body.map(node)),
    thread.closed ? "" : button("re", words.reply, () => aim({ id, name }), { "aria-label": label }),
  );
}

function hereAt(anchor) {
  return `${location.href.split("#")[0]}#${anchor}`;
}
