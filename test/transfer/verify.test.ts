import {
  appendFileSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { LedgerReader, Ledger } from '../../src/transfer/ledger.js';
import { runEngine } from '../../src/transfer/run.js';
import type { VerifyOptions, VerifyResult } from '../../src/transfer/types.js';
import { verifyTree } from '../../src/transfer/verify.js';
import { makeExt4Image } from '../faults/ext4-image.js';
import { makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { Trees } from './trees.js';

const seed = newSeed();
let trees: Trees;

beforeEach(() => {
  trees = new Trees(false);
});
afterEach(() => {
  trees.remove();
});

async function verify(options: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const { ledger, destination } = trees;
  return (await runEngine({ task: 'verify', options: { ledger, destination, ...options } })) as VerifyResult;
}

/** The list of differences, as path and detail. */
function listed({ differencesFile }: VerifyResult): string[] {
  const lines = differencesFile === undefined ? [] : readFileSync(differencesFile, 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as { path: string; detail: string })
    .map(({ path, detail }) => `${path}: ${detail}`);
}

/** Changes one byte of a copy and leaves size and times as they were. */
function flip(path: string, at = 0): void {
  const { atime, mtime } = lstatSync(path);
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  utimesSync(path, atime, mtime);
}

describe('verify', () => {
  it('finds everything as it was copied, reads past the cache, and leaves no list', async () => {
    const { files, bytes } = makeMailTree(trees.source, { seed, files: 200, filesPerFolder: 20 });
    symlinkSync('cur', trees.from('a link'));
    await trees.pass('seed');
    const size = lstatSync(trees.from('a link')).size;
    const result = await verify();
    expect(result).toMatchObject({ outcome: 'equal', read: 'direct', different: 0 });
    expect(result.checked).toEqual({ files: files + 1, bytes: bytes + size });
    expect(result.differencesFile).toBeUndefined();
    expect(result.seed).toBeUndefined();
  });

  it('finds a changed byte, a file that was cut, one that is missing, another target of a link; no more', async () => {
    trees.make('a/changed', 'a/cut', 'a/missing', 'a/same', 'b/a folder now');
    symlinkSync('a', trees.from('link'));
    await trees.pass('seed');
    flip(trees.to('a/changed'), 3);
    truncateSync(trees.to('a/cut'), 5);
    rmSync(trees.to('a/missing'));
    rmSync(trees.to('b/a folder now'));
    mkdirSync(trees.to('b/a folder now'));
    rmSync(trees.to('link'));
    symlinkSync('b', trees.to('link'));
    const result = await verify();
    expect(result).toMatchObject({ outcome: 'different', different: 5, checked: { files: 6 } });
    expect(listed(result)).toEqual([
      'a/changed: another content',
      `a/cut: 5 bytes instead of ${'content of a/cut'.length}`,
      'a/missing: cannot be read: ENOENT',
      expect.stringMatching(/^b\/a folder now: /),
      'link: another target',
    ]);
  });

  it('is about what was copied: what others put there besides is no difference', async () => {
    trees.make('a/one');
    await trees.pass('seed');
    writeFileSync(trees.to('a/theirs'), 'theirs');
    expect(await verify()).toMatchObject({ outcome: 'equal', checked: { files: 1 } });
  });

  it('finds a file that is longer than 64 MiB changed behind its first part', async () => {
    trees.make('a/large');
    truncateSync(trees.from('a/large'), 65 * 1024 * 1024);
    await trees.pass('seed');
    expect(await verify()).toMatchObject({ outcome: 'equal' });
    const fd = openSync(trees.to('a/large'), 'r+');
    writeSync(fd, 'x', 64 * 1024 * 1024 + 7);
    closeSync(fd);
    expect(listed(await verify())).toEqual(['a/large: another content']);
  });

  it('reads what lies on the disk, not what this machine remembers of it', async () => {
    mkdirSync(trees.in('disk'));
    const disk = makeExt4Image(trees.in('image'), 32 * 1024 ** 2, trees.in('disk'));
    try {
      rmSync(trees.in('disk/lost+found'), { recursive: true });
      trees.make('a/one', 'a/two');
      const [destination, text] = [trees.in('disk'), 'content of a/one'];
      await trees.pass('seed', { destination });
      expect(readFileSync(trees.in('disk/a/one'), 'utf8')).toBe(text);
      const at = readFileSync(trees.in('image')).indexOf(text);
      const fd = openSync(trees.in('image'), 'r+');
      writeSync(fd, 'C', at);
      closeSync(fd);
      expect(readFileSync(trees.in('disk/a/one'), 'utf8')).toBe(text);
      const result = await verify({ destination });
      expect(result).toMatchObject({ outcome: 'different', read: 'direct', different: 1 });
      expect(listed(result)).toEqual(['a/one: another content']);
    } finally {
      await disk.close();
    }
  });

  it('says how it read: also when the first file is missing, and when another machine wrote', async () => {
    trees.make('a/one', 'a/two');
    await trees.pass('seed');
    rmSync(trees.to('a/one'));
    expect(await verify()).toMatchObject({ read: 'direct', different: 1 });
    const ledger = Ledger.open(trees.ledger, hostname());
    ledger.amend({ host: `not ${hostname()}` });
    await ledger.close();
    expect(await verify()).toMatchObject({ read: 'another machine', different: 1 });
  });

  it('of what the latest pass wrote reads all of it, whatever the sample takes', async () => {
    trees.make('a/early', 'b/early');
    await trees.pass('seed');
    trees.make('a/late', 'c/late');
    await trees.pass('final');
    for (const path of ['a/early', 'a/late', 'c/late']) flip(trees.to(path));
    const result = await verify({ sample: 0, latest: true });
    expect(result).toMatchObject({ outcome: 'different', checked: { files: 2 } });
    expect(listed(result)).toEqual(['a/late: another content', 'c/late: another content']);
  });

  it('of a sample reads about that share of the files, the same ones for the same seed, others for another', async () => {
    const { files } = makeMailTree(trees.source, { seed, files: 600, filesPerFolder: 60 });
    await trees.pass('seed');
    for (const path of manyOf(trees.destination)) flip(path);
    const [first, again, other] = [
      await samples({ sample: 20, seed: 1 }),
      await samples({ sample: 20, seed: 1 }),
      await samples({ sample: 20, seed: 2 }),
    ];
    expect(first.checked).toBeGreaterThan(files * 0.1);
    expect(first.checked).toBeLessThan(files * 0.3);
    expect(first.paths).toHaveLength(first.checked);
    expect(again).toEqual(first);
    expect(other.paths).not.toEqual(first.paths);
    const [one, two] = [await verify({ sample: 20 }), await verify({ sample: 20 })];
    expect(one.seed).not.toBe(two.seed);
    expect(await samples({ sample: 20, seed: one.seed ?? 0 })).toMatchObject({ checked: one.checked.files });
  });

  it('that was stopped goes on behind what it had checked, and lists each difference once', async () => {
    const { files } = makeMailTree(trees.source, { seed, files: 3_000, filesPerFolder: 300 });
    await trees.pass('seed');
    const [firstKey] = keysOf();
    const first = trees.to(firstKey ?? '');
    flip(first);
    const controller = new AbortController();
    const reason = new Error('stopped');
    const timer = setInterval(() => {
      if (existsSync(`${trees.ledger}/verify.json`)) controller.abort(reason);
    }, 1);
    const { ledger, destination } = trees;
    const steering = { signal: controller.signal, onProgress: () => undefined, onGate: () => undefined };
    try {
      await expect(verifyTree({ ledger, destination, threads: 1 }, steering)).rejects.toBe(reason);
    } finally {
      clearInterval(timer);
    }
    // nobody looks at it again
    flip(first);
    // and a kill after a further difference was listed would have left its line
    appendFileSync(`${trees.ledger}/differences.jsonl`, '{"path":"listed twi');
    const result = await verify();
    expect(result).toMatchObject({ outcome: 'different', different: 1, checked: { files } });
    expect(listed(result)).toEqual([`${firstKey ?? ''}: another content`]);
    expect(await verify()).toMatchObject({ outcome: 'equal', checked: { files } });
  });

  it('refuses a destination that is not the ledger’s', async () => {
    trees.make('a/one');
    await trees.pass('seed');
    mkdirSync(trees.in('elsewhere'));
    await expect(verify({ destination: trees.in('elsewhere') })).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
  });
});

/** Every file below a folder, but the mark. */
function manyOf(root: string): string[] {
  return keysOf().map((path) => `${root}/${path}`);
}

/** Paths of all files in the order of the ledger, in which they are read. */
function keysOf(): string[] {
  const reader = new LedgerReader(trees.ledger);
  const paths: string[] = [];
  const walk = (id: number): void => {
    for (const name of reader.filesOf(id).keys()) paths.push([reader.pathOf(id).path, name].filter(Boolean).join('/'));
  };
  const { nextFolder = 0 } = reader.meta() ?? {};
  for (let id = 1; id < nextFolder; id += 1) if (reader.knows(id)) walk(id);
  void reader.close();
  return paths;
}

async function samples(options: Partial<VerifyOptions>): Promise<{ checked: number; paths: string[] }> {
  const result = await verify(options);
  return { checked: result.checked.files, paths: listed(result) };
}
