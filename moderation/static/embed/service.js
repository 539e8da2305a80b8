// Asking the service this file came from: plain requests, which need no leave in advance, without credentials.
import { el } from "./dom.js";

export const SERVICE = new URL(document.currentScript.src).origin;

export function siteOf(host) {
  return `${SERVICE}/sites/${host.getAttribute("site")}/`;
}

// The page a thread belongs to: the one named, else the canonical one, else this.
export function pageOf(host) {
  const given = host.getAttribute("page") ?? document.querySelector("link[rel=canonical]")?.href ?? location.href;
  return el("a", { href: given }).href.split("#")[0];
}

// The service's answer; its status is 0 where there is none.
export async function ask(address, options) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "omit", ...options });
    const { ok, status } = answer;
    return { ok, status, wait: +answer.headers.get("Retry-After"), value: await answer.json() };
  } catch {
    return { status: 0 };
  }
}
