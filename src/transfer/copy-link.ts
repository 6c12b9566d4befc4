import { hash } from 'node:crypto';

import { quietly } from './calls.js';
import { asWeLeftIt, clamp } from './kept.js';
import { Ended, type Place } from './place.js';
import type { InTheWay } from './in-the-way.js';
import { codeOf, discard, present, readlink, rename, type Sequence } from './io.js';
import { toFs, type ByteName } from './names.js';
import { FileState, FileType, readRow } from './row.js';
import { readSourceLink } from './source-file.js';
import type { Entry, Outcome } from './work.js';

/** Copies a symbolic link that stays inside the root. */
export function* copyLink(place: Place, entry: Entry, path: ByteName): Sequence<Outcome> {
  let target: string;
  try {
    target = yield* readSourceLink(place.source, entry.name);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { is: 'vanished' };
    if (code === 'EINVAL' || code === 'ELOOP')
      return { is: 'skipped', reason: 'CHANGED', detail: 'it is something else now' };
    throw error;
  }
  if (leaves(path, target)) return { is: 'skipped', reason: 'LINK_OUTSIDE', detail: 'it leads out of the tree' };
  if (!place.rules.symlinks) {
    return { is: 'skipped', reason: 'ODD_TYPE', detail: 'the destination holds no symbolic links' };
  }
  const found = yield* lookAtLink(place, entry, target);
  yield { op: 'budget', bytes: 0, files: 1 };
  const final = toFs(`${place.target}/${entry.name}`);
  const temp = toFs(`${place.target}/${place.temp()}`);
  yield { op: 'symlink', target: toFs(target), path: temp };
  try {
    yield* linkAttributes(place, entry, temp);
    yield* rename(temp, final);
  } catch (error) {
    yield* quietly(discard(temp));
    throw error;
  }
  const row = linkRow(place, entry, target);
  return found === 'conflict' ? { is: 'copied', row, conflict: true } : { is: 'copied', row };
}

function* linkAttributes({ rules }: Place, { facts }: Entry, path: string | Buffer): Sequence<void> {
  const { uid, gid } = rules.owner ?? facts;
  if (rules.owners) yield { op: 'lchown', path, uid, gid };
  try {
    yield { op: 'lutimes', path, times: { atime: clamp(facts.atime, rules), mtime: clamp(facts.mtime, rules) } };
  } catch (error) {
    // not every file system keeps times of links
    if (!['ENOSYS', 'ENOTSUP', 'EPERM', 'ENOENT', 'EINVAL'].includes(codeOf(error))) throw error;
  }
}

function linkRow(place: Place, entry: Entry, target: string): Extract<Outcome, { row: unknown }>['row'] {
  const { size, mtime, ctime, ino, mode, uid, gid, links } = entry.facts;
  return {
    ...{ size, mtime, ctime, ino, mode: mode & 0o7777, uid, gid },
    state: FileState.done,
    type: FileType.link,
    linked: links > 1,
    timeLost: clamp(mtime, place.rules) !== mtime,
    generation: place.generation,
    hash: linkHash(target),
  };
}

/** What stands for a link's content. */
export function linkHash(target: string): Uint8Array {
  return hash('sha256', Buffer.from(target, 'latin1'), 'buffer');
}

/** Looks at what is in the way, and keeps it on the way back. @throws Ended as for files (R4). */
function* lookAtLink(place: Place, entry: Entry, target: string): Sequence<InTheWay> {
  if (entry.place === 'free' || (entry.place === 'ours' && place.keep === undefined)) return 'nothing';
  const path = toFs(`${place.target}/${entry.name}`);
  const there = yield* present(path);
  if (there === null) return 'nothing';
  const found = there.isSymbolicLink() ? yield* readlink(path) : undefined;
  const row = entry.row === undefined ? undefined : readRow(entry.row);
  const isOurs =
    row !== undefined &&
    (found === undefined ? asWeLeftIt(there, row, place.rules) : Buffer.from(linkHash(found)).equals(row.hash));
  if (!isOurs && found === target) throw new Ended({ is: 'adopted', row: linkRow(place, entry, target) });
  if (place.keep !== undefined) yield* place.keep(entry.name);
  if (isOurs || place.keep !== undefined) return isOurs ? 'ours' : 'conflict';
  const reason = entry.row === undefined ? 'FOREIGN' : 'DEST_CHANGED';
  throw new Ended({ is: 'skipped', reason, detail: 'something else by that name is there' });
}

/** Whether a link at a path below the root leads out of it; absolute targets do, wherever they lead. */
export function leaves(path: ByteName, target: string): boolean {
  if (target.startsWith('/')) return true;
  let depth = path.split('/').length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
