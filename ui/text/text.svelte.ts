// The window's language and its messages: `t("near.title")`, `t("near.count", { count })`. Messages are ICU (plurals);
// both languages are complete, by type. Peers' text never goes through here but as an argument that was `shown()`.
import IntlMessageFormat from "intl-messageformat";
import type { ArgsOf } from "./args";
import { en } from "./en";
import { ko } from "./ko";
import { particles } from "./particles";

export type Messages = typeof en;
export type Key = keyof Messages;
export type Language = "en" | "ko";
/** Keys without arguments: can be stored in tables. */
export type PlainKey = { [K in Key]: ArgsOf<Messages[K]> extends [] ? K : never }[Key];

export const LANGUAGES: readonly { tag: Language; name: string }[] = [
  { tag: "en", name: "English" },
  { tag: "ko", name: "한국어" },
];

const MESSAGES: Record<Language, Record<Key, string>> = { en, ko };
const compiled = new Map<string, IntlMessageFormat>();
let current = $state<Language>("en");
let place = $state("en");

/** The language for a locale such as `ko_KR.UTF-8` or `ko-KR`; English when there is none. */
export function languageFor(locale: string): Language {
  return /^ko\b|^ko[_-]/i.test(locale) ? "ko" : "en";
}

export const language = (): Language => current;

/** How dates and figures are written: the language, as it is written where the person lives (`en-GB`). */
export const region = (): string => place;

/** `locales`: the system's, best first. */
export function setLanguage(tag: Language, locales: readonly string[] = []): void {
  current = tag;
  place = locales.map((one) => one.replace(/\..*$/, "").replace("_", "-")).find((one) => isLocale(one, tag)) ?? tag;
  document.documentElement.lang = tag;
}

function isLocale(locale: string, tag: Language): boolean {
  try {
    return new Intl.Locale(locale).language === tag;
  } catch {
    return false;
  }
}

export function t<K extends Key>(key: K, ...[args]: ArgsOf<Messages[K]>): string {
  return message(current, key, args as Record<string, string | number> | undefined);
}

/** The same for any language: for tests. */
export function message(tag: Language, key: Key, args?: Record<string, string | number>): string {
  const text = MESSAGES[tag][key];
  if (!text.includes("{") && !text.includes("'")) return text;
  const name = `${tag}\u0000${key}`;
  let format = compiled.get(name);
  if (!format) compiled.set(name, (format = new IntlMessageFormat(text, tag, undefined, { ignoreTag: true })));
  const said = format.format<string>(args) as string;
  return tag === "ko" ? particles(said) : said;
}
