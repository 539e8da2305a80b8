// A reply on its way: sent once however often one presses, tried again under the same key, and never lost.
import { button, el, emit } from "../dom.js";
import { ask, SERVICE } from "../service.js";
import { complainAt, fields, parent, renew, sheet, submit, turn, wait } from "./form.js";
import { shelve, shelved, showHeld } from "./kept.js";
import { addressOf, post, say } from "./root.js";
import { locale, words } from "./words.js";

export let sending;
// What is said above the form when it came back.
let complaint, mark;

// What must be fresh is asked for when the form is first touched: mark, key, and how long it takes at present.
export function freshMark() {
  mark ??= ask(addressOf("form")).then(async ({ value }) => {
    const { wait, work, token, key = crypto.getRandomValues(new Uint32Array(5)).join("-") } = value ?? {};
    sayWait(wait?.half);
    return { token, key, proof: work && (await (await import(`${SERVICE}/static/work.js`)).default(work)) };
  });
  return mark;
}

export function sayWait(minutes) {
  wait.textContent = words.read_first;
  if (!minutes || minutes > 2880) return;
  const [number, unit] = minutes < 60 ? [minutes, "minute"] : [minutes / 60, "hour"];
  const text = number.toLocaleString(locale, { style: "unit", unit, unitDisplay: "long" });
  wait.append(` ${words.usually.replace("{time}", text)}`);
}

export async function send(event) {
  event?.preventDefault();
  if (sending) return;
  busy(words.sending);
  say(words.sending);
  const typed = { parent: parent?.id ?? "", title: document.title, ...(await freshMark()) };
  for (const name in fields) typed[name] = fields[name].value;
  const { status, value, wait } = await post("replies", typed);
  busy();
  say("");
  if (status === 201) accepted(typed, value);
  else refused(status, value ?? {}, wait);
}

// While there are words for it, the button does nothing but say them.
function busy(text) {
  sending = submit.ariaDisabled = !!text;
  submit.textContent = text || words.post;
}

// The service said how long it wants to be left alone.
function pause(seconds) {
  busy(seconds > 0 && `${words.post} (${seconds})`);
  if (seconds > 0) setTimeout(pause, 1000, seconds - 1);
  else say(words.again);
}

function accepted({ parent, comment: text }, { receipt, comment, status: state }) {
  const kept = { receipt, parent, text, state, since: new Date() };
  shelve([...shelved(), kept]);
  mark = null;
  complaint?.remove();
  renew();
  showHeld(kept).focus();
  emit(host, "reply:held", { comment, receipt });
}

function refused(status, { title = words.not_sent, errors = {} }, wait) {
  turn();
  for (const name in fields) complainAt(name, errors[name]);
  const lines = Object.keys(errors).map((name) => el("li", line(name, errors[name].join(" "))));
  complaint?.remove();
  complaint = el("div.box alert", { role: "alert", tabIndex: -1 }, el("h3", title), el("ul", ...lines));
  // The key stays: should the reply have arrived after all, sending it again gets the answer it missed.
  if (!status || status > 499) {
    complaint.append(el("p", words[navigator.onLine ? "not_sent_note" : "offline"]), button("post", words.again, send));
    // Refused for good: what is sent next is another reply, with a proof of its own.
  } else mark = null;
  sheet.prepend(complaint);
  complaint.focus();
  if (wait) pause(wait);
  emit(host, "reply:error", { status, title });
}

function line(name, text) {
  return fields[name] ? el("a", { href: `#${name}`, onclick: () => !!fields[name].focus() }, `${words[name]}: ${text}`) : text;
}
