// What a token wants of its PIN. Pure; the PIN is looked at and not kept.
import { t } from "~/text/text.svelte";

/** How many characters it has, in words; `null` where the token does not say. 0 means no limit. */
export function lengths(min: number, max: number): string | null {
  if (min > 0 && max > 0) return min === max ? t("pin.exact", { count: min }) : t("pin.range", { min, max });
  if (min > 0) return t("pin.least", { count: min });
  return max > 0 ? t("pin.most", { count: max }) : null;
}

/** Whether a token could take it: what it could not take spends no try. An empty PIN is never sent. */
export function fits(pin: string, min: number, max: number): boolean {
  const { length } = [...pin];
  return length > 0 && length >= min && (max <= 0 || length <= max);
}
