// Where a transfer stands, in a sentence.
import type { TransferRow } from "~/bridge/words";
import { shown } from "~/text/shown";
import { t } from "~/text/text.svelte";

export function stateLine(row: TransferRow): string {
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
      return row.failed?.length ? t("transfer.failed", { count: row.failed.length }) : t("transfer.dropped");
  }
}
