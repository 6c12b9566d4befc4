import { constants } from 'node:fs';

import { NOT_OFFERED } from './durable-file.js';
import { close, codeOf, fsync, lstat, open, present, rename, type Sequence } from './io.js';
import { toFs, under, type ByteName } from './names.js';

/**
 * Keeps what is about to be replaced or removed (R24), in a folder outside both trees, under its own path.
 *
 * @param replaced the name stays, as a further name of the same file, until its successor takes it over: at no moment is
 * nothing there. Otherwise it is moved away.
 * @throws EXDEV when the quarantine is on another file system than the tree.
 */
export function* setAside(
  quarantine: ByteName,
  folder: ByteName,
  target: string,
  name: ByteName,
  replaced: boolean,
): Sequence<void> {
  const kept = yield* makeFolders(quarantine, folder);
  let free = `${kept}/${name}`;
  for (let number = 1; (yield* present(toFs(free))) !== null; number += 1) free = `${kept}/${name}~${number}`;
  const from = toFs(`${target}/${name}`);
  // a folder has one name only
  if (replaced && !(yield* lstat(from)).isDirectory()) yield { op: 'link', from, to: toFs(free) };
  else yield* rename(from, toFs(free));
  // before what it was kept from: a power cut must not leave neither
  yield* syncKept(kept);
}

function* syncKept(folder: ByteName): Sequence<void> {
  const fd = yield* open(toFs(folder), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    yield* fsync(fd);
  } catch (error) {
    if (!NOT_OFFERED.has(codeOf(error))) throw error;
  } finally {
    yield* close(fd);
  }
}

/** @returns the folder itself: beside its place where something else is kept under its name. */
function* makeFolders(quarantine: ByteName, folder: ByteName): Sequence<ByteName> {
  let path = quarantine;
  for (const part of folder.split('/').filter((one) => one !== '')) {
    const above = path;
    path = under(above, part);
    for (let number = 1; !(yield* makeOne(path)); number += 1) path = under(above, `${part}~${number}`);
  }
  return path;
}

/** @returns false when something that is no folder has that name. */
function* makeOne(path: ByteName): Sequence<boolean> {
  try {
    yield { op: 'mkdir', path: toFs(path), mode: 0o700 };
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return (yield* lstat(toFs(path))).isDirectory();
  }
}
