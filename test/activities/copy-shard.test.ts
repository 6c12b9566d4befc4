import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import {
  copyShard,
  cutForCopy,
  limitTree,
  MOST_SHARDS,
  reverseTree,
  verifyTree,
  type TreeContext,
} from '../../src/activities/copy-shard.js';
import type { Tree, TreeBeat } from '../../src/activities/tree.js';
import type { EngineTask, PassOptions, PassResult } from '../../src/transfer/types.js';
import { testContext, type TestContext } from '../support/context.js';

const CHILD = join(import.meta.dirname, '../transfer/fixtures/fake-engine.js');

let context: TestContext;
let told: TreeBeat[];

beforeEach(async () => {
  context = await testContext();
  told = [];
});

afterEach(() => context.remove());

/** An agent with a stand-in for the engine. */
function agent(): TreeContext {
  const { signal, folder: stateDir } = context;
  return { stateDir, signal, tell: (beat) => told.push(beat), engine: { child: CHILD } };
}

/** A tree whose name tells the stand-in what to do. */
async function treeOf(scene: string, more: Partial<Tree> = {}): Promise<Tree> {
  const source = join(context.folder, scene);
  await mkdir(source, { recursive: true });
  return { name: 'mail', source, destination: '/nowhere', ...more };
}

function ledger(): string {
  return join(context.folder, 'transfer/mail');
}

/** What the engine was asked for. */
function askedFor({ notes }: PassResult): PassOptions {
  const task = JSON.parse(notes[0] ?? '') as Extract<EngineTask, { task: 'copy' }>;
  return task.options;
}

/** Enough folders for more than one shard. */
async function fill(source: string): Promise<void> {
  for (const domain of ['a', 'b', 'queue']) {
    for (let box = 0; box < 120; box += 1) {
      const folders = Array.from({ length: 100 }, (_, index) => join(source, `${domain}/${box}/${index}`));
      await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })));
    }
  }
}

describe('the copy of a tree on its node', () => {
  it('asks the engine for what the tree says, with a ledger of the tree’s own', async () => {
    const more = { exclude: ['queue'], rehash: ['*.db'], owner: { uid: 5, gid: 6 }, maxDelete: 7, threads: 2 };
    const tree = await treeOf('says what it got', more);
    const { name, ...rest } = tree;
    const result = await copyShard({ tree, kind: 'final' }, agent());
    expect(name).toBe('mail');
    expect(askedFor(result)).toEqual({ ...rest, kind: 'final', keepRoot: true, ledger: ledger() });
  });

  it('tells its counters', async () => {
    await copyShard({ tree: await treeOf('works'), kind: 'seed' }, agent());
    expect(told.at(-1)).toEqual({
      phase: 'walk and copy',
      files: 3,
      bytes: 300,
      totalFiles: 3,
      totalBytes: 300,
      copiedFiles: 3,
      skipped: 0,
    });
  });

  it('goes on only with the tree that its ledger is about', async () => {
    await copyShard({ tree: await treeOf('works'), kind: 'seed' }, agent());
    const other = await treeOf('works', { destination: '/elsewhere' });
    await expect(copyShard({ tree: other, kind: 'delta' }, agent())).rejects.toMatchObject({ code: 'LEDGER_OTHER' });
  });

  it.each(['', '../mail', 'Mail', 'mail/../../etc'])('refuses the name %j: it would be a path', async (name) => {
    const tree = await treeOf('works', { name });
    await expect(copyShard({ tree, kind: 'seed' }, agent())).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('can be verified and taken back', async () => {
    const tree = await treeOf('works');
    expect(await verifyTree({ tree, sample: 5 }, agent())).toMatchObject({ outcome: 'equal' });
    expect(await reverseTree({ tree, quarantine: '/quarantine' }, agent())).toMatchObject({ outcome: 'done' });
  });

  it('is taken back by what the tree says, also of what is compared by content', async () => {
    const tree = await treeOf('says what it got', { exclude: ['queue'], rehash: ['*.db'], maxDelete: 7, threads: 2 });
    const { name: _, ...rest } = tree;
    const { notes } = await reverseTree({ tree, quarantine: '/quarantine' }, agent());
    const { options } = JSON.parse(notes[0] ?? '') as { options: unknown };
    expect(options).toEqual({ ...rest, quarantine: '/quarantine', ledger: ledger() });
  });

  it('takes limits that are right, and keeps them', async () => {
    const tree = await treeOf('works');
    await limitTree({ tree, limits: { bytes: 5 } }, agent());
    expect(JSON.parse(await readFile(join(ledger(), 'limits.json'), 'utf8'))).toEqual({ bytes: 5 });
    await expect(limitTree({ tree, limits: { files: 0 } }, agent())).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the shards of a tree on its node', () => {
  it('are kept beside the ledger, cover all that is not excluded, and are copied one by one', async () => {
    const tree = await treeOf('says what it got', { exclude: ['queue'] });
    await fill(tree.source);
    const cut = await cutForCopy({ tree }, agent());
    expect(cut).toMatchObject({ entries: 2 + 2 * 120 * 101, id: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(cut.shards).toBeGreaterThan(1);
    expect(cut.shards).toBeLessThanOrEqual(MOST_SHARDS);
    expect(told.at(-1)).toMatchObject({ phase: 'count', files: cut.entries });
    const asked: string[] = [];
    for (let index = 0; index < cut.shards; index += 1) {
      const result = await copyShard({ tree, kind: 'seed', shard: { cut: cut.id, index } }, agent());
      asked.push(...(askedFor(result).only ?? []));
    }
    const boxes = ['a', 'b'].flatMap((domain) => Array.from({ length: 120 }, (_, box) => `${domain}/${box}`));
    // a domain in one piece stands for its mailboxes
    const copied = boxes.filter((box) => asked.some((path) => path === box || box.startsWith(`${path}/`)));
    expect(copied).toEqual(boxes);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('of an earlier cut are refused', async () => {
    const tree = await treeOf('works');
    const first = await cutForCopy({ tree }, agent());
    const shard = { cut: first.id, index: 0 };
    // a small tree has none at all
    expect(first.shards).toBe(0);
    await expect(copyShard({ tree, kind: 'seed', shard }, agent())).rejects.toMatchObject({
      code: 'CHANGED_MEANWHILE',
    });
    await expect(copyShard({ tree, kind: 'seed', shard: { cut: 'another', index: 0 } }, agent())).rejects.toMatchObject(
      { code: 'CHANGED_MEANWHILE' },
    );
  });

  it('are not cut of a source that is not there', async () => {
    const tree = { name: 'mail', source: join(context.folder, 'absent'), destination: '/nowhere' };
    await expect(cutForCopy({ tree }, agent())).rejects.toMatchObject({ code: 'SOURCE_MISSING' });
  });
});
