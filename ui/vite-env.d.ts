// Types of what Vite adds: style sheets as modules, import.meta.env.
/// <reference types="vite/client" />
