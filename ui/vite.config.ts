// How the page is built. `npm run build` makes ui/dist for the shell; `--mode fake` makes ui/test-output/site with the
// scripted agent for the browser tests. Nothing is inlined: the Content Security Policy allows 'self' alone.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(({ mode }) => ({
  root: here("."),
  plugins: [svelte({ configFile: here("./svelte.config.js") })],
  resolve: { alias: { "~": here(".") } },
  clearScreen: false,
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
  cacheDir: here("../node_modules/.vite"),
  build: {
    outDir: mode === "fake" ? here(`./test-output/${process.env.UI_SITE ?? "site"}`) : here("./dist"),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "safari16.4",
    reportCompressedSize: false,
  },
}));
