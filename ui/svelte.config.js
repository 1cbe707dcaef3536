// Svelte's own settings: runes everywhere; accessibility warnings count as errors (npm run check).
import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default { preprocess: vitePreprocess(), compilerOptions: { runes: true } };
