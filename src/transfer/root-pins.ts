import { constants } from 'node:fs';

import { close, fstat, open, read, type Sequence } from './io.js';
import { runSync } from './io-sync.js';
import { SENTINEL_NAME, toFs, under, type ByteName } from './names.js';
import { O_PATH, Pins } from './pins.js';
import { parseSentinel } from './sentinel.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** More bytes than a mark has. */
const MARK_BYTES = 1_024;

/**
 * Holds the root of a tree open; a link there is the operator's own.
 *
 * @param uuid of the mark that the root bears, on the way there. An old tree, which bears none, has to be the same
 * folder when it is opened anew.
 */
export function rootPins(path: ByteName, uuid: string | undefined): Pins {
  const root = runSync(openRoot(path));
  const same = uuid === undefined ? sameFolder(runSync(fstat(root))) : (fd: number) => bearsMark(fd, uuid);
  return new Pins(root, () => openAgain(path, same));
}

function* openRoot(path: ByteName): Sequence<number> {
  return yield* open(toFs(path), O_PATH | O_DIRECTORY);
}

/** @throws ESTALE when what is there now is not the tree: such as the folder that a share was mounted on. */
function* openAgain(path: ByteName, same: (fd: number) => Sequence<boolean>): Sequence<number> {
  const fd = yield* openRoot(path);
  let isSame = false;
  try {
    isSame = yield* same(fd);
  } finally {
    if (!isSame) yield* close(fd);
  }
  if (!isSame) throw Object.assign(new Error('another folder is there now'), { code: 'ESTALE' });
  return fd;
}

function sameFolder(first: { readonly dev: bigint; readonly ino: bigint }): (fd: number) => Sequence<boolean> {
  return function* (fd) {
    const { dev, ino } = yield* fstat(fd);
    return dev === first.dev && ino === first.ino;
  };
}

function* bearsMark(root: number, uuid: string): Sequence<boolean> {
  const path = under(`/proc/self/fd/${root}`, SENTINEL_NAME);
  const fd = yield* open(path, O_RDONLY | O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(MARK_BYTES);
    const length = yield* read(fd, buffer, buffer.length, 0);
    return parseSentinel(buffer.toString('utf8', 0, length))?.uuid === uuid;
  } finally {
    yield* close(fd);
  }
}
