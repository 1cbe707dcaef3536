// Tests of pure parts, state and components, in jsdom. The browser tests have their own configuration.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  plugins: [svelte({ configFile: here("./svelte.config.js") })],
  resolve: { alias: { "~": here(".") }, conditions: ["browser"] },
  cacheDir: here("../node_modules/.vite"),
  test: { include: ["**/*.test.ts"], exclude: ["dist/**", "test-output/**"], environment: "jsdom" },
});
