// Both languages are complete, say the same arguments, and can be formatted.
import { parse, TYPE, type MessageFormatElement } from "@formatjs/icu-messageformat-parser";
import { expect, test } from "vitest";
import { blame } from "~/bridge/words";
import { en } from "./en";
import { ko } from "./ko";
import { particles } from "./particles";
import { languageFor, message, type Key } from "./text.svelte";

const keys = Object.keys(en) as Key[];

function argumentsOf(elements: MessageFormatElement[]): Set<string> {
  const found = new Set<string>();
  for (const element of elements) {
    if (element.type === TYPE.literal || element.type === TYPE.pound) continue;
    found.add(element.value);
    if (element.type === TYPE.plural || element.type === TYPE.select) {
      for (const option of Object.values(element.options)) for (const name of argumentsOf(option.value)) found.add(name);
    }
  }
  return found;
}
const names = (text: string) => [...argumentsOf(parse(text, { ignoreTag: true }))].sort();

test("each message takes the same arguments in both languages", () => {
  for (const key of keys) expect(names(ko[key]), key).toEqual(names(en[key]));
});

test("no message is empty, and Korean is not left in English", () => {
  for (const key of keys) {
    expect(en[key].trim(), key).not.toBe("");
    expect(ko[key].trim(), key).not.toBe("");
    if (/[a-z]{4} [a-z]{3}/i.test(en[key])) expect(ko[key], key).toMatch(/[가-힣]/);
  }
});

test("every code of a failure has a sentence in each language", () => {
  for (const code of Object.keys(blame)) {
    const key = `error.${code}` as Key;
    expect(message("en", key)).toMatch(/[.?]$/);
    expect(message("ko", key)).toMatch(/[.?]$/);
  }
});

test("plurals follow the language", () => {
  expect(message("en", "near.count", { count: 1 })).toBe("1 device near");
  expect(message("en", "near.count", { count: 1200 })).toBe("1,200 devices near");
  expect(message("ko", "near.count", { count: 2 })).toBe("가까운 기기 2대");
});

test("what somebody else wrote is an argument, never a pattern", () => {
  expect(message("en", "asked.invite", { name: "{count} <b># '" })).toBe("{count} <b># ' wants to connect");
});

test("Korean particles follow the sound before them", () => {
  expect(particles("서연을(를) 서아을(를) Ana을(를)")).toBe("서연을 서아를 Ana을(를)");
  expect(particles("김이(가) 나이(가) ‘책’(이)라고")).toBe("김이 나가 ‘책’이라고");
});

test("the language follows the system", () => {
  expect(languageFor("ko_KR.UTF-8")).toBe("ko");
  expect(languageFor("ko")).toBe("ko");
  expect(languageFor("kok-IN")).toBe("en");
  expect(languageFor("de-DE")).toBe("en");
});
