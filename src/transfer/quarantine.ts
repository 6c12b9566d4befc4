import { codeOf, present, rename, type Sequence } from './io.js';
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
  yield* makeFolders(quarantine, folder);
  const kept = under(quarantine, folder);
  let free = `${kept}/${name}`;
  for (let number = 1; (yield* present(toFs(free))) !== null; number += 1) free = `${kept}/${name}~${number}`;
  const from = toFs(`${target}/${name}`);
  if (replaced) yield { op: 'link', from, to: toFs(free) };
  else yield* rename(from, toFs(free));
}

function* makeFolders(quarantine: ByteName, folder: ByteName): Sequence<void> {
  let path = quarantine;
  for (const part of folder.split('/').filter((one) => one !== '')) {
    path = under(path, part);
    try {
      yield { op: 'mkdir', path: toFs(path), mode: 0o700 };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}
