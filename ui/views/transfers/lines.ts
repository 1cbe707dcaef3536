// Where a transfer stands, in a sentence.
import type { ErrorCode, TransferRow } from "~/bridge/words";
import { codeText } from "~/state/desk.svelte";
import { shown } from "~/text/shown";
import { t } from "~/text/text.svelte";

/** `code`: why it ended, if that is known. */
export function stateLine(row: TransferRow, code?: ErrorCode): string {
  const incoming = row.direction === "in";
  switch (row.state) {
    case "offered":
      return incoming ? t("transfer.offered.in") : t("transfer.offered.out", { name: shown(row.name, 40) });
    case "accepted":
      return t("transfer.accepted");
    case "moving":
      return incoming ? t("transfer.receiving") : t("transfer.sending");
    case "paused":
      return t("transfer.paused");
    case "checking":
      return t("transfer.checking");
    case "kept":
      if (row.failed?.length) return t("transfer.failed", { count: row.failed.length });
      if (incoming) return t("transfer.kept.in");
      return row.receipt ? t("transfer.kept.out") : t("transfer.kept.unconfirmed");
    case "dropped":
      if (row.failed?.length) return t("transfer.failed", { count: row.failed.length });
      // The code's own words are for whoever was told no.
      if (incoming && code === "Declined") return t("asked.declined");
      return code ? codeText(code) : t("transfer.dropped");
  }
}
