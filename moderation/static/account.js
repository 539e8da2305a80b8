/* What scripts add to signing in: passwords that can be looked at, passkeys, and recovery codes to carry away. */

for (const field of document.querySelectorAll("input[data-reveal]")) addReveal(field);
for (const form of document.querySelectorAll("form[data-passkey]")) offerPasskey(form);
for (const list of document.querySelectorAll("[data-codes]")) offerTools(list, document.querySelector("[data-tools]"));

function addReveal(field) {
  const around = document.createElement("span");
  around.className = "revealed";
  field.before(around);
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "link", textContent: field.dataset.reveal });
  button.title = field.labels[0]?.firstChild.textContent.trim() ?? "";
  const focused = document.activeElement === field;
  around.append(field, button);
  if (focused) field.focus();
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.textContent = shown ? field.dataset.conceal : field.dataset.reveal;
  });
  // Sent as a password, so that the browser offers to keep it, and none stands open on the page that comes back.
  field.form?.addEventListener("submit", () => { field.type = "password"; });
}

function offerPasskey(form) {
  if (!window.PublicKeyCredential) return;
  form.hidden = false;
  const failed = form.querySelector("[data-failed]");
  form.addEventListener("submit", async event => {
    event.preventDefault();
    failed.textContent = "";
    try {
      const options = fromJson(JSON.parse(form.dataset.options));
      const made = await navigator.credentials[form.dataset.passkey]({ publicKey: options });
      form.elements.answer.value = JSON.stringify(toJson(made));
    } catch {
      failed.textContent = failed.dataset.failed;
      return;
    }
    for (const copy of form.querySelectorAll("[data-like]")) {
      copy.value = document.getElementById(copy.dataset.like)?.checked ? "y" : "";
    }
    HTMLFormElement.prototype.submit.call(form);
  });
}

function fromJson(options) {
  const read = ({ id, ...rest }) => ({ ...rest, id: bytes(id) });
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: read(options.user) }),
    ...(options.excludeCredentials && { excludeCredentials: options.excludeCredentials.map(read) }),
    ...(options.allowCredentials && { allowCredentials: options.allowCredentials.map(read) }),
  };
}

function toJson(made) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} };
}

function bytes(base64url) {
  const plain = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, letter => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function offerTools(list, tools) {
  const codes = [...list.querySelectorAll("code")].map(code => code.textContent).join("\n") + "\n";
  tools.hidden = false;
  const told = tools.querySelector("[data-copied]");
  tools.querySelector("[data-print]").addEventListener("click", () => window.print());
  tools.querySelector("[data-copy]").addEventListener("click", async () => {
    await navigator.clipboard.writeText(codes);
    told.textContent = told.dataset.copied;
  });
  tools.querySelector("[data-save]").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([codes], { type: "text/plain" }));
    link.download = "recovery-codes.txt";
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
