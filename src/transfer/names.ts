/**
 * Names are bytes (R10). Inside the engine a name or path is a string with one character per byte (latin1): lossless,
 * cheap to compare, and in the order of the bytes.
 */
export type ByteName = string;

// One character beyond ASCII is enough to need a Buffer; the range is written out because names hold control characters.
const BEYOND_ASCII = /[\u0080-\u00ff]/;

/** What Node's file system calls take: a string where every byte is ASCII, otherwise the bytes themselves. */
export function toFs(path: ByteName): string | Buffer {
  return BEYOND_ASCII.test(path) ? Buffer.from(path, 'latin1') : path;
}

/** The bytes of a path that came as text, such as an option. */
export function fromText(text: string): ByteName {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** A path below a root; the root itself for the empty path. */
export function under(root: ByteName, path: ByteName): ByteName {
  if (path === '') return root;
  return root === '/' ? `/${path}` : `${root}/${path}`;
}

/** A path of one more component. */
export function join(folder: ByteName, name: ByteName): ByteName {
  return folder === '' ? name : `${folder}/${name}`;
}

/** For people and lists: valid UTF-8 as text, other bytes, control characters and the backslash as \xHH. Reversible. */
export function shown(path: ByteName): string {
  const text = Buffer.from(path, 'latin1').toString('utf8');
  const valid = Buffer.from(text, 'utf8').toString('latin1') === path;
  return (valid ? text : path).replace(valid ? /[\p{Cc}\\]/gu : /[^ -[\]-~]/g, (character) =>
    [...Buffer.from(character, valid ? 'utf8' : 'latin1')]
      .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
      .join(''),
  );
}

/** The mark at a destination's root that says which ledger it belongs to. No part of the tree. */
export const SENTINEL_NAME = '.icewarp-rollout-transfer';

/** The file at a destination's root that says who writes there now. No part of the tree. */
export const LEASE_NAME = `${SENTINEL_NAME}.lease`;

/** Begins every temporary name: matches no pattern of a mail server, and tells a sweep whose it is (R17). */
const TEMP_PREFIX = '.iw~';

/** A temporary name out of what tells it from every other one, such as run, lane and number. */
export function tempName(...parts: readonly (string | number)[]): ByteName {
  return `${TEMP_PREFIX}${parts.join('.')}`;
}

/** Whether a name is a temporary one of any run of ours. */
export function isTemp(name: ByteName): boolean {
  return name.startsWith(TEMP_PREFIX);
}

/** Everything that `tempName` makes in a tree. */
const OUR_TEMP = /^\.iw~(?:[0-9a-f]{8}\.[0-9a-z.]+|(?:sentinel|lease)\.[0-9a-f]+)$/;

/** Whether a name that begins like ours is really one: a temporary one, or that of the mark or of the lease. */
export function isMadeByUs(name: ByteName): boolean {
  return OUR_TEMP.test(name) || name === SENTINEL_NAME || name === LEASE_NAME;
}

/** Names that are the engine's own, on either side: temporary ones, the sentinel, the lease. */
export function isOwn(name: ByteName): boolean {
  return isTemp(name) || name.startsWith(SENTINEL_NAME);
}
