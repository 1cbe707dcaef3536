// The agent's reasons in plain words, and what is not known as it is.
import { expect, test } from "vitest";
import { plainly, purpose } from "./plainly";
import { setLanguage } from "./text.svelte";

const SAID: [string, string][] = [
  ["the other person declined", "they said no."],
  ["costed network", "only a network that costs extra is there."],
  ["it is not known which network this machine is in", "Nobody can tell which network this computer is on. Allow it on any network, or leave it."],
  ["the PIN was wrong", "That PIN was wrong."],
  ["the PIN was wrong: one try is left", "That PIN was wrong. One try is left."],
  ['"Staff" is blocked after too many wrong PINs', "This card is locked after too many wrong PINs. Its PUK can unlock it."],
  ["this token is blocked after too many wrong PINs; its PUK can unblock it", "This card is locked after too many wrong PINs. Its PUK can unlock it."],
  ['a PIN of "Staff" has 6 to 8 characters', "A PIN of this card has 6 to 8 characters. No try was spent."],
  ["the certificate expired on 2025-05-03T00:00:00Z", "It expired on May 3, 2025."],
  ["the certificate is not for signing in (no clientAuth)", "It is meant for something other than signing in."],
  ["the service for card readers (pcscd) is not running", "The service for card readers (pcscd) does not run."],
  ['"Staff" was taken out', "The card was taken out."],
  ["the software of the card (opensc) did not answer within 4.5 s and was ended", "The card’s software did not answer and was ended. Take the card out, insert it again, and try once more."],
  ["no authority you trust vouches for the certificate", "it comes from an authority you do not trust."],
  ["the certificate, or one above it, was revoked", "it was revoked. Ask the person by another way what happened."],
  ["the card reports CKR_DEVICE_ERROR", "The card reports a fault (CKR_DEVICE_ERROR). Take it out, insert it again, and try once more."],
];

test.each(SAID)("%s", (reason, words) => {
  setLanguage("en");
  expect(plainly(reason)).toBe(words);
});

test("what a PIN is for is said in the person's language, and a name in it stays a name", () => {
  setLanguage("en");
  expect(purpose("to invite Ana")).toBe("To invite Ana");
  expect(purpose("to answer {name}")).toBe("To answer {name}");
  expect(purpose("to open the link of the other device")).toBe("To follow the invite link of the other device");
  expect(purpose("to make tea")).toBe("to make tea");
  setLanguage("ko");
  expect(purpose("to invite Ana")).toBe("Ana 초대");
  setLanguage("en");
});

test("each of them is said in Korean, too", () => {
  setLanguage("ko");
  for (const [reason] of SAID) expect(plainly(reason)).toMatch(/[가-힣]/);
  setLanguage("en");
});

test("what is not known is shown as it is, with hidden characters made visible", () => {
  expect(plainly("the flux\u202e is empty")).toBe("the flux\\u{202e} is empty");
});
