// Weighs what is shipped: all JavaScript of ui/dist, gzipped, must stay within its allowance; the scripted agent and
// inline scripts or styles must not be in it. Exit status 1 says which rule is broken.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 250 * 1024;
const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const files = readdirSync(dist, { recursive: true, encoding: "utf8" });
const faults = [];
let total = 0;
let fonts = 0;

for (const name of files) {
  if (name.endsWith(".woff2")) fonts += readFileSync(join(dist, name)).length;
  if (!name.endsWith(".js")) continue;
  const code = readFileSync(join(dist, name));
  total += gzipSync(code, { level: 9 }).length;
  if (code.includes("Workshop NAS")) faults.push(`${name}: holds the scripted agent`);
}
const html = readFileSync(join(dist, "index.html"), "utf8");
if (/<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=/i.test(html)) faults.push("index.html: inline script or style");
if (/https?:\/\//.test(html)) faults.push("index.html: names a server");
if (total > LIMIT) faults.push(`JavaScript: ${kib(total)} KiB gzipped, ${kib(LIMIT)} allowed`);

function kib(bytes) {
  return (bytes / 1024).toFixed(1);
}

console.log(`JavaScript ${kib(total)} KiB gzipped of ${kib(LIMIT)}; fonts ${kib(fonts)} KiB, read only when needed`);
for (const fault of faults) console.error(fault);
process.exit(faults.length > 0 ? 1 : 0);
