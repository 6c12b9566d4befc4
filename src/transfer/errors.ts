import { codeOf } from './io.js';
import type { SkipReason } from './types.js';

/** What an error means for the item that it hit. */
export type Trouble =
  | { readonly is: 'no room'; readonly code: string }
  | { readonly is: 'again'; readonly code: string }
  | { readonly is: 'skip'; readonly code: string; readonly reason: SkipReason };

/** The share is full: bytes, inodes or quota (R26). */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

/** What the system says of a path that leads to nothing, or through something that is no folder. */
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP'];

/** May pass by itself: the network, the server, a lock of somebody else (R27). */
const TRANSIENT = new Set([
  'EIO',
  'ESTALE',
  'ETIMEDOUT',
  'ENOTCONN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ENFILE',
  'EMFILE',
  // the folder at the destination went away or was replaced: opened anew on the next try
  ...GONE,
]);

const NAME_UNHOLDABLE = new Set(['ENAMETOOLONG', 'EINVAL', 'EILSEQ']);
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS']);

/** Whether a path leads to nothing any more: removed, or something else has taken the place of a folder on the way. */
export function isGone(code: string): boolean {
  return GONE.includes(code);
}

/** Sorts an error of the destination by what helps against it (R15, R26, R27). */
export function classify(error: unknown): Trouble {
  const code = codeOf(error) || 'UNEXPECTED';
  if (NO_ROOM.has(code)) return { is: 'no room', code };
  if (TRANSIENT.has(code)) return { is: 'again', code };
  if (NAME_UNHOLDABLE.has(code)) return { is: 'skip', code, reason: 'NAME_UNHOLDABLE' };
  if (DENIED.has(code)) return { is: 'skip', code, reason: 'DENIED' };
  return { is: 'skip', code, reason: 'FAILED' };
}
