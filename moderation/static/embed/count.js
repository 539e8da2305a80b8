// <leave-a-reply count-only>: a page's number of replies, for lists of articles. Many on a page ask once for each site.
import { emit } from "./dom.js";
import { ask, pageOf, siteOf } from "./service.js";

// As many as the service answers in one request.
const MOST = 100;
let waiting = [];

export function count(host) {
  if (!waiting.length) {
    // Elements that the page has still to bring are to be asked for together.
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", showAll);
    else setTimeout(showAll);
  }
  waiting.push(host);
}

function showAll() {
  while (waiting.length) {
    const base = siteOf(waiting[0]);
    const some = waiting.filter((host) => siteOf(host) === base).slice(0, MOST);
    waiting = waiting.filter((host) => !some.includes(host));
    show(base, some);
  }
}

// What cannot be counted keeps what stands in it.
async function show(base, some) {
  const { value } = await ask(`${base}counts.json?${new URLSearchParams(some.map((host) => ["page", pageOf(host)]))}`);
  for (const host of some) {
    const number = value?.counts?.[pageOf(host)];
    if (!(number >= 0)) continue;
    (host.shadowRoot ?? host.attachShadow({ mode: "open" })).replaceChildren(number.toLocaleString());
    emit(host, "thread:loaded", { count: number });
  }
}
