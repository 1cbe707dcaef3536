// One line about who sees this device. `now` in milliseconds.
import type { MeRow } from "~/bridge/words";
import { isLooking } from "~/state/looking";
import { t } from "~/text/text.svelte";

export function seenBy(me: MeRow, now: number): string {
  const line = t(`see.${me.visibility}`);
  if (me.until == null) return line;
  if (isLooking()) return t("see.whileLooking", { line });
  const minutes = Math.max(1, Math.ceil((me.until - now / 1000) / 60));
  return t("see.for", { line, minutes });
}
