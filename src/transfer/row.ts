import { RolloutError } from '../cluster/errors.js';
import { isTemp } from './names.js';

/** How far the ledger knows a file to be right at the destination. */
export const FileState = {
  /** As the source was when it was read. */
  done: 1,
  /** Changed so shortly before it was read that the same times could hide another change (R6): hashed again next time. */
  racy: 2,
} as const;
export type FileState = (typeof FileState)[keyof typeof FileState];

export const FileType = { file: 1, link: 2 } as const;
export type FileType = (typeof FileType)[keyof typeof FileType];

/** Who a source file is: equal in all of it, it is unchanged (R5). Times in nanoseconds. */
export interface Identity {
  readonly size: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
  readonly ino: bigint;
}

/** What the ledger holds of one file or symbolic link. */
export interface FileRow extends Identity {
  readonly state: FileState;
  readonly type: FileType;
  /** More than one name in the source. */
  readonly linked: boolean;
  /** The destination cannot hold its time: listed in every pass. */
  readonly timeLost: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** The pass that wrote it at the destination. */
  readonly generation: number;
  /** sha256 of the content, of the list of chunk hashes for large files (R20), of a link's target. */
  readonly hash: Uint8Array;
}

const LINKED = 0x80;
const TIME_LOST = 0x40;

/** Bytes of an encoded row. */
export const ROW_SIZE = 80;

/** Writes a row into a buffer at an offset. */
export function writeRow(into: Buffer, at: number, row: FileRow): void {
  into[at] = row.state;
  into[at + 1] = row.type | (row.linked ? LINKED : 0) | (row.timeLost ? TIME_LOST : 0);
  into.writeUInt16LE(row.mode & 0xffff, at + 2);
  into.writeUInt32LE(row.uid, at + 4);
  into.writeUInt32LE(row.gid, at + 8);
  into.writeUInt32LE(row.generation, at + 12);
  // Buffer's own methods for 64 bits are many times slower than these
  const view = new DataView(into.buffer, into.byteOffset + at, ROW_SIZE);
  view.setBigUint64(16, row.size, true);
  view.setBigInt64(24, row.mtime, true);
  view.setBigInt64(32, row.ctime, true);
  view.setBigUint64(40, row.ino, true);
  into.set(row.hash, at + 48);
}

/**
 * @param from also plain bytes: that is what a Buffer becomes between threads.
 * @throws RolloutError LEDGER_DAMAGED when no row is written so.
 */
export function readRow(from: Uint8Array): FileRow {
  if (from.length !== ROW_SIZE) throw damaged();
  const view = new DataView(from.buffer, from.byteOffset, ROW_SIZE);
  const type = view.getUint8(1);
  const state = view.getUint8(0);
  const kind = type & ~(LINKED | TIME_LOST);
  if (state < FileState.done || state > FileState.racy) throw damaged();
  if (kind < FileType.file || kind > FileType.link) throw damaged();
  return {
    state: state as FileState,
    type: kind as FileType,
    linked: (type & LINKED) !== 0,
    timeLost: (type & TIME_LOST) !== 0,
    mode: view.getUint16(2, true),
    uid: view.getUint32(4, true),
    gid: view.getUint32(8, true),
    generation: view.getUint32(12, true),
    size: view.getBigUint64(16, true),
    mtime: view.getBigInt64(24, true),
    ctime: view.getBigInt64(32, true),
    ino: view.getBigUint64(40, true),
    hash: Uint8Array.prototype.slice.call(from, 48, 80),
  };
}

/** Compares without decoding: the walk does this once per file. */
export function sameIdentity(row: Buffer, { size, mtime, ctime, ino }: Identity): boolean {
  const view = new DataView(row.buffer, row.byteOffset, ROW_SIZE);
  return (
    view.getBigInt64(24, true) === mtime &&
    view.getBigInt64(32, true) === ctime &&
    view.getBigUint64(16, true) === size &&
    view.getBigUint64(40, true) === ino
  );
}

/** Whether a row's copy has not the time of its original. */
export function hasLostTime(row: Buffer): boolean {
  return ((row[1] ?? 0) & TIME_LOST) !== 0;
}

export function stateOf(row: Buffer): FileState {
  return row[0] as FileState;
}

/** What a folder's row says. */
export interface FolderRow {
  readonly id: number;
  /**
   * foreign: was at the destination before us. own: made by us. staging: filled beside its place under `stage`, and
   * not yet renamed into it.
   */
  readonly made: 'foreign' | 'own' | 'staging';
  readonly stage: string;
  /** The pass that made it. */
  readonly generation: number;
  /** Attributes as last set at the destination; 0n mtime with `settled` false: not yet. */
  readonly settled: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: bigint;
  /** The source folder's own inode: a link or another folder in its place is noticed. */
  readonly ino: bigint;
}

const MADE = ['foreign', 'own', 'staging'] as const;
const FOLDER_SIZE = 48;

export function encodeFolder(row: FolderRow): Buffer {
  const stage = Buffer.from(row.stage, 'latin1');
  const into = Buffer.alloc(FOLDER_SIZE + stage.length);
  into.writeUIntLE(row.id, 0, 6);
  into[6] = MADE.indexOf(row.made);
  into[7] = row.settled ? 1 : 0;
  into.writeUInt32LE(row.generation, 8);
  into.writeUInt32LE(row.mode, 12);
  into.writeUInt32LE(row.uid, 16);
  into.writeUInt32LE(row.gid, 20);
  into.writeBigInt64LE(row.mtime, 24);
  into.writeBigUInt64LE(row.ino, 32);
  into.set(stage, FOLDER_SIZE);
  return into;
}

/** @throws RolloutError LEDGER_DAMAGED when no row is written so. */
export function decodeFolder(from: Buffer): FolderRow {
  const made = MADE[from[6] ?? MADE.length];
  const stage = from.toString('latin1', FOLDER_SIZE);
  // a staging folder has one of our names: any other could lead elsewhere
  if (from.length < FOLDER_SIZE || made === undefined || (from[7] ?? 2) > 1) throw damaged();
  if (stage !== '' && (!isTemp(stage) || /[/\0]/.test(stage))) throw damaged();
  return {
    id: from.readUIntLE(0, 6),
    made,
    settled: from[7] === 1,
    generation: from.readUInt32LE(8),
    mode: from.readUInt32LE(12),
    uid: from.readUInt32LE(16),
    gid: from.readUInt32LE(20),
    mtime: from.readBigInt64LE(24),
    ino: from.readBigUInt64LE(32),
    stage,
  };
}

function damaged(): RolloutError {
  return new RolloutError('LEDGER_DAMAGED', 'the ledger holds a row that is none');
}
