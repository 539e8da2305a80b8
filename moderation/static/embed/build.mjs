// Builds ../embed.js: the element's modules and, inside it as text, what its shadow root needs of the style sheets.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const SHEETS = ["../tokens.css", "../embed.css"];
const OPTIONS = { bundle: true, write: false, target: "esnext", charset: "utf8" };

async function styles() {
  const sheets = await Promise.all(SHEETS.map((name) => readFile(here(name), "utf8")));
  // The tokens belong inside the shadow root too, where no rule of the page reaches them.
  const [tokens, rules] = sheets.map((sheet) => sheet.replace(":root {", ".lar {"));
  const { code } = await transform(tokens + rules, { loader: "css", minify: true, target: "esnext" });
  return physical(lean(onceOnly(code.trim()).replace(/([:,(]) /g, "$1").replace("}.lar{", ";")));
}

// Inside .lar lines run across and blocks down, whatever the page does: the shorter names mean the same there.
function physical(css) {
  const names = { "inset-block-end": "bottom", "inline-size": "width", "block-size": "height", "block-start": "top" };
  return css.replace(/(?<![\w.#])(?:min-|max-|margin-|padding-|border-)?(?:inset-block-end|inline-size|block-size|block-start)(?=:)/g, (name) =>
    name.replace(/inset-block-end|inline-size|block-size|block-start/, (part) => names[part]),
  );
}

// Of a token that is given twice, the first value never counts.
function onceOnly(css) {
  return css.replace(/(--[\w-]+):[^;{}]*;/g, (rule, name, at) => (css.indexOf(`${name}:`, at + 1) < 0 ? rule : ""));
}

// Sizes, and what is used once, are written where they are used; tokens that nothing in the shadow root uses stay at home.
function lean(css) {
  for (const [rule, name, value] of css.matchAll(/(--[\w-]+):([^;{}]*)(?:;|(?=}))/g)) {
    const uses = css.split(`var(${name})`).length - 1;
    if (uses < 2 || /^[\d.]+(px|r?em)$/.test(value)) return lean(css.replace(rule, "").replaceAll(`var(${name})`, value));
  }
  return css;
}

// The modules in each/ hold the state of one element. They become one function of its host, called for each element,
// that returns what they export.
async function forEach() {
  const plugins = [shared];
  const { outputFiles } = await build({ ...OPTIONS, entryPoints: [here("each/main.js")], format: "esm", plugins });
  const imports = [];
  const body = outputFiles[0].text.replace(/^import [^;]*;\n/gm, (line) => (imports.push(line), ""));
  return `${imports.join("")}export default function (host) {${body.replace(/^export {/m, "return {")}}`;
}

// What stands outside the folder is there once for all elements.
const shared = {
  name: "shared",
  setup(on) {
    on.onResolve({ filter: /^(\.\.\/|styles$)/ }, ({ path }) => ({ path, external: true }));
  },
};

const made = {
  name: "made",
  setup(on) {
    on.onResolve({ filter: /^(styles|each)$/ }, ({ path }) => ({ path, namespace: "made" }));
    on.onLoad({ filter: /^styles$/, namespace: "made" }, async () => ({ contents: await styles(), loader: "text" }));
    on.onLoad({ filter: /^each$/, namespace: "made" }, async () => ({ contents: await forEach(), resolveDir: here("each") }));
  },
};

const { outputFiles } = await build({
  ...OPTIONS,
  entryPoints: [here("element.js")],
  format: "iife",
  minify: true,
  plugins: [made],
});
await writeFile(process.argv[2] ?? here("../embed.js"), outputFiles[0].contents);
