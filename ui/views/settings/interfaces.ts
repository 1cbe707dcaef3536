// Names of network interfaces as a person types them. Pure.

export type NameFault = "bad" | "twice";

/** The kernel's rule: 1 to 15 visible ASCII characters; and each only once. */
export function interfaceFault(name: string, list: readonly string[]): NameFault | null {
  if (!/^[\x21-\x7e]{1,15}$/.test(name)) return "bad";
  return list.includes(name) ? "twice" : null;
}
