// What is said about certificates and tokens, and how they are grouped.
import { expect, test } from "vitest";
import { CARD_IDENTITIES, TOKENS, identity, token } from "~/bridge/fake/cards";
import { CAPABILITIES, IDENTITIES } from "~/bridge/fake/rows";
import { base64, pemOrDer } from "./bytes";
import { cardsAllowed, fitting, groupsOf, keyWords, nameIn, parts, standing, whereabouts } from "./holdings";

test("a name is the common name, with what was escaped put right", () => {
  expect(nameIn("CN=Kim\\, Min-ji,O=Ministry")).toBe("Kim, Min-ji");
  expect(nameIn("O=Ministry, CN=Kim Min-ji")).toBe("Kim Min-ji");
  expect(nameIn("O=Ministry,C=EX")).toBe("Ministry");
  expect(nameIn("C=EX")).toBe("C=EX");
  expect(nameIn("")).toBe("");
});

test("a common name cannot bring in another part of the subject", () => {
  expect(parts("CN=Eve\\,O=Ministry,O=Elsewhere")).toEqual([{ type: "CN", value: "Eve,O=Ministry" }, { type: "O", value: "Elsewhere" }]);
});

test("hidden characters in a name are shown", () => {
  expect(nameIn("CN=A\u202eb")).toBe("A\\u{202e}b");
});

test("kinds of keys are said in words, and an unknown one as it is", () => {
  expect(["p256", "rsa3072", "ed25519", "x<1>"].map(keyWords)).toEqual(["Elliptic curve P-256", "RSA, 3072 bits", "Ed25519", "x<1>"]);
});

test("validity is said in words, with a warning before its end", () => {
  const row = identity("Kim");
  expect(standing(row, Date.parse("2026-03-14T00:00:00Z"))).toEqual({ says: "Valid until May 3, 2028", tone: "plain" });
  expect(standing(row, Date.parse("2028-04-20T00:00:00Z"))).toEqual({ says: "Valid until May 3, 2028 · 13 days left", tone: "warn" });
  expect(standing(row, Date.parse("2028-05-04T00:00:00Z"))).toEqual({ says: "Expired on May 3, 2028", tone: "bad" });
  expect(standing(row, Date.parse("2025-01-01T00:00:00Z")).says).toBe("Valid only from May 3, 2025");
});

test("the place of a key is told apart: card, keyring, file, device", () => {
  const card = CARD_IDENTITIES[0]!;
  expect(whereabouts(card, "Reader 1")).toBe("Key on “Ministry staff card” in Reader 1");
  expect(whereabouts(card)).toBe("Key on “Ministry staff card”");
  expect(whereabouts({ ...card, source: "file", kept: "secret-service", token: null })).toBe("Key in the desktop’s keyring");
  expect(whereabouts({ ...card, source: "file", kept: "file", token: null })).toBe("Key in a file that only you can read");
  expect(whereabouts(IDENTITIES[0]!)).toBe("Key on this device");
});

test("certificates stand under the token that lists them, files last", () => {
  const groups = groupsOf(fitting([...IDENTITIES, ...CARD_IDENTITIES], { query: "", hardware: false }), TOKENS);
  expect(groups.map((group) => [group.label, group.rows.length])).toEqual([["Ministry staff card", 2], ["Old badge", 0], ["", 1]]);
});

test("two cards with the same label keep their own certificates, and one that has just gone keeps its label", () => {
  const [a, b, c] = [identity("A", { token: "PIV" }), identity("B", { token: "PIV" }), identity("C", { token: "Gone" })];
  const groups = groupsOf([a!, b!, c!], [token("PIV", [a!], { serial: "1" }), token("PIV", [b!], { serial: "2" })]);
  expect(groups.map((group) => [group.label, group.rows.map((row) => row.id)])).toEqual([
    ["PIV", [a!.id]], ["PIV", [b!.id]], ["Gone", [c!.id]],
  ]);
});

test("a card that two modules reach stands there once", () => {
  const row = identity("A", { token: "PIV" });
  const twice = [token("PIV", [row]), token("PIV", [row], { reader: "the same, by another module" })];
  expect(groupsOf(fitting([row, row], { query: "", hardware: false }), twice).map((group) => group.rows.length)).toEqual([1]);
});

test("the filter looks into names, issuers and tokens, and keeps what is in hardware alone if asked", () => {
  const all = [...IDENTITIES, ...CARD_IDENTITIES];
  expect(fitting(all, { query: "", hardware: true })).toHaveLength(2);
  expect(fitting(all, { query: "weber family", hardware: false })).toHaveLength(1);
  expect(fitting(all, { query: "STAFF", hardware: false })).toHaveLength(2);
});

test("cards are on, off, or nothing this version knows", () => {
  const right = CAPABILITIES.find((row) => row.name === "sharedUserCertificates")!;
  expect(cardsAllowed(right)).toBe("on");
  expect(cardsAllowed({ ...right, granted: false })).toBe("off");
  expect(cardsAllowed({ ...right, declared: false })).toBe("never");
  expect(cardsAllowed(undefined)).toBe("never");
});

test("a file goes to the agent as PEM, or whole as base64", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(pemOrDer(bytes("-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n"))).toContain("BEGIN X509 CRL");
  expect(pemOrDer(new Uint8Array([0x30, 0x82, 0xff]))).toBe("MIL/");
  expect(base64(new Uint8Array(100_000).fill(255))).toHaveLength(4 * Math.ceil(100_000 / 3));
});
