import type { BigIntStats } from 'node:fs';
import { constants } from 'node:os';

/** A path as the file system calls take it. */
export type Path = string | Buffer;

/** Nanoseconds since the epoch. */
export interface Times {
  readonly atime: bigint;
  readonly mtime: bigint;
}

/**
 * One file system call. The engine's sequences yield them, and an interpreter answers: blocking in a worker thread
 * where calls are fast, through the thread pool where each of them crosses a network. So there is one copy sequence,
 * and it is the one that is tested.
 */
export type Call =
  | { readonly op: 'open'; readonly path: Path; readonly flags: number; readonly mode: number }
  | {
      readonly op: 'read';
      readonly fd: number;
      readonly buffer: Buffer;
      readonly length: number;
      readonly position: number | null;
      /** A short read is the end: past the cache there is no reading on from an odd offset. */
      readonly once: boolean;
    }
  | {
      readonly op: 'write';
      readonly fd: number;
      readonly buffer: Buffer;
      readonly length: number;
      readonly position: number | null;
    }
  | { readonly op: 'fstat'; readonly fd: number }
  | { readonly op: 'fsync' | 'close'; readonly fd: number }
  | { readonly op: 'lstat' | 'readlink' | 'readdir'; readonly path: Path }
  | { readonly op: 'unlink' | 'rmdir'; readonly path: Path }
  | { readonly op: 'rename' | 'link'; readonly from: Path; readonly to: Path }
  | { readonly op: 'symlink'; readonly target: Path; readonly path: Path }
  | { readonly op: 'mkdir'; readonly path: Path; readonly mode: number }
  | { readonly op: 'ftruncate'; readonly fd: number; readonly length: number }
  | { readonly op: 'fchmod'; readonly fd: number; readonly mode: number }
  | { readonly op: 'fchown'; readonly fd: number; readonly uid: number; readonly gid: number }
  | { readonly op: 'lchown'; readonly path: Path; readonly uid: number; readonly gid: number }
  | { readonly op: 'futimes'; readonly fd: number; readonly times: Times }
  | { readonly op: 'lutimes'; readonly path: Path; readonly times: Times }
  /** Waits until so many bytes and files fit into the budget; false: the pass is being stopped. */
  | { readonly op: 'budget'; readonly bytes: number; readonly files: number };

/** Steps that an interpreter carries out. */
export type Sequence<T> = Generator<Call, T, unknown>;

export const open = function* (path: Path, flags: number, mode = 0): Sequence<number> {
  return (yield { op: 'open', path, flags, mode }) as number;
};

/** @returns bytes read; fewer than `length` only at the end of the file. */
export const read = function* (
  fd: number,
  buffer: Buffer,
  length: number,
  position: number | null,
  once = false,
): Sequence<number> {
  return (yield { op: 'read', fd, buffer, length, position, once }) as number;
};

export const write = function* (fd: number, buffer: Buffer, length: number, position: number | null): Sequence<void> {
  yield { op: 'write', fd, buffer, length, position };
};

export const fstat = function* (fd: number): Sequence<BigIntStats> {
  return (yield { op: 'fstat', fd }) as BigIntStats;
};

export const lstat = function* (path: Path): Sequence<BigIntStats> {
  return (yield { op: 'lstat', path }) as BigIntStats;
};

/** What is at a path; null where nothing is, also because something above it is no folder any more. */
export const present = function* (path: Path): Sequence<BigIntStats | null> {
  try {
    return yield* lstat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return null;
    throw error;
  }
};

export const fsync = function* (fd: number): Sequence<void> {
  yield { op: 'fsync', fd };
};

export const close = function* (fd: number): Sequence<void> {
  yield { op: 'close', fd };
};

/** A link's target, one character per byte. */
export const readlink = function* (path: Path): Sequence<string> {
  return (yield { op: 'readlink', path }) as string;
};

/** Names in a folder, one character per byte. */
export const readdir = function* (path: Path): Sequence<readonly string[]> {
  return (yield { op: 'readdir', path }) as readonly string[];
};

export const unlink = function* (path: Path): Sequence<void> {
  yield { op: 'unlink', path };
};

/** Removes a file if it is there. */
export const discard = function* (path: Path): Sequence<void> {
  try {
    yield { op: 'unlink', path };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
};

export const rename = function* (from: Path, to: Path): Sequence<void> {
  yield { op: 'rename', from, to };
};

export const futimes = function* (fd: number, times: Times): Sequence<void> {
  yield { op: 'futimes', fd, times };
};

/** Codes of this system by number. */
const CODES = new Map(Object.entries(constants.errno).map(([code, number]) => [number, code]));

/**
 * The system's code of an error, such as ENOENT; empty for anything else. Node has no names for some that shares give,
 * ESTALE and EDQUOT among them: those are told by their number.
 */
export function codeOf(error: unknown): string {
  const { code, errno } = error as { code?: unknown; errno?: unknown };
  if (typeof code !== 'string') return '';
  if (!code.startsWith('Unknown system error') || typeof errno !== 'number') return code;
  return CODES.get(Math.abs(errno)) ?? code;
}
