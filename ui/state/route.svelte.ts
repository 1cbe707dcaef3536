// Where the window is: `#/near`, `#/session/<device>`. In the address, so that a reload comes back to the same place.

export const VIEWS = [
  "near", "transfers", "links", "history", "identity", "capabilities", "doctor", "settings", "session",
] as const;
export type ViewId = (typeof VIEWS)[number];
export interface Route { view: ViewId; id: string | null }

/** Reads an address; anything unknown is Near. An id is never longer than 128 characters and of id characters only. */
export function parseRoute(hash: string): Route {
  const [view = "", raw = ""] = hash.replace(/^#\/?/, "").split("/");
  const id = /^[\w.:-]{1,128}$/.test(raw) ? raw : null;
  if (!(VIEWS as readonly string[]).includes(view)) return { view: "near", id: null };
  if (view === "session" && id === null) return { view: "near", id: null };
  return { view: view as ViewId, id };
}

export const hrefOf = (view: ViewId, id?: string | null): string => (id ? `#/${view}/${id}` : `#/${view}`);

class Router {
  now = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    window.addEventListener("hashchange", () => (this.now = parseRoute(location.hash)));
  }

  go(view: ViewId, id?: string | null): void {
    location.hash = hrefOf(view, id);
    this.now = parseRoute(location.hash);
  }
}

export const router = new Router();
