import { constants } from 'node:fs';

import { hashContent } from './content.js';
import { asWeLeftIt, attributes } from './kept.js';
import { quietly } from './calls.js';
import { isGone } from './errors.js';
import {
  close,
  codeOf,
  discard,
  fsync,
  lstat,
  open,
  present,
  readdir,
  rename,
  unlink,
  write,
  type Sequence,
} from './io.js';
import { isTemp, join, toFs, under, type ByteName } from './names.js';
import type { Pinned } from './pins.js';
import { setAside } from './quarantine.js';
import { readRow } from './row.js';
import { openItself } from './source-file.js';
import { syncFolder, type Bench } from './unit.js';
import type { FolderFacts } from './work.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY } = constants;

/** How removing, moving or linking one file ended; `code` says why it was kept, or that it lies in quarantine, or was done. */
export interface Tidied {
  readonly is: 'done' | 'kept';
  readonly code?: 'DEST_CHANGED' | 'FOREIGN' | 'BACK' | 'DIFFERENT' | 'CONFLICT' | 'ALREADY' | 'APART';
}

export interface GoneFile {
  readonly name: ByteName;
  readonly row: Uint8Array;
  /** The row only says what a kill may have left: anything else is not ours, and not looked at any further. */
  readonly unknown?: boolean;
}

/**
 * Removes copies of files that are gone from the source: each only while the source still has not got it and the copy is
 * as we left it (R18). Durable when it returns.
 */
export function* deleteFiles(bench: Bench, path: ByteName, files: readonly GoneFile[]): Sequence<Tidied[]> {
  const answers: Tidied[] = [];
  let folder: Pinned;
  try {
    folder = yield* bench.pins.hold(path);
  } catch (error) {
    // somebody has removed the folder with all that was in it
    if (!isGone(codeOf(error))) throw error;
    return files.map(() => ({ is: 'done' }));
  }
  try {
    const wasThere = yield* isSourceFolder(bench, path);
    for (const { name, row, unknown } of files) {
      // a folder, too, may come back between two files
      const isThere = wasThere || (yield* isSourceFolder(bench, path));
      const source = isThere ? yield* present(toFs(`${under(bench.source, path)}/${name}`)) : null;
      // a folder that took the place of a file does not bring the file back
      if (source !== null && !source.isDirectory()) {
        answers.push({ is: 'kept', code: 'BACK' });
        continue;
      }
      const there = toFs(`${folder.path}/${name}`);
      const found = yield* present(there);
      // a folder in its place, perhaps our own after a deletion that could not be synced: of the file nothing is left
      const stats = bench.quarantine === undefined && found?.isDirectory() === true ? null : found;
      const changed = stats !== null && !asWeLeftIt(stats, readRow(row), bench.rules);
      if (changed && (bench.quarantine === undefined || unknown === true)) {
        answers.push({ is: 'kept', code: 'DEST_CHANGED' });
        continue;
      }
      yield { op: 'budget', bytes: 0, files: 1 };
      if (stats !== null && bench.quarantine !== undefined) {
        yield* setAside(bench.quarantine, path, folder.path, name, false);
      } else if (stats !== null) yield* unlink(there);
      answers.push(changed ? { is: 'done', code: 'CONFLICT' } : { is: 'done' });
    }
    yield* syncFolder(folder, bench.rules);
  } finally {
    yield* folder.release();
  }
  return answers;
}

/** What is at the destination under a name: nothing, what a row says that we left there, or something else. */
export type Standing = 'absent' | 'ours' | 'other';

/** A name that is looked at; without a row whatever is there is something else. */
export interface Looked {
  readonly name: ByteName;
  readonly row?: Uint8Array;
}

/** Looks at names of one folder and changes nothing. */
export function* lookAt(bench: Bench, path: ByteName, files: readonly Looked[]): Sequence<Standing[]> {
  const standings: Standing[] = [];
  const folder = yield* bench.pins.hold(path);
  try {
    for (const { name, row } of files) {
      const stats = yield* present(toFs(`${folder.path}/${name}`));
      const isOurs = stats !== null && row !== undefined && asWeLeftIt(stats, readRow(row), bench.rules);
      standings.push(stats === null ? 'absent' : isOurs ? 'ours' : 'other');
    }
  } finally {
    yield* folder.release();
  }
  return standings;
}

/** Whether a path of the source is a folder, and no link on the way leads to another one. */
function* isSourceFolder(bench: Bench, path: ByteName): Sequence<boolean> {
  if (path === '') return true;
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const part = yield* present(toFs(under(bench.source, end < 0 ? path : path.slice(0, end))));
    if (part?.isDirectory() !== true) return false;
    if (end < 0) return true;
  }
}

/** Removes an empty folder. @returns false when something of others is in it. */
export function* removeFolder(bench: Bench, path: ByteName): Sequence<boolean> {
  const cut = path.lastIndexOf('/');
  yield* bench.pins.drop(path);
  const parent = yield* bench.pins.hold(cut < 0 ? '' : path.slice(0, cut));
  try {
    yield { op: 'rmdir', path: toFs(`${parent.path}/${path.slice(cut + 1)}`) };
    yield* syncFolder(parent, bench.rules);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  } finally {
    yield* parent.release();
  }
}

/** Where a file was and where it is now. */
export interface Move {
  readonly from: { readonly path: ByteName; readonly name: ByteName };
  readonly to: { readonly path: ByteName; readonly name: ByteName };
  readonly row: Uint8Array;
}

/**
 * Renames a copy as its original was renamed (R19): two round trips instead of a copy. Only when the content of the
 * local file is that of the row.
 */
export function* moveFile(bench: Bench, { from, to, row }: Move): Sequence<Tidied> {
  const known = readRow(row);
  const source = yield* openItself(under(bench.source, join(to.path, to.name)), O_RDONLY);
  try {
    const digest = yield* hashContent(source, bench.buffer, known.size);
    if (digest === null || !Buffer.from(digest).equals(known.hash)) return { is: 'kept', code: 'DIFFERENT' };
  } finally {
    yield* close(source);
  }
  const old = yield* bench.pins.hold(from.path);
  try {
    const now = yield* bench.pins.hold(to.path);
    try {
      const [before, after] = [toFs(`${old.path}/${from.name}`), toFs(`${now.path}/${to.name}`)];
      const stats = yield* present(before);
      const taken = yield* present(after);
      // done by an attempt that was killed before its row was written
      if (stats === null && taken !== null && asWeLeftIt(taken, known, bench.rules)) return { is: 'done' };
      if (stats === null || !asWeLeftIt(stats, known, bench.rules)) return { is: 'kept', code: 'DEST_CHANGED' };
      if (taken !== null) return { is: 'kept', code: 'FOREIGN' };
      yield { op: 'budget', bytes: 0, files: 1 };
      yield* rename(before, after);
      yield* syncFolder(now, bench.rules);
      yield* syncFolder(old, bench.rules);
      return { is: 'done' };
    } finally {
      yield* now.release();
    }
  } finally {
    yield* old.release();
  }
}

/** What a destination answers that cannot give a file this further name: it becomes a file of its own (R13). */
const NO_MORE_NAMES = new Set(['EMLINK', 'EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** A further name of a file that is at the destination already. */
export interface LinkName {
  readonly leader: { readonly path: ByteName; readonly name: ByteName };
  readonly path: ByteName;
  readonly name: ByteName;
  /** Row of what is in its place, if we put it there. */
  readonly row?: Uint8Array;
  /** Nothing of others can be in its place. */
  readonly free: boolean;
}

/** Gives a file at the destination another of its names (R13). Durable when it returns. */
export function* linkName(bench: Bench, { leader, path, name, row, free }: LinkName): Sequence<Tidied> {
  const first = yield* bench.pins.hold(leader.path);
  try {
    const folder = yield* bench.pins.hold(path);
    try {
      const [from, final] = [toFs(`${first.path}/${leader.name}`), toFs(`${folder.path}/${name}`)];
      const [there, wanted] = [yield* present(final), yield* lstat(from)];
      // renaming a link over another one of the same file would do nothing and leave both
      if (there?.ino === wanted.ino && there.dev === wanted.dev) return { is: 'done', code: 'ALREADY' };
      if (
        there !== null &&
        !free &&
        bench.quarantine === undefined &&
        (row === undefined || !asWeLeftIt(there, readRow(row), bench.rules))
      ) {
        return { is: 'kept', code: row === undefined ? 'FOREIGN' : 'DEST_CHANGED' };
      }
      if (there !== null && bench.quarantine !== undefined) {
        yield* setAside(bench.quarantine, path, folder.path, name, true);
      }
      const temp = toFs(`${folder.path}/${bench.temp()}`);
      try {
        yield { op: 'link', from, to: temp };
      } catch (error) {
        if (!NO_MORE_NAMES.has(codeOf(error))) throw error;
        return { is: 'kept', code: 'APART' };
      }
      try {
        yield* rename(temp, final);
      } catch (error) {
        yield* quietly(discard(temp));
        throw error;
      }
      yield* syncFolder(folder, bench.rules);
      return { is: 'done' };
    } finally {
      yield* folder.release();
    }
  } finally {
    yield* first.release();
  }
}

/** Gives a folder its attributes when nothing in it changes any more (R16). */
export function* settleFolder(bench: Bench, path: ByteName, facts: FolderFacts): Sequence<void> {
  const folder = yield* bench.pins.hold(path);
  try {
    const fd = yield* open(folder.path, O_RDONLY | O_DIRECTORY);
    try {
      yield* attributes(bench.rules, fd, { ...facts, atime: facts.mtime }, true);
      if (bench.rules.folderSync) yield* fsync(fd);
    } finally {
      yield* close(fd);
    }
  } finally {
    yield* folder.release();
  }
}

/** Removes a folder of ours, such as a staging folder that nothing goes on with: there is no folder in it. */
function* removeOwnFolder(bench: Bench, path: ByteName, parent: string, name: ByteName): Sequence<void> {
  const inner = path === '' ? name : `${path}/${name}`;
  const own = yield* bench.pins.hold(inner);
  try {
    for (const file of yield* readdir(own.path)) yield* discard(toFs(`${own.path}/${file}`));
  } finally {
    yield* own.release();
    yield* bench.pins.drop(inner);
  }
  yield { op: 'rmdir', path: toFs(`${parent}/${name}`) };
}

/**
 * Removes what a kill left in a folder under temporary names, but what somebody goes on with: staging folders and parts
 * of large files (R17).
 */
export function* sweepFolder(bench: Bench, path: ByteName, keep: ReadonlySet<ByteName>): Sequence<number> {
  const folder = yield* bench.pins.hold(path);
  let removed = 0;
  try {
    for (const name of yield* readdir(folder.path)) {
      if (!isTemp(name) || keep.has(name)) continue;
      const there = toFs(`${folder.path}/${name}`);
      if ((yield* present(there))?.isDirectory() === true) yield* removeOwnFolder(bench, path, folder.path, name);
      else yield* discard(there);
      removed += 1;
    }
  } finally {
    yield* folder.release();
  }
  return removed;
}

/** Bytes that have to fit before a full destination counts as having room again. */
const ROOM = 256 * 1024;

/** Tries whether there is room: really creates, writes and syncs a file, and removes it (R26). */
export function* tryRoom(bench: Bench): Sequence<void> {
  const root = yield* bench.pins.hold('');
  const path = toFs(`${root.path}/${bench.temp()}`);
  try {
    const fd = yield* open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      yield* write(fd, Buffer.alloc(ROOM), ROOM, null);
      yield* fsync(fd);
    } finally {
      yield* close(fd);
    }
  } finally {
    yield* discard(path);
  }
}
