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
  utimesSync,
  writeFileSync,
} from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Ledger } from '../../src/transfer/ledger.js';
import { changeMailTree, makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { OLD } from './trees.js';
import { WayBack } from './way-back.js';

const seed = newSeed();
let trees: WayBack;

beforeEach(() => {
  trees = new WayBack(false);
});
afterEach(() => {
  trees.remove();
});

describe('the way back', () => {
  it('copies nothing when nothing has changed, and can be gone again', async () => {
    makeMailTree(trees.source, { seed, files: 100, filesPerFolder: 10 });
    await trees.moved();
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await trees.back()).toMatchObject({
        ...{ kind: 'reverse', outcome: 'done', copied: { files: 0 }, unchanged: 100, moved: 0, deleted: 0, skipped: 0 },
      });
      expect(trees.different()).toEqual([]);
    }
    expect(trees.kept().size).toBe(0);
  });

  it('takes back what changed on the share only, and keeps what that replaces', async () => {
    trees.make('a/grown', 'a/same size', 'a/untouched', 'b/one', 'c/file');
    symlinkSync('one', trees.from('b/link'));
    await trees.moved();
    appendFileSync(trees.to('a/grown'), ' and more');
    trees.write('a/same size', 'CONTENT of a/same size');
    trees.write('a/new', 'new');
    trees.write('new/folder/file', 'new too');
    symlinkSync('folder', trees.to('new/link'));
    rmSync(trees.to('b/link'));
    symlinkSync('two', trees.to('b/link'));
    const result = await trees.back();
    expect(result).toMatchObject({ outcome: 'done', copied: { files: 6 }, unchanged: 3, deleted: 0, skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect([...trees.kept()].sort()).toEqual([
      ['a/grown', 'content of a/grown'],
      ['a/same size', 'content of a/same size'],
      ['b/link', '-> one'],
    ]);
    expect(trees.lost()).toEqual([]);
  });

  it('removes what was deleted on the share into the quarantine', async () => {
    trees.make('a/gone', 'a/stays', 'b/c/one', 'b/two');
    symlinkSync('stays', trees.from('a/link'));
    await trees.moved();
    for (const path of ['a/gone', 'a/link', 'b']) rmSync(trees.to(path), { recursive: true });
    expect(await trees.back()).toMatchObject({ outcome: 'done', copied: { files: 0 }, deleted: 4, skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect([...trees.kept().keys()].sort()).toEqual(['a/gone', 'a/link', 'b/c/one', 'b/two']);
    expect(trees.lost()).toEqual([]);
  });

  it('deletes nothing when it would be too much', async () => {
    trees.make('a/one', 'a/two', 'b/three');
    await trees.moved();
    rmSync(trees.to('a'), { recursive: true });
    expect(await trees.back({ maxDelete: 1 })).toMatchObject({ outcome: 'held', deleted: 0 });
    expect(existsSync(trees.from('a/one'))).toBe(true);
    expect(await trees.back({ maxDelete: 2 })).toMatchObject({ outcome: 'done', deleted: 2 });
    expect(trees.different()).toEqual([]);
  });

  it('lets the share win where both sides changed, keeps the other version and lists it', async () => {
    trees.make('a/both', 'a/deleted there', 'a/same change', 'b/one');
    symlinkSync('both', trees.from('a/link'));
    await trees.moved();
    trees.write('a/both', 'of the share');
    rmSync(trees.to('a/deleted there'));
    trees.write('a/new on both', 'new on the share');
    trees.write('a/same change', 'the same on both sides');
    rmSync(trees.to('a/link'));
    symlinkSync('share', trees.to('a/link'));
    writeFileSync(trees.from('a/both'), 'of the old tree!');
    writeFileSync(trees.from('a/deleted there'), 'changed here');
    writeFileSync(trees.from('a/new on both'), 'new in the old tree');
    writeFileSync(trees.from('a/same change'), 'the same on both sides');
    rmSync(trees.from('a/link'));
    symlinkSync('old', trees.from('a/link'));
    // kinds that differ
    trees.write('b/file here', 'a file');
    mkdirSync(trees.from('b/file here'));
    writeFileSync(trees.from('b/file here/inner'), 'in a folder');
    trees.write('b/folder here/inner', 'in a folder');
    writeFileSync(trees.from('b/folder here'), 'a file');
    const result = await trees.back();
    expect(result).toMatchObject({ outcome: 'done', deleted: 1, adopted: 1 });
    expect(trees.listed(result)).toEqual(
      ['a/both', 'a/deleted there', 'a/link', 'a/new on both', 'b/file here', 'b/folder here'].map(
        (path) => `${path}: CONFLICT`,
      ),
    );
    expect(trees.different()).toEqual([]);
    expect(trees.lost()).toEqual([]);
    expect(trees.kept().get('a/link')).toBe('-> old');
    expect(trees.kept().get('b/file here/inner')).toBe('in a folder');
  });

  it('leaves alone what the old tree has and never copied', async () => {
    trees.make('a/one', '_queue/message', 'b/two');
    await trees.pass('seed', { exclude: ['_queue'] });
    await trees.pass('final', { exclude: ['_queue'] });
    writeFileSync(trees.from('a/only here'), 'only here');
    rmSync(trees.to('b'), { recursive: true });
    writeFileSync(trees.from('b/only here'), 'keeps its folder');
    const result = await trees.back({ exclude: ['_queue'] });
    expect(result).toMatchObject({ outcome: 'done', deleted: 1 });
    expect(trees.listed(result)).toEqual(['b: FOREIGN']);
    for (const path of ['_queue/message', 'a/only here', 'b/only here'])
      expect(existsSync(trees.from(path))).toBe(true);
  });

  it('follows renames of files and folders', async () => {
    const tree = makeMailTree(trees.source, { seed, files: 120, filesPerFolder: 12 });
    trees.make('folder/inner/one', 'folder/two');
    await trees.moved();
    changeMailTree({ ...tree, root: trees.destination }, { seed, renamed: 15, changed: 5, added: 4, removed: 3 });
    renameSync(trees.to('folder'), trees.to('other name'));
    const result = await trees.back();
    expect(result).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect(trees.lost()).toEqual([]);
    expect(existsSync(trees.in('quarantine/folder/inner/one'))).toBe(true);
  });

  it('carries times, modes, owners and further names of files', async () => {
    trees.make('a/mode', 'a/time', 'a/first', 'b/x', 'c/mode');
    linkSync(trees.from('a/first'), trees.from('b/second'));
    await trees.moved();
    chmodSync(trees.to('a/mode'), 0o600);
    chownSync(trees.to('a/mode'), 1_234, 4_321);
    utimesSync(trees.to('a/mode'), OLD + 7, OLD + 7);
    utimesSync(trees.to('a/time'), OLD + 99, OLD + 99.5);
    chmodSync(trees.to('c'), 0o711);
    utimesSync(trees.to('c'), OLD, OLD);
    writeFileSync(trees.to('a/first'), 'changed under both names');
    trees.write('n/file', 'of two new names');
    linkSync(trees.to('n/file'), trees.to('b/third'));
    expect(await trees.back()).toMatchObject({ outcome: 'done', skipped: 0, hardLinks: 2 });
    expect(trees.different()).toEqual([]);
    expect(trees.lostUnderAnyName()).toEqual([]);
  });

  it('reads what is to be read whatever its times say', async () => {
    trees.make('a/mailbox.db', 'a/other.db', 'a/message');
    await trees.moved();
    for (const name of ['mailbox.db', 'message']) {
      const { atime, mtime } = lstatSync(trees.to(`a/${name}`));
      writeFileSync(trees.to(`a/${name}`), `CONTENT of a/${name}`);
      utimesSync(trees.to(`a/${name}`), atime, mtime);
    }
    expect(await trees.back({ rehash: ['*.db'] })).toMatchObject({
      outcome: 'done',
      copied: { files: 1 },
      unchanged: 2,
    });
    expect(readFileSync(trees.from('a/mailbox.db'), 'utf8')).toBe('CONTENT of a/mailbox.db');
    expect(readFileSync(trees.from('a/message'), 'utf8')).toBe('content of a/message');
    expect(trees.lost()).toEqual([]);
  });

  it('takes back no owners, modes and fractions of a second that the share does not keep', async () => {
    trees.make('a/changed', 'a/untouched.db', 'b/one');
    for (const path of ['a', 'a/changed', 'a/untouched.db', 'b/one', 'b']) {
      chownSync(trees.from(path), 1_234, 4_321);
      chmodSync(trees.from(path), path.length === 1 ? 0o2750 : 0o640);
      utimesSync(trees.from(path), OLD, OLD + 0.123);
    }
    await trees.moved();
    const look = (path: string): unknown[] => {
      const { uid, gid, mode, mtimeMs } = lstatSync(trees.from(path));
      return [path, uid, gid, (mode & 0o7777).toString(8), mtimeMs];
    };
    const untouched = ['b', 'b/one', 'a/untouched.db'];
    const was = untouched.map(look);
    // as a share shows files that keeps whole seconds and nothing else
    const ledger = Ledger.open(trees.ledger, 'test');
    const { share } = ledger.meta();
    if (share === undefined) throw new Error('the ledger tells nothing of the share');
    expect(share).toMatchObject({ owners: true, modes: true });
    ledger.amend({ share: { ...share, granularity: '1000000000', owners: false, modes: false } });
    await ledger.close();
    trees.write('a/changed', 'changed');
    trees.write('a/new', 'new');
    trees.write('a/n/new', 'new');
    for (const path of ['a', 'a/changed', 'a/new', 'a/n', 'a/n/new', ...untouched]) {
      chownSync(trees.to(path), 0, 0);
      chmodSync(trees.to(path), 0o777);
      if (untouched.includes(path)) utimesSync(trees.to(path), OLD, OLD);
    }
    expect(await trees.back({ rehash: ['*.db'] })).toMatchObject({ outcome: 'done', copied: { files: 3 }, skipped: 0 });
    expect(untouched.map(look)).toEqual(was);
    for (const path of ['a/changed', 'a/new', 'a/n/new'])
      expect(look(path).slice(0, 4)).toEqual([path, 1_234, 4_321, '640']);
    for (const path of ['a', 'a/n']) expect(look(path).slice(0, 4)).toEqual([path, 1_234, 4_321, '2750']);
    expect(await trees.back({ rehash: ['*.db'] })).toMatchObject({ outcome: 'done', copied: { files: 0 }, skipped: 0 });
  });

  it('keeps every version when it is gone several times', async () => {
    trees.make('a/one', 'b/two');
    await trees.moved();
    for (const version of ['second', 'third']) {
      trees.write('a/one', version);
      await trees.back();
      expect(trees.lost()).toEqual([]);
    }
    expect([...trees.kept().values()].sort()).toEqual(['content of a/one', 'second']);
    // its name is that of a folder now, and both are kept
    rmSync(trees.to('a/one'));
    trees.write('a/one/inner', 'in a folder');
    await trees.back();
    rmSync(trees.to('a/one'), { recursive: true });
    expect(await trees.back()).toMatchObject({ outcome: 'done', deleted: 1, skipped: 0 });
    expect(trees.lost()).toEqual([]);
    expect(trees.different()).toEqual([]);
  });
});
