import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, expect, it } from '@jest/globals';

import { changeMailTree, makeMailTree, type MailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { OLD, Trees } from './trees.js';

const seed = newSeed();

/** What a delta pass must do, whichever way copies reach the destination. */
export function deltaCases(lanes: boolean): void {
  let trees: Trees;

  beforeEach(() => {
    trees = new Trees(lanes);
  });
  afterEach(() => {
    trees.remove();
  });

  const make = (...paths: string[]): void => trees.make(...paths);

  it('copies nothing when nothing has changed', async () => {
    const { files, bytes } = makeMailTree(trees.source, { seed, files: 300, filesPerFolder: 30 });
    expect(await trees.pass('seed')).toMatchObject({
      outcome: 'done',
      copied: { files, bytes },
      seen: { files, bytes },
    });
    for (const kind of ['delta', 'delta', 'final'] as const) {
      expect(await trees.pass(kind)).toMatchObject({
        ...{ outcome: 'done', copied: { files: 0, bytes: 0 }, unchanged: files, seen: { files, bytes } },
        ...{ moved: 0, deleted: 0, skipped: 0 },
      });
    }
    expect(trees.different()).toEqual([]);
  });

  it('copies what was changed or added, renames what was renamed, deletes what was removed', async () => {
    const tree: MailTree = makeMailTree(trees.source, { seed, files: 300, filesPerFolder: 30 });
    await trees.pass('seed');
    const bytes = changeMailTree(tree, { seed, changed: 7, added: 6, removed: 5, renamed: 9 });
    expect(await trees.pass('delta')).toMatchObject({
      ...{ outcome: 'done', copied: { files: 13, bytes }, moved: 9, deleted: 5, skipped: 0 },
    });
    expect(trees.different()).toEqual([]);
  });

  it('finds content that was changed under the same size and time', async () => {
    make('a/one', 'a/two');
    await trees.pass('seed');
    trees.rewrite('a/one', 'CONTENT of a/one');
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 1 } });
    expect(trees.different()).toEqual([]);
    expect(readFileSync(trees.to('a/one'), 'utf8')).toBe('CONTENT of a/one');
  });

  it('carries over changes of mode, owner and time without copying the content', async () => {
    make('a/mode', 'a/owner', 'a/same', 'b/x');
    await trees.pass('seed');
    chmodSync(trees.from('a/mode'), 0o4711);
    chownSync(trees.from('a/owner'), 77, 78);
    chmodSync(trees.from('b'), 0o2750);
    chownSync(trees.from('b'), 5, 6);
    utimesSync(trees.from('b'), OLD, OLD);
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 0 }, unchanged: 4 });
    expect(trees.different()).toEqual([]);
  });

  it('gives new files the group of their originals in a folder that hands down its own', async () => {
    make('a/one');
    chownSync(trees.from('a'), 5, 6);
    chmodSync(trees.from('a'), 0o2770);
    await trees.pass('seed');
    writeFileSync(trees.from('a/two'), 'new');
    chownSync(trees.from('a/two'), 0, 0);
    mkdirSync(trees.from('a/b'));
    writeFileSync(trees.from('a/b/three'), 'new');
    chownSync(trees.from('a/b/three'), 0, 0);
    await trees.pass('delta');
    expect(trees.different()).toEqual([]);
  });

  it('renames the files of a folder that was renamed, also into the place of a file', async () => {
    make('old/one', 'old/inner/two', 'other/three', 'file');
    await trees.pass('seed');
    renameSync(trees.from('old'), trees.from('new'));
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 0 }, moved: 2, deleted: 0, outcome: 'done' });
    expect(trees.different()).toEqual([]);
    expect(existsSync(trees.to('old'))).toBe(false);

    rmSync(trees.from('file'));
    renameSync(trees.from('other'), trees.from('file'));
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
  });

  it('renames and gives new attributes at once', async () => {
    make('a/one', 'b/two');
    await trees.pass('seed');
    renameSync(trees.from('a/one'), trees.from('b/one'));
    chmodSync(trees.from('b/one'), 0o600);
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', copied: { files: 0 }, moved: 1 });
    expect(trees.different()).toEqual([]);
  });

  it('swaps names', async () => {
    make('a/one', 'a/two', 'b/one');
    await trees.pass('seed');
    renameSync(trees.from('a/one'), trees.from('a/x'));
    renameSync(trees.from('a/two'), trees.from('a/one'));
    renameSync(trees.from('a/x'), trees.from('a/two'));
    renameSync(trees.from('a'), trees.from('c'));
    renameSync(trees.from('b'), trees.from('a'));
    renameSync(trees.from('c'), trees.from('b'));
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
  });

  it('turns files into folders, folders into files, and either into links', async () => {
    make('a', 'b/one', 'b/deep/two', 'c', 'd/three', 'e/four', 'f', 'g/five', 'g/six', 'spare');
    symlinkSync('a', trees.from('link'));
    await trees.pass('seed');
    for (const path of ['a', 'b', 'c', 'd', 'f', 'link', 'g']) trees.removeFrom(path);
    make('a/in it', 'a/deep/too', 'b', 'link/was a link');
    symlinkSync('b', trees.from('c'));
    symlinkSync('e', trees.from('d'));
    linkSync(trees.from('b'), trees.from('f'));
    renameSync(trees.from('spare'), trees.from('g'));
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 0 }, deleted: 0, moved: 0 });
  });

  it('replaces a folder by a link to where it was moved', async () => {
    make('a/one', 'a/two');
    await trees.pass('seed');
    renameSync(trees.from('a'), trees.from('b'));
    symlinkSync('b', trees.from('a'));
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
  });

  it('deletes a tree of folders, and leaves no sign of it in the ledger', async () => {
    make('a/one', 'a/b/two', 'a/b/c/three', 'keep/four');
    mkdirSync(trees.from('a/b/empty'));
    await trees.pass('seed');
    trees.removeFrom('a');
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', deleted: 3, skipped: 0 });
    expect(trees.different()).toEqual([]);
    make('a/one');
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', copied: { files: 1 } });
    expect(trees.different()).toEqual([]);
  });

  it('deletes nothing when it would be too much, and what is asked for when it may', async () => {
    make('a/1', 'a/2', 'a/3', 'b/4', 'c');
    await trees.pass('seed');
    for (const path of ['a', 'b/4', 'c']) trees.removeFrom(path);
    make('b/5', 'c/6');
    const held = await trees.pass('delta', { maxDelete: 4 });
    expect(held).toMatchObject({ outcome: 'held', deleted: 0, copied: { files: 1 } });
    expect(held.why).toContain('5 files would be deleted');
    for (const path of ['a/1', 'a/2', 'a/3', 'b/4', 'c']) expect(existsSync(trees.to(path))).toBe(true);
    expect(trees.listed(held)).toEqual(['c: FAILED']);
    expect(await trees.pass('delta', { maxDelete: 5 })).toMatchObject({ outcome: 'done', deleted: 5 });
    expect(trees.different()).toEqual([]);
  });

  it('follows names of one file: added, taken away, broken, joined, rewritten', async () => {
    make('a/one', 'b/pair', 'c/x', 'c/y', 'd/name', 'e/alone');
    linkSync(trees.from('a/one'), trees.from('a/two'));
    linkSync(trees.from('a/one'), trees.from('b/three'));
    linkSync(trees.from('b/pair'), trees.from('c/pair'));
    linkSync(trees.from('d/name'), trees.from('d/other'));
    expect(await trees.pass('seed')).toMatchObject({ hardLinks: 4, copied: { files: 6 } });
    expect(trees.different()).toEqual([]);

    linkSync(trees.from('a/one'), trees.from('c/four'));
    linkSync(trees.from('e/alone'), trees.from('a/company'));
    rmSync(trees.from('b/three'));
    // broken, with the same content and times
    const { mtime } = lstatSync(trees.from('c/pair'));
    rmSync(trees.from('c/pair'));
    writeFileSync(trees.from('c/pair'), readFileSync(trees.from('b/pair')));
    utimesSync(trees.from('c/pair'), mtime, mtime);
    rmSync(trees.from('c/y'));
    linkSync(trees.from('c/x'), trees.from('c/y'));
    appendFileSync(trees.from('d/other'), ' and more');
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);

    chmodSync(trees.from('c/pair'), 0o640);
    chmodSync(trees.from('d/name'), 0o604);
    renameSync(trees.from('a/two'), trees.from('e/two'));
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 0 }, hardLinks: 0, unchanged: 11 });
  });

  it('follows links that lead elsewhere', async () => {
    make('a/one');
    symlinkSync('one', trees.from('a/link'));
    symlinkSync('one', trees.from('a/out'));
    await trees.pass('seed');
    for (const [link, target] of [
      ['a/link', '../a'],
      ['a/out', '/etc'],
    ] as const) {
      rmSync(trees.from(link));
      symlinkSync(target, trees.from(link));
    }
    const result = await trees.pass('delta');
    expect(trees.listed(result)).toEqual(['a/out: LINK_OUTSIDE']);
    expect(trees.different(['a/out'])).toEqual([]);
  });

  it('never touches what others put or changed at the destination', async () => {
    make('a/one', 'a/two', 'a/three', 'b/four', 'b/gone', 'c/five');
    await trees.pass('seed');
    for (const path of ['a/one', 'b/gone']) writeFileSync(trees.to(path), 'ours');
    for (const path of ['a/own', 'a/new', 'c/own']) writeFileSync(trees.to(path), 'theirs');
    mkdirSync(trees.to('d'));
    writeFileSync(trees.to('d/own'), 'theirs');
    writeFileSync(trees.to('d/equal'), 'equal');
    make('a/one', 'a/two', 'a/new', 'd/own', 'd/new');
    appendFileSync(trees.from('a/one'), ' changed');
    writeFileSync(trees.from('d/equal'), 'equal');
    for (const path of ['b/gone', 'c']) trees.removeFrom(path);
    const result = await trees.pass('delta');
    expect(trees.listed(result)).toEqual([
      'a/new: FOREIGN',
      'a/one: DEST_CHANGED',
      'b/gone: DEST_CHANGED',
      'c: FOREIGN',
      'd/own: FOREIGN',
    ]);
    for (const path of ['a/own', 'a/new', 'c/own', 'd/own'])
      expect(readFileSync(trees.to(path), 'utf8')).toBe('theirs');
    for (const path of ['a/one', 'b/gone']) expect(readFileSync(trees.to(path), 'utf8')).toBe('ours');
    expect(readFileSync(trees.to('d/new'), 'utf8')).toBe('content of d/new');
    expect(existsSync(trees.to('c/five'))).toBe(false);
    expect(lstatSync(trees.to('d/equal'), { bigint: true }).mtimeNs).toBe(
      lstatSync(trees.from('d/equal'), { bigint: true }).mtimeNs,
    );
    const again = await trees.pass('delta');
    expect(again).toMatchObject({ copied: { files: 0 }, deleted: 0 });
    expect(trees.listed(again).filter((line) => !line.startsWith('c:'))).toEqual(
      trees.listed(result).filter((line) => !line.startsWith('c:')),
    );
  });

  it('keeps at the destination what a new pattern leaves out', async () => {
    make('a/one', 'a/cache/two', 'b.tmp');
    await trees.pass('seed');
    for (const path of ['a/cache', 'b.tmp']) trees.removeFrom(path);
    make('b.tmp');
    appendFileSync(trees.from('b.tmp'), ' changed');
    const exclude = ['*.tmp', 'a/one'];
    expect(await trees.pass('delta', { exclude })).toMatchObject({ deleted: 1, copied: { files: 0 } });
    expect(readFileSync(trees.to('b.tmp'), 'utf8')).toBe('content of b.tmp');
    expect(existsSync(trees.to('a/one'))).toBe(true);
  });

  it('reads again what changed so shortly before it was copied that times could not tell', async () => {
    make('a/old');
    writeFileSync(trees.from('a/young'), 'young');
    await sleep(20);
    const { mtime } = lstatSync(trees.from('a/young'));
    await trees.pass('seed');
    writeFileSync(trees.from('a/young'), 'YOUNG');
    utimesSync(trees.from('a/young'), mtime, mtime);
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 1 } });
    expect(trees.different()).toEqual([]);
    truncateSync(trees.from('a/young'), 2);
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', copied: { files: 1 } });
    expect(trees.different()).toEqual([]);
  });
}
