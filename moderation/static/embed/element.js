// The custom element <leave-a-reply site="KEY">: a page's thread and its form. docs/embedding.md says how to use it.
// What stands inside the element is shown until the thread is there.
import each from "each";
import { count } from "./count.js";

const MINUTE = 60_000;
const views = new Set();
let minutes = 0;

class LeaveAReply extends HTMLElement {
  connectedCallback() {
    if (this.hasAttribute("count-only")) return count(this);
    // An element that is moved keeps its thread and what was typed.
    views.add((this.view ??= each(this)));
  }

  disconnectedCallback() {
    views.delete(this.view);
  }
}

// No reader's machine works for a page that is not seen.
function look(minute) {
  if (!document.hidden) for (const view of views) view.look(minute);
}

if (!customElements.get("leave-a-reply")) {
  customElements.define("leave-a-reply", LeaveAReply);
  setInterval(() => look(++minutes), MINUTE);
  document.addEventListener("visibilitychange", () => look(0));
  addEventListener("hashchange", () => {
    for (const view of views) view.goToAnchor();
  });
}
