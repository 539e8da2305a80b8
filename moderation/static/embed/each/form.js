// The form everybody knows, WordPress' to the letter: what is in it, whom it answers, and what it says while one writes.
import { button, el, node } from "../dom.js";
import { store, stored } from "./kept.js";
import { box, post, say, shelf } from "./root.js";
import { freshMark, sayWait, send, sending } from "./sending.js";
import { items, thread } from "./thread.js";
import { locale, named, words } from "./words.js";

const AUTHOR_KEPT = "leave-a-reply:author";
const DETAILS = ["author", "email", "url"];
// The text's length is WordPress' own: the site's limit is counted below it, so that no pasted word is cut off.
const TEXT = { rows: 8, maxLength: 65525 };

export const fields = {};
export const submit = el("button.post");
export const wait = el("p.wait");
export let section;
// Whom the reply answers.
export let parent;
const title = el("h2.heading", { id: "reply-title" });
const counter = el("p.count", { id: "comment-note" });
const shown = el("div.shown text", { dir: "auto", tabIndex: 0, role: "region" });
const keep = el("input", { type: "checkbox" });
export let sheet;
let writing, looking, previewing;

export function form() {
  const lines = ["comment", ...DETAILS].map(field);
  submit.append(words.post);
  sayWait();
  sheet = el(
    "form.form",
    { noValidate: true, onsubmit: send },
    lines.shift(),
    el("div.trio", ...lines),
    el("label.keep", keep, words.keep),
    el("div.row", submit, wait),
  );
  sheet.addEventListener("focusin", freshMark);
  const note = el("p.note", el("span", { id: "email-note" }, words.email_note), ` ${words.required_note}`, el("span.req", " *"));
  const guide = el("div.text", { dir: "auto" }, ...thread.settings.guidelines.map(node));
  section = el("section.reply", { "aria-labelledby": "reply-title" }, title, note, guide, sheet);
  turn();
  recall();
}

function star() {
  return el("span.req", { ariaHidden: true }, " *");
}

function field(name) {
  const { required, max } = thread.settings;
  const isText = name === "comment";
  const isAuthor = name === "author";
  const note = isText || name === "email" ? `${name}-note ` : "";
  const input = el(isText ? "textarea.input" : "input.input", {
    name,
    id: name,
    dir: "auto",
    required: required.includes(name),
    ...(isText ? TEXT : { maxLength: max[name], type: isAuthor ? "text" : name, autocomplete: isAuthor ? "name" : name }),
    "aria-describedby": `${note}${name}-wrong`,
    oninput: () => {
      input.touched = true;
      complainAt(name);
      keepDraft();
      if (isText) count();
    },
    onblur: () => afterPress(() => input.touched && check(name)),
  });
  fields[name] = input;
  const wrong = el("span.err", { id: `${name}-wrong` });
  const label = el("label", { htmlFor: name }, words[name], input.required ? star() : "");
  if (!isText) return el("p.field", label, input, wrong);
  previewing = button("", "", () => (input.hidden ? turn() : preview()));
  shown.ariaLabel = words.preview;
  writing = [label, input];
  looking = [el("span", el("b", words.preview), " ", el("small", words.preview_note)), shown];
  return el("div.field", el("div.row", label, looking[0], previewing), input, wrong, shown, counter);
}

function count() {
  const most = thread.settings.max.comment;
  // As the service counts: whole characters.
  const left = most - [...fields.comment.value].length;
  const wasFar = !counter.textContent;
  const text = words.left.replace("{number}", left.toLocaleString(locale));
  counter.textContent = left > Math.min(200, most / 5) ? "" : text;
  if (wasFar) say(counter.textContent);
}

// A message that appears while the pointer is down would move the button away from under it.
function afterPress(act) {
  if (sheet.matches(":active")) addEventListener("click", () => setTimeout(act), { once: true });
  else act();
}

// What one has written is looked at on leaving the field; whoever posts meanwhile is told by the service.
function check(name) {
  if (sending) return;
  // Only what is certainly wrong, as the browser knows it; the service knows better.
  const { valueMissing, typeMismatch } = fields[name].validity;
  const text = words[valueMissing ? `need_${name}` : typeMismatch && `bad_${name}`];
  if (!text) return;
  complainAt(name, [text]);
  say(text);
}

export function complainAt(name, texts = []) {
  fields[name].nextSibling.textContent = texts.join(" ");
  fields[name].ariaInvalid = !!texts.length;
}

// The form answers a comment, below it, or, without one, the page.
export function aim(whom, quietly) {
  const item = items.get(whom?.id);
  const from = section.previousSibling?.lastChild;
  parent = whom;
  title.replaceChildren(...(whom ? named(words.leave_to, whom.name) : [words.leave]));
  if (whom) title.append(" ", button("cancel", words.cancel, () => aim()));
  if (item) item.firstChild.after(section);
  else box.append(section);
  if (quietly) return;
  keepDraft();
  turn();
  (whom ? fields.comment : from).focus();
}

function keepDraft() {
  const { value } = fields.comment;
  store(`${shelf}:draft`, value && { value, parent });
}

async function preview() {
  const { ok, value } = await post("preview", { comment: fields.comment.value });
  complainAt("comment", ok ? [] : [value?.title ?? words.not_sent]);
  if (ok) turn(value.body);
  else fields.comment.focus();
}

// To the preview, or back to writing.
export function turn(body) {
  if (body) shown.replaceChildren(...body.map(node));
  for (const one of writing) one.hidden = body;
  for (const one of looking) one.hidden = !body;
  previewing.ariaPressed = !!body;
  previewing.textContent = words[body ? "write" : "preview"];
}

// It is held: what was kept until then goes, and the form is as it was.
export function renew() {
  const details = DETAILS.map((name) => [name, fields[name].value]);
  store(AUTHOR_KEPT, keep.checked && Object.fromEntries(details));
  fields.comment.value = "";
  count();
  turn();
  aim(null, true);
  keepDraft();
}

function recall() {
  const details = stored(AUTHOR_KEPT);
  keep.checked = details;
  for (const name of DETAILS) fields[name].value = details?.[name] ?? "";
  const draft = stored(`${shelf}:draft`);
  aim(items.has(draft?.parent?.id) && draft.parent, true);
  if (!draft) return;
  fields.comment.value = draft.value;
  counter.textContent = words.draft;
  say(words.draft);
}
