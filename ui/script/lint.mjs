// The rules of ui/ that types cannot say: every file begins with a comment, none is longer than 400 lines, only
// bridge/tauri.ts knows Tauri, nothing is ever put on the page as HTML, no style attribute (the CSP forbids it), no colours
// outside design/ and the few parts that carry their own.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const skip = /(^|\/)(dist|test-output|node_modules|gen)\//;
const faults = [];

const RULES = [
  [/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write/, "puts HTML on the page", /^(script|test)\/|\.test\.ts$/],
  [/\beval\(|new Function\(/, "makes code from text", /^script\//],
  [/@tauri-apps/, "imports Tauri; only bridge/tauri.ts may", /^(bridge\/(tauri|bridge)\.ts|script\/)/],
  [/\sstyle="/, "has a style attribute; use style: or a class", /^script\//],
  [/bridge\/fake/, "imports the scripted agent", /^(main\.ts|test\/|bridge\/fake\/|script\/)|\.test\.ts$/],
  [/\b(TODO|FIXME)\b/, "leaves something undone", /^script\//],
];

for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
  if (skip.test(`${name}/`) || !/\.(ts|svelte|css|mjs|html)$/.test(name)) continue;
  const text = readFileSync(join(root, name), "utf8");
  const lines = text.split("\n");
  if (lines.length - 1 > 400) faults.push(`${name}: ${lines.length - 1} lines`);
  if (!/^(\/\/|<!--|\/\*|<!doctype)/i.test(text)) faults.push(`${name}: does not begin by saying what it is`);
  for (const [pattern, fault, except] of RULES) {
    const at = lines.findIndex((line) => pattern.test(line));
    if (at >= 0 && !except.test(name)) faults.push(`${name}:${at + 1}: ${fault}`);
  }
}
for (const fault of faults) console.error(fault);
process.exit(faults.length > 0 ? 1 : 0);
