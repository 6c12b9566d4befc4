import { constants, realpathSync, type BigIntStats } from 'node:fs';

import { RACY } from './content.js';
import { close, codeOf, lstat, open, present, readlink, type Sequence } from './io.js';
import { clamp } from './kept.js';
import { toFs, type ByteName } from './names.js';
import { O_PATH } from './pins.js';
import { changed, Ended, type Place } from './place.js';
import { FileState, FileType, type FileRow, type Identity } from './row.js';
import { heldTime } from './source-facts.js';
import type { SourceFacts } from './work.js';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;

/** A path led through a link, or the folder that it named was renamed while it was opened. */
class Elsewhere extends Error {
  constructor(readonly code: 'ENOENT' | 'ELOOP') {
    super(code);
  }
}

/**
 * Opens what really lies at a path, without waiting for a pipe's other end: no component may be a link, not even for the
 * moment in which it is opened. The system is asked what it opened, which costs less than a walk from folder to folder.
 *
 * @param path below a root that is no link itself ({@link realRoot}).
 * @throws ELOOP, or ENOENT where nothing is at the path any more.
 */
export function* openItself(path: ByteName, flags: number): Sequence<number> {
  const fd = yield* open(toFs(path), flags | O_NOFOLLOW | O_NONBLOCK);
  let opened: string;
  try {
    opened = yield* readlink(`/proc/self/fd/${fd}`);
  } catch (error) {
    yield* close(fd);
    throw error;
  }
  // what was removed meanwhile is noticed by its name afterwards
  if (opened === path || opened === `${path} (deleted)`) return fd;
  yield* close(fd);
  throw new Elsewhere((yield* present(toFs(path))) === null ? 'ENOENT' : 'ELOOP');
}

/** Opens a source file where it really lies: a folder that was replaced by a link leads out of the tree. */
export function* openSource(path: ByteName): Sequence<number> {
  try {
    return yield* openItself(path, O_RDONLY);
  } catch (error) {
    throw sourceEnd(error);
  }
}

/** The target of a source link, read in the folder where it really lies. */
export function* readSourceLink(folder: ByteName, name: ByteName): Sequence<string> {
  const fd = yield* openItself(folder, O_PATH | O_DIRECTORY);
  try {
    return yield* readlink(toFs(`/proc/self/fd/${fd}/${name}`));
  } finally {
    yield* close(fd);
  }
}

/** The one path of a root that leads through no link: what is opened below it is compared with it. */
export function realRoot(path: string): ByteName {
  return realpathSync.native(path, 'buffer').toString('latin1');
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
