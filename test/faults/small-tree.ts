import { linkSync, lutimesSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LONG_AGO = 1_600_000_000.25;

/** A file whose content is told apart from every other one, long unchanged. */
export function oldFile(path: string, content: string | Buffer): void {
  writeFileSync(path, content);
  utimesSync(path, LONG_AGO, LONG_AGO);
}

/** A small tree with one of everything that the engine treats in its own way. */
export function makeSmallTree(root: string): void {
  for (const folder of ['leaf', 'mixed', 'mixed/inner', 'other', 'empty', 'gone', 'gone/deep'])
    mkdirSync(join(root, folder));
  for (const name of ['a', 'b', 'c']) {
    oldFile(join(root, 'leaf', name), `leaf ${name} `.repeat(300));
    oldFile(join(root, 'mixed', name), `mixed ${name} `.repeat(3_000));
    oldFile(join(root, 'mixed/inner', name), `inner ${name}`);
    oldFile(join(root, 'other', name), `other ${name}`);
    oldFile(join(root, 'gone/deep', name), `deep ${name}`);
  }
  oldFile(join(root, 'top'), 'at the top');
  oldFile(join(root, 'nothing'), '');
  oldFile(join(root, 'several'), Buffer.alloc(2_500_000, 'more than one read '));
  symlinkSync('a', join(root, 'leaf/link'));
  lutimesSync(join(root, 'leaf/link'), LONG_AGO, LONG_AGO);
  linkSync(join(root, 'other/a'), join(root, 'other/a-too'));
  linkSync(join(root, 'other/a'), join(root, 'mixed/a-too'));
}

/** What happens to it between two passes: changes, additions, moves, deletions, and a file that becomes a folder. */
export function changeSmallTree(root: string): void {
  writeFileSync(join(root, 'leaf/a'), 'changed');
  writeFileSync(join(root, 'mixed/new'), 'new');
  mkdirSync(join(root, 'later'));
  writeFileSync(join(root, 'later/x'), 'x');
  renameSync(join(root, 'mixed/b'), join(root, 'mixed/b:2,S'));
  renameSync(join(root, 'leaf/c'), join(root, 'later/c'));
  renameSync(join(root, 'mixed/inner'), join(root, 'mixed/renamed'));
  rmSync(join(root, 'other/b'));
  rmSync(join(root, 'gone'), { recursive: true });
  rmSync(join(root, 'top'));
  mkdirSync(join(root, 'top'));
  writeFileSync(join(root, 'top/inside'), 'a folder in the place of a file');
  linkSync(join(root, 'other/c'), join(root, 'other/c-too'));
}
