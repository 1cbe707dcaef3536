// What can be typed about a service: its name as crates/model has it, and a port. Pure.

/** The name of a service: 1 to 32 letters, digits, `-`, `_` or `.`, the first of them a letter or digit. */
export const goodService = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(text);

/** A port, or nothing. */
export function portOf(text: string): number | null {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}
