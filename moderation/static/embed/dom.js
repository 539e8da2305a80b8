// Making nodes: one by one, so that no policy of the page, Trusted Types included, has to be loosened.

// What a text may hold. Whatever else the service should send becomes a span: a mistake there is not the page's.
const ALLOWED = /^(p|pre|blockquote|ul|ol|li|br|a|em|strong|b|i|code|del)$/;

// A tag with its classes, then attributes, properties, words and nodes. By tag and class the page may style it, too.
export function el(kind, ...parts) {
  const [tag, name] = kind.split(".");
  const made = document.createElement(tag);
  if (name) made.part = made.className = `${name} ${tag}`;
  for (const one of parts) {
    if (one?.constructor !== Object) made.append(one ?? "");
    else for (const key in one) key in made ? (made[key] = one[key]) : made.setAttribute(key, one[key]);
  }
  return made;
}

export function button(name, text, onclick, more) {
  return el(`button.${name}`, { type: "button", onclick, ...more }, text);
}

// One node of a text as the service sends it: words, or [tag, child...], a link's second item being its attributes.
export function node(value) {
  if (!Array.isArray(value)) return `${value}`;
  const [tag, ...rest] = value;
  if (tag === "a") return linked(rest.shift().href, ...rest.map(node));
  return el(ALLOWED.test(tag) ? tag : "span", ...rest.map(node));
}

// A link where the address is one that may be followed, else only its words.
export function linked(href, ...children) {
  if (!/^(https?|mailto):/i.test(href)) return el("span", ...children);
  return el("a", { href, rel: "nofollow ugc noopener" }, ...children);
}

export function emit(host, name, detail) {
  host.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
}
