import { RolloutError } from '../cluster/errors.js';
import type { ByteName } from './names.js';

/**
 * The ledger's tables, as the first byte of a key. Rows name folders by number, so that a path of any length fits and a
 * folder's files lie side by side (R20 and "Shape" of the transfer rules).
 */
export const TABLE = {
  /** parent, name → a folder. */
  folder: 'd',
  /** number → parent and name of a folder. */
  place: 'n',
  /** folder, name → a file or symbolic link. */
  file: 'f',
  /** folder, name → the durable part of a large file. */
  part: 'c',
  /** inode, folder, name → a name of a file that has several. */
  link: 'h',
  /** folder, unit → names that are being written: what a kill leaves half done. */
  intent: 't',
  /** inode, folder, name → a file that is gone from the source: to be moved or deleted. */
  gone: 'g',
  /** depth, folder → a folder that is gone from the source. */
  goneFolder: 'x',
  /** folder, name → a new file that is older than the last pass: perhaps one that was moved. */
  perhapsMoved: 'm',
  /** depth, folder → a folder whose attributes are to be set. */
  unsettled: 'p',
  /** inode, folder, name → a name that waits for the first one of its file. */
  linkWaits: 'l',
} as const;
export type Table = (typeof TABLE)[keyof typeof TABLE];

const ID = 6;
const INODE = 8;
const DEEPEST = 0xffff;

/** A key of folder and name. */
export function nameKey(table: Table, folder: number, name: ByteName): Buffer {
  const key = Buffer.allocUnsafe(1 + ID + name.length);
  key.write(table, 0, 'latin1');
  key.writeUIntBE(folder, 1, ID);
  key.write(name, 1 + ID, 'latin1');
  return key;
}

/** The folder of an intent: the rest of its key is no name of the tree. */
export function folderOfIntent(key: Buffer): number {
  return key.readUIntBE(1, ID);
}

/** @throws RolloutError LEDGER_DAMAGED when the name could lead elsewhere. */
export function nameOf(key: Buffer): { folder: number; name: ByteName } {
  if (key.length < 1 + ID) throw damaged();
  return { folder: key.readUIntBE(1, ID), name: ownName(key, 1 + ID) };
}

/**
 * The name at the end of a key. One that would lead out of its folder is in no ledger of ours: whoever can write to the
 * file must not be able to name what is removed or written elsewhere.
 *
 * @throws RolloutError LEDGER_DAMAGED.
 */
function ownName(key: Buffer, at: number): ByteName {
  const name = key.toString('latin1', at);
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) throw damaged();
  return name;
}

function damaged(): RolloutError {
  return new RolloutError('LEDGER_DAMAGED', 'the ledger holds a name that leads out of its folder');
}

/** A key of inode, folder and name: all names of one file lie together. */
export function inodeKey(table: Table, inode: bigint, folder: number, name: ByteName): Buffer {
  const key = Buffer.allocUnsafe(1 + INODE + ID + name.length);
  key.write(table, 0, 'latin1');
  key.writeBigUInt64BE(inode, 1);
  key.writeUIntBE(folder, 1 + INODE, ID);
  key.write(name, 1 + INODE + ID, 'latin1');
  return key;
}

/** @throws RolloutError LEDGER_DAMAGED when the name could lead elsewhere. */
export function inodeOf(key: Buffer): { inode: bigint; folder: number; name: ByteName } {
  if (key.length < 1 + INODE + ID) throw damaged();
  return {
    inode: key.readBigUInt64BE(1),
    folder: key.readUIntBE(1 + INODE, ID),
    name: ownName(key, 1 + INODE + ID),
  };
}

/** A key of depth and folder: the deepest folders come first. */
export function depthKey(table: Table, depth: number, folder: number): Buffer {
  const key = Buffer.allocUnsafe(1 + 2 + ID);
  key.write(table, 0, 'latin1');
  key.writeUInt16BE(DEEPEST - Math.min(depth, DEEPEST), 1);
  key.writeUIntBE(folder, 3, ID);
  return key;
}

export function folderOfDepthKey(key: Buffer): number {
  return key.readUIntBE(3, ID);
}

/** A key of a number alone. */
export function idKey(table: Table, id: number): Buffer {
  const key = Buffer.allocUnsafe(1 + ID);
  key.write(table, 0, 'latin1');
  key.writeUIntBE(id, 1, ID);
  return key;
}

/** The range of all keys that begin like this one. */
export function startingWith(prefix: Buffer): { start: Buffer; end: Buffer } {
  const end = Buffer.from(prefix);
  // a table is an ASCII letter, so the last byte that can grow always exists
  let last = end.length - 1;
  while (end[last] === 0xff) last -= 1;
  end[last] = (end[last] ?? 0) + 1;
  return { start: prefix, end: end.subarray(0, last + 1) };
}

/** The range of one inode's keys. */
export function ofInode(table: Table, inode: bigint): { start: Buffer; end: Buffer } {
  const key = Buffer.allocUnsafe(1 + INODE);
  key.write(table, 0, 'latin1');
  key.writeBigUInt64BE(inode, 1);
  return startingWith(key);
}

/** The range of a whole table. */
export function whole(table: Table): { start: Buffer; end: Buffer } {
  return startingWith(Buffer.from(table, 'latin1'));
}
