// Finds the number that a challenge hides (ALTCHA's scheme), in the browser's own SHA-256; loaded only where it is asked.

const BATCH = 500;

export default async function solve({ algorithm, challenge, salt, maxnumber, signature }) {
  const coder = new TextEncoder();
  const digest = async (number) => {
    const hash = await crypto.subtle.digest(algorithm, coder.encode(salt + number));
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  for (let first = 0; first < maxnumber; first += BATCH) {
    const hashes = await Promise.all(Array.from({ length: BATCH }, (_, place) => digest(first + place)));
    const place = hashes.indexOf(challenge);
    if (place >= 0) return btoa(JSON.stringify({ algorithm, challenge, number: first + place, salt, signature }));
    // Whoever writes meanwhile is not kept waiting.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return "";
}

// Fills a form's field as soon as somebody begins to use it; sent before that is done, the form waits for it.
export function serve(form) {
  const field = form.elements.proof;
  let work;
  const begin = () => (work ??= solve(JSON.parse(field.dataset.work)).then((found) => (field.value = found)));
  form.addEventListener("focusin", begin, { once: true });
  form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    const again = () => form.submit();
    begin().then(again, again);
  });
}
