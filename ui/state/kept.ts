// Small choices of this window that survive it (language, "visible while I look"). Never anything of peers.

const NAME = "hither.";

export function remembered(what: string): string | null {
  try {
    return localStorage.getItem(NAME + what);
  } catch {
    return null;
  }
}

export function remember(what: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(NAME + what);
    else localStorage.setItem(NAME + what, value);
  } catch {
    // Private storage: the choice lasts as long as the window.
  }
}
