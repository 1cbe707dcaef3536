// Tests in a real browser: Debian's Chromium, driven by Playwright, against the build with the scripted agent.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  resolve: { alias: { "~": here(".") } },
  test: {
    include: ["test/browser/**/*.browser.ts"],
    environment: "node",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    // Of the ways to look at every view two at a time: half of each is waiting for the page.
    maxConcurrency: 2,
  },
});
