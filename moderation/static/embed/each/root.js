// The shadow root: the styles, a place for what is shown, and the one line that speaks.
import styles from "styles";
import { el } from "../dom.js";
import { ask, pageOf, siteOf } from "../service.js";

const sheet = new CSSStyleSheet();
const status = el("p.say", { role: "status" });
const base = siteOf(host);
const page = pageOf(host);
const asked = host.getAttribute("lang");
const lang = asked === "auto" ? navigator.languages.join() : asked;

export const box = el("div", el("slot"));
export const shell = el("div.lar", box, status);
export const root = host.attachShadow({ mode: "open" });
// Where this browser keeps what belongs to this page.
export const shelf = `leave-a-reply:${host.getAttribute("site")}:${page}`;
export let sort = host.getAttribute("sort");

sheet.replaceSync(styles);
root.adoptedStyleSheets = [sheet];
root.append(shell);

// What the site has set, for where the page sets nothing.
export function dress({ accent, radius }) {
  host.style.setProperty("--set-accent", accent);
  host.style.setProperty("--set-radius", `${radius ?? 4}px`);
}

export function say(text) {
  status.textContent = text;
}

export function sortBy(name) {
  sort = name;
}

export function addressOf(name, asked) {
  const all = { page, lang, ...asked };
  return `${base}${name}?${new URLSearchParams(Object.entries(all).filter(([, value]) => value))}`;
}

export function read(asked, cache) {
  return ask(addressOf("thread.json", { sort, ...asked }), { cache });
}

export function post(name, fields) {
  const body = new URLSearchParams({ page, ...fields });
  return ask(base + name + (lang ? `?lang=${lang}` : ""), { method: "POST", body });
}
