// What is said, and how numbers, times and names stand in it.
import { el } from "../dom.js";
import { root, shell } from "./root.js";
import { thread } from "./thread.js";

const STEPS = { year: 31536000, month: 2628000, day: 86400, hour: 3600, minute: 60 };

export let words = { not_loaded: "The replies could not be loaded.", retry: "Try again" };
export let locale;
// What receipts are to be told where the thread speaks another language than its site.
export let tail;
let exact, relative;

// Speak as this thread does. Of its language's kinds, as British and American English, it is the reader's own.
export function speak({ lang, dir = "", settings, strings }) {
  const own = settings.locale.replace("_", "-");
  const spoken = lang ?? own;
  words = strings;
  tail = spoken === own ? "" : `?lang=${spoken}`;
  Object.assign(shell, { lang: spoken, dir });
  locale = navigator.language.startsWith(spoken) ? navigator.language : spoken;
  exact = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
}

export function counted(name, number) {
  const form = thread.plurals?.[name][new Intl.PluralRules(shell.lang).select(number)] ?? "+{num}";
  return form.replace("{num}", number.toLocaleString(locale));
}

// A text with a name in it, the name kept apart from the direction of the words around it.
export function named(text, name) {
  const [before, after] = text.split("{name}");
  return [before, el("bdi", name), after];
}

export function time(at) {
  return el("time.time", { dateTime: at, title: exact.format(new Date(at)) }, ago(at));
}

export function freshen() {
  for (const shown of root.querySelectorAll("time")) {
    const text = ago(shown.dateTime);
    if (shown.textContent !== text) shown.textContent = text;
  }
}

function ago(at) {
  const seconds = (Date.now() - new Date(at)) / 1000;
  for (const unit in STEPS) if (seconds >= STEPS[unit]) return relative.format(-Math.floor(seconds / STEPS[unit]), unit);
  return relative.format(0, "second");
}
