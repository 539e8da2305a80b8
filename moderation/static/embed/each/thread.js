// A page's thread: loaded, sorted, part by part, and the place in it that the address names.
import { button, el, emit } from "../dom.js";
import { follow } from "./following.js";
import { aim, form, parent, section } from "./form.js";
import { shelved, showKept } from "./kept.js";
import { fill, reveal } from "./list.js";
import { addressOf, box, dress, read, root, say, sort, sortBy } from "./root.js";
import { speak, words } from "./words.js";

export let thread;
// What was asked for last, and so is asked again.
export let asked;
export let items;
// The last item at each depth, and the first and last part that are shown.
export let levels;
let first, last;
export const heading = el("h2.heading", { id: "replies", tabIndex: -1 });
export const list = el("ol.list");
// Nothing moves by itself: what is new waits behind a button.
export const news = button("post news", "");
const earlier = button("more", "", () => addPart(first - 1));
const more = button("more", "", () => addPart(last + 1));

export async function load() {
  asked = { at: anchor() };
  const { ok, value } = await read(asked);
  await (ok ? show(value) : showNotLoaded());
}

// What stands in the element leads on.
function showNotLoaded() {
  const again = button("again", words.retry, async () => {
    again.disabled = true;
    await load();
    box.querySelector("h2, button").focus();
  });
  box.replaceChildren(el("div.box alert", { role: "alert" }, words.not_loaded, " ", again), el("slot"));
}

async function show(found) {
  adopt(found);
  dress(found.settings);
  earlier.append(words.earlier);
  more.append(words.more);
  news.hidden = true;
  const all = el("section.thread", { "aria-labelledby": "replies" }, el("div.row top", heading, sorting()), earlier, list);
  box.replaceChildren(all);
  await begin(found);
  // What stands below comes last: nothing that is seen moves.
  all.append(more, el("p.feed", el("a", { href: addressOf("thread.atom") }, words.feed)), news);
  if (found.closed) box.append(el("p.box", words.closed));
  else form();
  goToAnchor();
  emit(host, "thread:loaded", { count: found.count });
  if (shelved()[0]) follow();
}

// Take this copy of the thread for the one that is shown: its words, its count.
function adopt(found) {
  thread = found;
  speak(found);
  const title = host.getAttribute("heading");
  heading.replaceChildren(...(title ? [title, " ", el("small", words.heading)] : [words.heading]));
}

export function merge(found) {
  news.hidden = true;
  adopt(found);
  return fill(found, first === last ? (levels = []) : []);
}

// Show this part alone.
async function begin(found) {
  first = last = found.part;
  items = new Map();
  list.replaceChildren();
  showEnds();
  await fill(found, (levels = []));
  showKept();
}

export async function restart(what) {
  const { ok, value } = await read(what);
  if (!ok) return say(words.not_loaded);
  asked = what;
  adopt(value);
  await begin(value);
  if (section) aim(parent, true);
}

function showEnds() {
  earlier.hidden = !(first > 1);
  more.hidden = !(last < thread.parts);
}

async function addPart(part) {
  // A second press meanwhile is the same wish.
  earlier.disabled = more.disabled = true;
  const { ok, value } = await read({ part });
  earlier.disabled = more.disabled = false;
  if (!ok) return say(words.not_loaded);
  const isLater = part > last;
  const item = await fill(value, isLater ? levels : []);
  if (isLater) last = value.part;
  else first = value.part;
  showEnds();
  goTo(item);
}

function sorting() {
  if (!thread.sort || thread.count < 2) return "";
  const choices = ["oldest", "newest"].map((value) => el("option", { value, selected: value === thread.sort }, words[value]));
  const onchange = ({ target }) => {
    sortBy(target.value);
    restart();
  };
  return el("select.sort", { onchange, "aria-labelledby": "replies" }, ...choices);
}

export function goTo(item) {
  const place = item?.firstChild ?? heading;
  reveal(place);
  place.focus();
}

function anchor() {
  return /^#comment-/.test(location.hash) && location.hash.slice(1);
}

// The browser does not look into a shadow root for the place that an address names.
export async function goToAnchor() {
  const at = anchor();
  root.querySelector(".here")?.classList.remove("here");
  if (!at || !thread) return;
  if (!root.getElementById(at) && thread.parts > 1) await restart({ at });
  const place = root.getElementById(at);
  if (!place) return;
  reveal(place);
  place.classList.add("here");
  place.scrollIntoView();
  place.focus({ preventScroll: true });
}
