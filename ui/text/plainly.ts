// The agent's reasons about certificates and cards (English, one line) in plain words of the person's language. What is
// not known here is shown as it is, made safe. Used for showing only: nothing is decided by these words.
import { date } from "./figures";
import { shown } from "./shown";
import { region, t, type PlainKey } from "./text.svelte";

type Said = PlainKey | ((parts: string[]) => string);

const when = (key: "why.expired" | "why.early" | "why.caExpired" | "why.listOver"): Said => ([moment]) =>
  t(key, { date: date(moment ?? "", region()) });

/** The first that fits counts. */
const SAYINGS: readonly (readonly [RegExp, Said])[] = [
  [/^(?:the other person|they) (?:declined|said no)/, "why.declined"],
  [/^it is not known which network this machine is in$/, "why.nowhere"],
  [/^costed network$/, "why.costly"],
  [/^the device was not seen in time$/, "why.unseen"],
  [/no clientAuth|no digitalSignature|lacks clientAuth\)$/, "why.purpose"],
  [/cannot make RSA-PSS signatures/, "why.pss"],
  [/cannot sign with (?:keys of this kind|this key)/, "why.mechanism"],
  [/is blocked after too many wrong PINs/, "why.blocked"],
  [/has to be set first/, "why.pinUnset"],
  [/^the certificate expired on (\S+)$/, when("why.expired")],
  [/^the certificate(?:, or one above it,)? is valid only from (\S+)$/, when("why.early")],
  [/belongs to a certificate authority/, "why.isAuthority"],
  [/^the certificate's key is not accepted/, "why.key"],
  [/signed with an algorithm that is not accepted/, "why.algorithm"],
  [/^the certificate is malformed|critical extension that is not understood/, "why.malformed"],
  [/the PIN was wrong: one try is left/, "why.pinLast"],
  [/the PIN was wrong: few tries are left/, "why.pinFew"],
  [/the PIN was wrong/, "why.pinWrong"],
  [/^a PIN of .* has (\d+) to (\d+) characters/s, ([min, max]) => t("why.pinForm", { min: Number(min), max: Number(max) })],
  [/ was taken out/, "why.removed"],
  [/" is not there|^the card with the certificate .* is not there/s, "why.absent"],
  [/did not answer within .* and was ended/, "why.hung"],
  [/software of the card .* crashed/s, "why.crashed"],
  [/is busy with something else/, "why.busy"],
  [/holds no private key for this certificate/, "why.noKey"],
  [/do not belong together/, "why.mismatch"],
  [/^the card reports ([^;]+)/, ([what]) => t("why.reports", { what: shown(what ?? "", 60) })],
  [/ may not be loaded: /, "why.refused"],
  [/is not a usable PKCS#11 module/, "why.noModule"],
  [/\(pcscd\) (?:is not running|went away)/, "why.noService"],
  [/^the file has a password$/, "why.filePassword"],
  [/^the password is wrong$/, "why.fileWrong"],
  [/^there is no private key in the file$/, "why.fileNoKey"],
  [/^there are \d+ private keys in the file$/, "why.fileKeys"],
  [/^there is no certificate for the private key/, "why.fileNoCertificate"],
  [/neither PKCS#12 nor PEM/, "why.fileForm"],
  [/^the (?:file|revocation list) is larger than/, "why.fileLarge"],
  [/^the key cannot be used: only/, "why.fileKind"],
  [/file is not a certificate in PEM or DER|has to hold one certificate and nothing else/, "why.caForm"],
  [/no basicConstraints with CA|no keyCertSign/, "why.caNot"],
  [/is trusted already$/, "why.caKnown"],
  [/^the authority ".*" expired on (\S+)$/s, when("why.caExpired")],
  [/limited by name constraints/, "why.caLimits"],
  [/not a revocation list in PEM|list is of a kind that is not supported|list is from the future/, "why.listForm"],
  [/list is not by a trusted authority/, "why.listForeign"],
  [/its key did not sign it|no cRLSign/, "why.listForged"],
  [/^a newer revocation list/, "why.listOlder"],
  [/list is outdated: the next one was due on (\S+)$/, when("why.listOver")],
  [/no authority you trust vouches/, "why.untrusted"],
  [/is not signed by the one you trust/, "why.notSigned"],
  [/was revoked$/, "why.revoked"],
  [/whether the certificate was revoked is not known/, "why.stale"],
  [/^a certificate above theirs expired/, "why.above"],
  [/may not vouch for$|more authorities between/, "why.names"],
  [/do not fit together|of the certificates above theirs one cannot be used/, "why.path"],
];

/** The same in plain words; `null` if it is not one of those known here. */
export function known(reason: string): string | null {
  for (const [pattern, says] of SAYINGS) {
    const found = pattern.exec(reason);
    if (found) return typeof says === "string" ? t(says) : says(found.slice(1));
  }
  return null;
}

/** What a PIN is asked for, in the person's language. */
export function purpose(reason: string): string {
  const [, deed, name] = /^to (invite|answer|open the link of) (.*)$/s.exec(reason) ?? [];
  if (deed === undefined || name === undefined) return shown(reason, 200);
  const key = { invite: "pin.reason.invite", answer: "pin.reason.answer", "open the link of": "pin.reason.link" }[deed];
  return t(key as "pin.reason.invite", { name: shown(name, 60) });
}

/** A reason of the agent as a person reads it. */
export const plainly = (reason: string): string => known(reason) ?? shown(reason, 300);
