// The agent's warnings in plain words of the person's language. News of them have no code, so they are known by their
// sentences (English, one line); one that is not known here is shown as it is, made safe. For showing only.
import { shown } from "./shown";
import { t } from "./text.svelte";

const name = (text = "") => shown(text, 60);

const ALARMS: readonly (readonly [RegExp, (parts: string[]) => string])[] = [
  [/^something that claims to be (.+) does not hold \1's key; nothing was sent to it$/s, ([who]) => t("alarm.impostor", { name: name(who) })],
  [/^what was agreed with (.+) could not be written to disk$/s, ([who]) => t("alarm.unwritten", { name: name(who) })],
  [/^(.+) was certified as ".*" before, and is certified as ".*" now$/s, ([who]) => t("alarm.certified", { name: name(who) })],
  [/^a second device \([0-9a-f]+\) tried to use the invite link ([0-9a-f]+)/, ([link]) => t("alarm.second", { link: link ?? "" })],
  [/^the invite link ([0-9a-f]+) was made worthless after five wrong proofs$/, ([link]) => t("alarm.guessed", { link: link ?? "" })],
  [/^listening failed: /, () => t("alarm.listening")],
];

/** The warning in our own words; `null` for one that is not known. */
export function knownAlarm(message: string): string | null {
  for (const [sentence, say] of ALARMS) {
    const found = sentence.exec(message);
    if (found) return say(found.slice(1));
  }
  return null;
}

export const alarmText = (message: string): string => knownAlarm(message) ?? shown(message);
