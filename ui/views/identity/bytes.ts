// What was in a file, as the agent wants it. Pure.

/** Largest file with a certificate and its key, in bytes: the agent's own limit. */
export const MAX_IDENTITY = 256 * 1024;
/** Largest file with an authority's certificate. */
export const MAX_AUTHORITY = 64 * 1024;
/** Largest revocation list that the window hands over: more does not fit into one request. */
export const MAX_LIST = 360 * 1024;

export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** PEM as it is, anything else as base64. */
export function pemOrDer(bytes: Uint8Array): string {
  const text = new TextDecoder("utf-8").decode(bytes);
  return bytes[0] !== 0x30 && text.includes("-----BEGIN ") ? text : base64(bytes);
}
