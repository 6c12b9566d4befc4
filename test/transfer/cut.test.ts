import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { cutTree, divide, type Folder } from '../../src/transfer/cut.js';
import { compile } from '../../src/transfer/patterns.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'icewarp-rollout-cut-ž-'));
});

afterEach(() => rm(root, { recursive: true }));

describe('cutting a tree', () => {
  it('counts what is in it by names alone, and leaves a small tree whole', async () => {
    await mkdir(join(root, 'a/b/c/d'), { recursive: true });
    await mkdir(join(root, 'queue/x'), { recursive: true });
    await writeFile(join(root, 'a/b/c/d/1'), '');
    await symlink(root, join(root, 'a/loop'));
    await writeFile(Buffer.concat([Buffer.from(`${root}/a/`), Buffer.from([0xff, 0x0a])]), '');
    const exclude = compile(['queue']);
    expect(await cutTree(root, { most: 500, exclude })).toEqual({ shards: [], entries: 7 });
    expect((await cutTree(root, { most: 500 })).entries).toBe(9);
  });

  it('names folders by their bytes', async () => {
    for (const name of [Buffer.from([0xe9]), Buffer.from('é')]) {
      const folder = Buffer.concat([Buffer.from(`${root}/`), name]);
      await mkdir(folder);
      for (let file = 0; file < 6; file += 1) {
        await writeFile(Buffer.concat([folder, Buffer.from(`/${file}`)]), '');
      }
    }
    const { shards } = await cutTree(root, { most: 500, least: 10 });
    expect(shards).toEqual([['\xc3\xa9'], ['\xe9']]);
  });

  it('ends when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(cutTree(root, { most: 500, signal })).rejects.toThrow('enough');
  });
});

describe('the shards of a tree', () => {
  const LEAST = 20;
  const entries = fc.oneof(fc.nat(5), fc.nat(100));
  const mailbox = fc.record({ entries });
  const domain = fc.record({ entries, mailboxes: fc.array(mailbox, { maxLength: 12 }) });
  const tree: fc.Arbitrary<Folder> = fc
    .record({ entries, domains: fc.array(domain, { maxLength: 12 }) })
    .map((one) => ({
      path: '',
      entries: one.entries,
      folders: one.domains.map(({ entries: inDomain, mailboxes }, at) => ({
        path: `d${at}`,
        entries: inDomain,
        folders: mailboxes.map((box, index) => ({ path: `d${at}/m${index}`, entries: box.entries, folders: [] })),
      })),
    }));

  function all(folder: Folder): Folder[] {
    return [folder, ...folder.folders.flatMap(all)];
  }

  /** What is in a folder and below it, each folder counted as well. */
  function weight(folder: Folder): number {
    return all(folder).reduce((sum, one) => sum + one.entries + 1, 0);
  }

  it('are never more than asked for, overlap nowhere, and lack only what lies directly in a divided folder', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 2, max: 30 }), (one, most) => {
        const shards = divide(one, most, LEAST);
        expect(shards.length).toBeLessThanOrEqual(most);
        if (shards.length === 0) return;
        const paths = shards.flat();
        const divided = new Set([
          '',
          ...all(one)
            .filter(({ path }) => paths.some((piece) => piece.startsWith(`${path}/`)))
            .map(({ path }) => path),
        ]);
        for (const { path } of all(one)) {
          const holders = paths.filter((piece) => path === piece || path.startsWith(`${piece}/`));
          expect({ path, holders: holders.length }).toEqual({ path, holders: divided.has(path) ? 0 : 1 });
        }
      }),
    );
  });

  it('are of a bounded size, but for a single folder that cannot be divided', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 2, max: 30 }), (one, most) => {
        const byPath = new Map(all(one).map((folder) => [folder.path, folder]));
        const bound = Math.max(LEAST, Math.ceil((2 * weight(one)) / (most - 1)));
        for (const shard of divide(one, most, LEAST)) {
          const folders = shard.flatMap((path) => byPath.get(path) ?? []);
          const size = folders.reduce((sum, folder) => sum + weight(folder), 0);
          if (size > bound) expect(folders.map(({ folders: below }) => below)).toEqual([[]]);
        }
      }),
    );
  });

  it('of twenty million messages are at most five hundred', () => {
    const folders = Array.from({ length: 40 }, (_, at) => ({
      path: `domain${at}`,
      entries: 0,
      folders: Array.from({ length: 1_000 }, (_box, index) => ({
        path: `domain${at}/user${index}`,
        entries: 500,
        folders: [],
      })),
    }));
    const shards = divide({ path: '', entries: 0, folders }, 500);
    expect(shards.length).toBeLessThanOrEqual(500);
    expect(shards.length).toBeGreaterThan(200);
    expect(shards.flat()).toHaveLength(40_000);
  });
});
