// What the agent says about Bluetooth (English, one line), as one of the few things a person can do something about. Used
// for showing only: nothing is decided by these words.
import { t } from "./text.svelte";

/**
 * `none`: no adapter; `gone`: not the one that was chosen; `dark`: switched off or blocked; `service`: the system's
 * Bluetooth service is missing or hangs; `mute`: it hears, but cannot announce.
 */
export type Radio = "on" | "off" | "starting" | "none" | "gone" | "dark" | "service" | "denied" | "mute" | "broken";

/** The first that fits counts; what the system itself said follows in the agent's line and is not looked at. */
const SAYINGS: readonly (readonly [RegExp, Radio])[] = [
  [/^on$|^working/, "on"],
  [/^off$|^not in use|capability/, "off"],
  [/^starting$/, "starting"],
  [/^Bluetooth failed/, "broken"],
  [/no Bluetooth adapter|not supported/, "none"],
  [/chosen Bluetooth adapter is not there/, "gone"],
  [/is switched off|is blocked/, "dark"],
  [/cannot announce|places the Bluetooth adapter has/, "mute"],
  [/not permitted/, "denied"],
  [/bluetoothd|Bluetooth service|message bus/, "service"],
];

export const radioOf = (said: string): Radio => SAYINGS.find(([pattern]) => pattern.test(said))?.[1] ?? "broken";

/** What is wrong, in a sentence; `null` when it works. */
export const radioText = (radio: Radio): string | null => (radio === "on" ? null : t(`radio.${radio}`));

/** What to do about it. */
export const radioDo = (radio: Radio): string | null => (radio === "on" ? null : t(`radio.${radio}.do`));

/** Why an invite to a device that is heard over Bluetooth came to nothing, where its code alone would mislead. */
export function radioFailure(message: string): string | null {
  if (/heard by Bluetooth, but no network joins/.test(message)) return t("radio.apart");
  return /^the device did not let this one in/.test(message) ? t("radio.shut") : null;
}
