// What the details of a device near say. Pure.
import type { PeerRow } from "~/bridge/words";
import type { Fact } from "~/parts/Facts.svelte";
import { grouped } from "~/text/figures";
import { t } from "~/text/text.svelte";

/** A distance that is told may be wrong by this factor, either way. */
const ERROR = 2;

/** `about 2.5 m, probably 1.3 to 5 m`: an estimate never stands without its error. */
export function distance(metres: number, tag: string): string {
  const figure = (value: number) => new Intl.NumberFormat(tag, { maximumFractionDigits: value < 9.5 ? 1 : 0 }).format(value);
  return t("device.distance.value", { about: figure(metres), low: figure(metres / ERROR), high: figure(metres * ERROR) });
}

export const heardBy = (row: PeerRow): string => row.media.map((one) => t(`medium.${one}`)).join(", ");

export function deviceFacts(row: PeerRow, tag: string): Fact[] {
  const signal = (dbm: number) => new Intl.NumberFormat(tag).format(dbm);
  return [
    { term: t("device.trust"), value: t(`trust.${row.trust}.long`) },
    { term: t("device.heard"), value: heardBy(row) },
    ...(row.nearness != null ? [{ term: t("device.nearness"), value: t(`nearness.${row.nearness}`) }] : []),
    ...(row.metres != null ? [{ term: t("device.distance"), value: distance(row.metres, tag) }] : []),
    ...(row.rssi != null ? [{ term: t("device.signal"), value: `${signal(row.rssi)} dBm` }] : []),
    ...(row.routes.length > 0 ? [{ term: t("device.addresses"), value: row.routes.join(", "), mono: true }] : []),
    { term: t("device.id"), value: grouped(row.peer), mono: true },
  ];
}
