// Whether a text can be a display name: the page's twin of crates/model/src/name.rs (1 to 50 visible characters, one line).
import { shown } from "~/text/shown";

export const MAX_NAME = 50;

export function goodName(text: string): boolean {
  const name = text.trim();
  return name !== "" && [...name].length <= MAX_NAME && shown(name, 1000) === name;
}
