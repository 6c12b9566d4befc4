import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { output } from '../commands.js';
import { changeMailTree, makeMailTree } from './mail-tree.js';
import { differences, manifest, SENTINEL } from './manifest.js';
import { newSeed } from './random.js';
import { rsyncDifferences } from './rsync-differences.js';
import type { WickedTree } from './wicked-tree.js';
import { makeWickedTree, removeTree } from './wicked-tree.js';

const seed = newSeed();
let folder: string;
let a: string;
let b: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-trees-'));
  [a, b] = [join(folder, 'a'), join(folder, 'b')];
  mkdirSync(a);
});
afterEach(() => removeTree(folder));

function copy(from: string, to: string): void {
  output('cp', ['-a', '--sparse=always', '--', from, to]);
}

describe('a tree of mail', () => {
  it('is the same for the same seed, times included, and another for another', () => {
    makeMailTree(a, { seed, files: 60, filesPerFolder: 7 });
    makeMailTree(b, { seed, files: 60, filesPerFolder: 7 });
    const ignore = ['mtime'] as const;
    expect(differences(manifest(a), manifest(b), { ignore })).toEqual(
      // Folders are as new as they are.
      differences(manifest(a), manifest(b)).filter((line) => !line.includes(': mtime ')),
    );
    const files = (root: string): string[] =>
      [...manifest(root)]
        .filter(([, { type }]) => type === 'f')
        .map(([path, { mtime, sha256 }]) => path + mtime + sha256);
    expect(files(a)).toEqual(files(b));
    const c = join(folder, 'c');
    makeMailTree(c, { seed: seed + 1, files: 60, filesPerFolder: 7 });
    expect(differences(manifest(a), manifest(c), { ignore }).length).toBeGreaterThan(59);
  });

  it('has messages of 2 to 60 kB, 23 kB on average, each with a content of its own', () => {
    const tree = makeMailTree(a, { seed, files: 500 });
    const entries = [...manifest(a).values()].filter(({ type }) => type === 'f');
    const sizes = entries.map(({ size }) => Number(size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(tree.bytes);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(60_000);
    expect(tree.bytes / tree.files).toBeGreaterThan(20_000);
    expect(tree.bytes / tree.files).toBeLessThan(26_000);
    expect(new Set(entries.map(({ sha256 }) => sha256)).size).toBe(500);
  });

  it('is changed in as many places as asked for', () => {
    const tree = makeMailTree(a, { seed, files: 100, filesPerFolder: 10 });
    copy(a, b);
    const bytes = changeMailTree(tree, { seed, changed: 5, added: 4, removed: 3, renamed: 2 });
    const lines = differences(manifest(b), manifest(a), { ignore: ['mtime', 'size'] });
    expect(lines.filter((line) => line.includes(': sha256 '))).toHaveLength(5);
    expect(lines.filter((line) => line.endsWith('only in the second'))).toHaveLength(4 + 2);
    expect(lines.filter((line) => line.endsWith('only in the first'))).toHaveLength(3 + 2);
    expect(bytes).toBeGreaterThan(9 * 2_000);
  });
});

describe('a wicked tree', () => {
  it('holds what it promises', async () => {
    const tree = await makeWickedTree(a, { seed, large: 0 });
    const all = manifest(a);
    const paths = [...all.keys()];
    expect(tree.odd.map((path) => all.get(path)?.type)).toEqual(['s', 'p', 'c']);
    expect(tree.outside.map((path) => all.get(path)?.type)).toEqual(['l', 'l', 'l']);
    expect(Math.max(...paths.map((path) => path.length))).toBeGreaterThan(3_000);
    expect(paths.filter((path) => path.split('/').at(-1)?.length === 255)).toHaveLength(4);
    expect(all.get('times/-5.25')?.mtime).toBe('-5250000000');
    expect(all.get('times/-1.000000001')?.mtime).toBe('-1000000001');
    expect(all.get('times/2147483648.5')?.mtime).toBe('2147483648500000000');
    expect(all.get('times/9999999999.000000001')?.mtime).toBe('9999999999000000001');
    expect(all.get('hard/other/three')).toMatchObject({ group: 'hard/one', mode: '644' });
    expect(all.get('modes/file 0')?.mode).toBe('0');
    expect(all.get('modes/folder 7777')).toMatchObject({ type: 'd', mode: '7777' });
    expect(all.get('owners/largest')).toMatchObject({ uid: '4294967294', gid: '2147483653' });
    expect(all.get('links/not UTF-8 \xff')?.target).toBe('target/\xff\n');
    const { size, blocks } = statSync(join(a, 'sizes/sparse'));
    expect(blocks * 512).toBeLessThan(size / 10);
  });

  it('can have a large file, and paths that no system call takes', async () => {
    const { tooDeep } = await makeWickedTree(a, { seed, beyondPathMax: true });
    const all = manifest(a);
    expect(Number(all.get('sizes/large')?.size)).toBeGreaterThan(64 * 2 ** 20);
    const deepest = tooDeep.at(-1) ?? '';
    expect(deepest.length).toBeGreaterThan(4_096);
    const sum = output('sha256sum', ['-'], { input: Buffer.from('at the bottom') }).toString('latin1');
    expect(all.get(deepest)?.sha256).toBe(sum.slice(0, 64));
  });
});

describe('the comparison of trees', () => {
  let tree: WickedTree;

  beforeEach(async () => {
    tree = await makeWickedTree(a, { seed, large: 0 });
    copy(a, b);
  });

  it('finds nothing in a true copy', () => {
    writeFileSync(join(b, SENTINEL), '{}');
    expect(differences(manifest(a), manifest(b))).toEqual([]);
    expect(rsyncDifferences(a, b)).toEqual([]);
  });

  it.each([
    [
      'a byte',
      'hard/one',
      'sha256',
      (file: string) => writeFileSync(file, readFileSync(file, 'latin1').replace('c', 'd')),
    ],
    ['the length', 'one byte', 'size', (file: string) => appendFileSync(file, 'x')],
    ['a nanosecond', 'times/0', 'mtime', (file: string) => output('touch', ['-d', '@0.000000001', file])],
    ['the mode', 'modes/file 640', 'mode', (file: string) => chmodSync(file, 0o641)],
    ['the owner', 'owners/user', 'uid', (file: string) => output('chown', ['1009', file])],
    ['the group', 'owners/user', 'gid', (file: string) => output('chown', [':1009', file])],
    ['the owner of a link', 'owners/link', 'uid', (file: string) => output('chown', ['-h', '1', file])],
    ['the target of a link', 'links/dangling', 'target', (file: string) => output('ln', ['-sfn', 'nowhere', file])],
    ['a broken hard link', 'hard/pair', 'group', (file: string) => output('sed', ['-i', '', file])],
    ['the time of a folder', 'times', 'mtime', (file: string) => output('touch', ['-d', '@5', file])],
    ['what is missing', 'no bytes', 'only in the first', (file: string) => rmSync(file)],
    ['what is too much', 'empty/er/file', 'only in the second', (file: string) => writeFileSync(file, '')],
  ])('finds %s, by two independent ways', (_, path, field, change) => {
    change(join(b, path));
    const found = differences(manifest(a), manifest(b)).filter((line) => line.startsWith(`${path}: ${field}`));
    expect(found).toHaveLength(1);
    expect(rsyncDifferences(a, b).join('\n')).toContain(path.split('/').at(-1));
  });

  it('leaves out what it is told to', () => {
    removeTree(join(b, 'odd'));
    chmodSync(join(b, 'one byte'), 0o777);
    const options = { ignore: ['mode', 'mtime'] as const, without: [...tree.odd, 'odd'] };
    expect(differences(manifest(a), manifest(b), options)).toEqual([]);
  });
});
