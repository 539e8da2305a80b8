// The drawer: another page of the queue beside this one, for a look, without leaving the place.
import { parse } from "./queue-follow.js";
import { current, words } from "./queue-cards.js";

// What names other parts of a page: the same names stand on the page behind.
const NAMES = ["id", "for", "aria-labelledby", "aria-describedby"];
let drawer;

export async function openDrawer(link) {
  drawer ??= make();
  const body = drawer.querySelector(".drawer-body");
  drawer.querySelector("a").href = link.href;
  body.replaceChildren(Object.assign(document.createElement("p"), { className: "soft", textContent: words.loading }));
  if (!drawer.open) drawer.showModal();
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const main = parse(await answer.text()).querySelector("main");
    for (const part of main.querySelectorAll(".sums, .find, .tray, .tick, .acts, .why, dialog, .views, script, .news")) part.remove();
    // The card itself is on the page behind.
    if (link.dataset.key === "C") for (const part of main.querySelectorAll(".title, .queue, .notice")) part.remove();
    for (const name of NAMES) {
      for (const one of main.querySelectorAll(`[${name}]`)) one.setAttribute(name, one.getAttribute(name).replace(/\S+/g, "drawer-$&"));
    }
    body.replaceChildren(...[...main.children].map((part) => document.importNode(part, true)));
  } catch {
    body.replaceChildren(Object.assign(document.createElement("p"), { className: "notice no", textContent: words.offline }));
  }
}

export function closeDrawer() {
  drawer?.close();
}

function make() {
  const made = Object.assign(document.createElement("dialog"), { className: "drawer" });
  made.setAttribute("aria-label", words.drawer);
  const bar = Object.assign(document.createElement("p"), { className: "row" });
  const link = Object.assign(document.createElement("a"), { textContent: words.own_page });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: words.close });
  close.addEventListener("click", closeDrawer);
  bar.append(close, link);
  made.append(bar, Object.assign(document.createElement("div"), { className: "drawer-body" }));
  made.addEventListener("close", () => {
    made.querySelector(".drawer-body").replaceChildren();
    current()?.focus({ preventScroll: true });
  });
  made.addEventListener("click", (event) => { if (event.target === made) closeDrawer(); });
  document.body.append(made);
  return made;
}
