/**
 * Names are bytes. Here they are strings with one character per byte (latin1): nothing is lost, they can be keys, and
 * they sort as bytes do.
 */
export type ByteName = string;

/** The bytes of a name, for calls of `node:fs`. */
export function bytesOf(name: ByteName): Buffer {
  return Buffer.from(name, 'latin1');
}

/** The name of a text, which is UTF-8 on disk. */
export function nameOf(text: string): ByteName {
  return Buffer.from(text).toString('latin1');
}

/** For people: what is not printable ASCII as \xHH. */
export function shown(name: ByteName): string {
  return name.replace(/[^\x20-\x5b\x5d-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
