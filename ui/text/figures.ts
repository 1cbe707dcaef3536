// Figures as a person reads them: sizes, speeds, times. Pure; the locale and `now` are arguments.
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;
const plain = new Map<string, Intl.NumberFormat>();

function number(value: number, tag: string, digits: number): string {
  const name = `${tag}${digits}`;
  let format = plain.get(name);
  if (!format) {
    format = new Intl.NumberFormat(tag, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    plain.set(name, format);
  }
  return format.format(value);
}

/** `1.4 MB`: powers of ten, like file managers. */
export function bytes(count: number, tag: string): string {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, tag, unit > 0 && value < 100 ? 1 : 0)}\u00a0${UNITS[unit]}`;
}

export const count = (value: number, tag: string): string => number(value, tag, 0);

/** Share of a whole, 0 to 100, never 100 before everything is there. */
export function percent(done: number, total: number): number {
  if (total <= 0) return 0;
  return done >= total ? 100 : Math.min(99, Math.floor((done / total) * 100));
}

/** Seconds left at this speed; `null` when nobody can say. */
export function secondsLeft(done: number, total: number, bytesPerSecond: number): number | null {
  if (bytesPerSecond <= 0 || done >= total) return null;
  const left = (total - done) / bytesPerSecond;
  return left > 359_999 ? null : Math.ceil(left);
}

/** `0:42`, `12:05`, `1:02:30`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const sameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString();

/** Time of day today, with the date before. `at` in seconds since 1970, `now` in milliseconds. */
export function moment(at: number, now: number, tag: string): string {
  const date = new Date(at * 1000);
  const today = new Date(now);
  const time: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit" };
  if (sameDay(date, today)) return new Intl.DateTimeFormat(tag, time).format(date);
  const day: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };
  const year: Intl.DateTimeFormatOptions = date.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(tag, { ...year, ...day, ...time }).format(date);
}

/** When something ends: a time today, a weekday within six days, else a date. `at` in seconds since 1970, `now` in milliseconds. */
export function ending(at: number, now: number, tag: string): string {
  const date = new Date(at * 1000);
  const time: Intl.DateTimeFormatOptions = { hour: "numeric", minute: "2-digit" };
  if (sameDay(date, new Date(now))) return new Intl.DateTimeFormat(tag, time).format(date);
  if (at * 1000 > now && at * 1000 - now < 6 * 86_400_000) {
    // Put together here: some languages put a weekday before a time into brackets.
    const weekday = new Intl.DateTimeFormat(tag, { weekday: "long" }).format(date);
    return `${weekday} ${new Intl.DateTimeFormat(tag, time).format(date)}`;
  }
  const year: Intl.DateTimeFormatOptions = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(tag, { weekday: "long", month: "long", day: "numeric", ...year }).format(date);
}

/** A date, for certificates: from RFC 3339 or seconds. */
export function date(at: string | number, tag: string): string {
  const value = new Date(typeof at === "number" ? at * 1000 : at);
  if (Number.isNaN(value.getTime())) return String(at);
  return new Intl.DateTimeFormat(tag, { dateStyle: "medium" }).format(value);
}

/** `a1b2 c3d4 …`: a fingerprint in groups of four. */
export const grouped = (hex: string): string => hex.replace(/(.{4})(?=.)/g, "$1 ");

/** `4 8 2 9 1 7`: the code as a screen reader must say it. */
export const spelled = (code: string): string => [...code.replace(/\s/g, "")].join(" ");

/** A number that is the same for all moments of one day, by the local calendar. */
export function day(at: number): number {
  const moment = new Date(at * 1000);
  return moment.getFullYear() * 10_000 + moment.getMonth() * 100 + moment.getDate();
}

/** `Today`, else the date with its weekday. */
export function dayName(at: number, now: number, tag: string, today: string): string {
  if (day(at) === day(now / 1000)) return today;
  return new Intl.DateTimeFormat(tag, { weekday: "long", month: "long", day: "numeric" }).format(new Date(at * 1000));
}
