import { constants, type BigIntStats } from 'node:fs';

import { RACY } from './content.js';
import { codeOf, lstat, open, type Sequence } from './io.js';
import { clamp } from './kept.js';
import { changed, Ended, type Place } from './place.js';
import { FileState, FileType, type FileRow, type Identity } from './row.js';
import { heldTime } from './source-facts.js';
import type { SourceFacts } from './work.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Opens a source file without following a link and without waiting for a pipe's other end. */
export function* openSource(path: string | Buffer): Sequence<number> {
  try {
    return yield* open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    throw sourceEnd(error);
  }
}

/** Reads of the source: a folder can be opened like a file, and only reading it fails. */
export function* reading<T>(sequence: Sequence<T>): Sequence<T> {
  try {
    return yield* sequence;
  } catch (error) {
    throw codeOf(error) === 'EISDIR' ? new Ended(changed('it is something else now')) : error;
  }
}

/** What an error of the source means for the entry. */
function sourceEnd(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return new Ended({ is: 'vanished' });
  if (code === 'ELOOP' || code === 'ENXIO') return new Ended(changed('it is something else now'));
  if (code === 'EACCES' || code === 'EPERM') {
    return new Ended({ is: 'skipped', reason: 'DENIED', detail: `cannot be read: ${code}` });
  }
  return error;
}

export function sameIdentityAs(a: Identity, b: Identity): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.ctime === b.ctime && a.ino === b.ino;
}

export function sameFile(facts: SourceFacts, after: BigIntStats): boolean {
  return sameIdentityAs(facts, {
    size: after.size,
    mtime: heldTime(after.mtimeNs),
    ctime: heldTime(after.ctimeNs),
    ino: after.ino,
  });
}

/** The name still leads to the file that was read (R7). */
export function* stillThere(path: string | Buffer, read: BigIntStats): Sequence<void> {
  let now: BigIntStats;
  try {
    now = yield* lstat(path);
  } catch (error) {
    throw sourceEnd(error);
  }
  if (now.ino !== read.ino || now.dev !== read.dev) throw new Ended(changed('another file took its name'));
}

export function rowOf({ rules, generation }: Place, facts: SourceFacts, digest: Uint8Array, took: bigint): FileRow {
  const window = rules.granularity > 1_000_000_000n ? 2n * rules.granularity : RACY;
  const recent = took - window;
  return {
    size: facts.size,
    mtime: facts.mtime,
    ctime: facts.ctime,
    ino: facts.ino,
    mode: facts.mode & 0o7777,
    uid: facts.uid,
    gid: facts.gid,
    state: facts.mtime > recent || facts.ctime > recent ? FileState.racy : FileState.done,
    type: FileType.file,
    linked: facts.links > 1,
    timeLost: clamp(facts.mtime, rules) !== facts.mtime,
    generation,
    hash: digest,
  };
}
