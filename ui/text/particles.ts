// Korean particles that depend on the sound before them: 을(를), 이(가), 와(과), 은(는), (이)라. After a Hangul syllable the
// right one is known; after anything else both stay, as Koreans write it themselves.

const PAIRS: Record<string, readonly [closed: string, open: string]> = {
  "을(를)": ["을", "를"],
  "이(가)": ["이", "가"],
  "은(는)": ["은", "는"],
  "와(과)": ["과", "와"],
  "(이)라": ["이라", "라"],
};
const PARTICLE = /([가-힣])([’”»\u2069]?)(을\(를\)|이\(가\)|은\(는\)|와\(과\)|\(이\)라)/g;

export function particles(text: string): string {
  return text.replace(PARTICLE, (_, before: string, quote: string, particle: string) => {
    const closed = (before.charCodeAt(0) - 0xac00) % 28 !== 0;
    return before + quote + (PAIRS[particle]?.[closed ? 0 : 1] ?? particle);
  });
}
