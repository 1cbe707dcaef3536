// Text from elsewhere made safe to look at: the page's twin of crates/model/src/text.rs. Hidden and direction-changing
// characters are written as `\u{…}`. The result still goes on the page as a text node, inside `<bdi>`.

const HIDDEN =
  /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;
const ZERO_WIDTH_JOINER = "\u200d";
const PICTURE = /\p{Extended_Pictographic}/u;

const escaped = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;

function escape(text: string, keep: string): string {
  return text.replace(HIDDEN, (character, offset: number) => {
    if (keep.includes(character)) return character;
    // A joiner inside an emoji (👩‍💻) is part of a picture, not a trick.
    if (character === ZERO_WIDTH_JOINER && PICTURE.test(text.slice(offset + 1, offset + 3))) return character;
    return escaped(character);
  });
}

/** One line: names, paths, reasons. At most `max` characters. */
export function shown(text: string, max = 300): string {
  return shortened(escape(text, ""), max);
}

/** Several lines: messages a person wrote. */
export function shownLines(text: string, max = 70_000): string {
  return shortened(escape(text.replace(/\r\n?/g, "\n"), "\n\t"), max);
}

/** At most `max` characters, with an ellipsis where something was cut. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const characters = [...text];
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join("")}…`;
}

/** The middle of a long file name is less telling than its ending: `A very long na….tar.gz`. */
export function fileName(path: string): { head: string; tail: string } {
  const text = shown(path);
  const cut = Math.max(0, text.length - 12);
  const at = text.slice(cut).search(/[^.]\.[^.]/);
  const end = at < 0 ? text.length : cut + at + 1;
  return text.length <= 24 ? { head: text, tail: "" } : { head: text.slice(0, end), tail: text.slice(end) };
}

/** One or two letters for a picture of somebody: the first visible letter or digit. */
export function initial(name: string): string {
  const first = [...name.replace(HIDDEN, "")].find((character) => /[\p{L}\p{N}]/u.test(character));
  return first ? first.toLocaleUpperCase() : "·";
}
