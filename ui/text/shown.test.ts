// Hostile text is shown, not obeyed.
import { expect, test } from "vitest";
import { fileName, initial, shortened, shown, shownLines } from "./shown";

test("g1 escapes, direction marks and invisible characters are written out", () => {
  expect(shown("a\u001b[31mb")).toBe("a\\u{1b}[31mb");
  expect(shown("cod\u202eexe")).toBe("cod\\u{202e}exe");
  expect(shown("two\nlines")).toBe("two\\u{a}lines");
  expect(shown("n\u0000ul")).toBe("n\\u{0}ul");
  expect(shown("\u200b\u2066\u3164\u{e0041}")).toBe("\\u{200b}\\u{2066}\\u{3164}\\u{e0041}");
  expect(shown("\ud800x")).toBe("\\u{d800}x");
});

test("ordinary words of any script stay as they are", () => {
  for (const text of ["한국어 ☺", "Ελληνικά", "العربية", "naïve café", "👩‍💻 🏳️‍🌈"]) expect(shown(text)).toBe(text);
});

test("a joiner between letters is written out, one inside a picture is not", () => {
  expect(shown("pay\u200dpal")).toBe("pay\\u{200d}pal");
  expect(shown("👨\u200d👩")).toBe("👨\u200d👩");
});

test("line breaks and tabs of a message stay; carriage returns become line breaks", () => {
  expect(shownLines("a\r\nb\rc\td\u0085")).toBe("a\nb\nc\td\\u{85}");
});

test("shortening counts characters, not halves of them", () => {
  expect(shortened("👍👍👍", 3)).toBe("👍👍👍");
  expect(shortened("👍👍👍", 2)).toBe("👍…");
  expect(shown("x".repeat(10_000))).toHaveLength(300);
});

test("the ending of a long file name stays to be seen", () => {
  const name = fileName("A very long name of a file indeed.tar.gz");
  expect(name.head + name.tail).toBe("A very long name of a file indeed.tar.gz");
  expect(name.tail.endsWith(".gz")).toBe(true);
  expect(fileName("short.txt")).toEqual({ head: "short.txt", tail: "" });
});

test("the picture of somebody shows their first letter, whatever stands before it", () => {
  expect(initial("  \u202e<ana")).toBe("A");
  expect(initial("김서연")).toBe("김");
  expect(initial("\u3164\u200bb")).toBe("B");
  expect(initial("🎉")).toBe("·");
});
