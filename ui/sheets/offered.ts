// Whether an offer may hold programs. The question names only what lies at the top, so a folder counts as one that may.
import type { QuestionRow } from "~/bridge/words";

const PROGRAM = /(^[^.]+|\.(sh|bash|zsh|fish|py|pl|rb|run|bin|appimage|x86_64|aarch64|elf|out))$/i;

export function mayRun(row: QuestionRow): boolean {
  const names = row.names ?? [];
  return (row.items ?? names.length) > names.length || names.some((name) => PROGRAM.test(name));
}
