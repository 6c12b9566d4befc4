import { mkdir, mkdtemp, open, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { changedSince, glanceAt, type Glance } from '../../src/platform/glance.js';
import { treeRoot } from '../../src/platform/tree.js';

const options = { signal: new AbortController().signal };

let folder: string;
let glance: Glance;
const inbox = (name: string): string => join(folder, 'example.com/jane/inbox', name);
const changed = async (most = 5): Promise<readonly string[]> => {
  const paths = await changedSince(glance, options, most);
  return paths.map((path) => path.slice(folder.length)).sort();
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-glance-'));
  await mkdir(inbox('.'), { recursive: true });
  await mkdir(join(folder, 'example.com/john/inbox'), { recursive: true });
  for (const name of ['1.imap', '2.imap', 'flags.dat']) await writeFile(inbox(name), name);
  glance = await glanceAt(treeRoot(folder), options);
  // the kernel's clock ticks only every few milliseconds
  await sleep(20);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a glance at a tree', () => {
  it('finds nothing where nothing was done', async () => {
    expect(await changed()).toEqual([]);
    expect(await changedSince(await glanceAt(treeRoot(join(folder, 'nowhere')), options), options, 5)).toEqual([]);
  });

  it('finds what is new, by its folder', async () => {
    await writeFile(inbox('3.imap'), '');
    expect(await changed()).toEqual(['/example.com/jane/inbox']);
    await mkdir(join(folder, 'example.com/jim'));
    expect(await changed()).toEqual(['/example.com', '/example.com/jane/inbox']);
  });

  it('finds what is gone or has another name', async () => {
    await rename(inbox('1.imap'), inbox('1-.imap'));
    await rm(inbox('2.imap'));
    expect(await changed()).toEqual([
      '/example.com/jane/inbox',
      ...['/1.imap', '/2.imap'].map((name) => `/example.com/jane/inbox${name}`),
    ]);
    expect(await changed(1)).toHaveLength(1);
  });

  it('finds what was written over in place with equal length, even where its times were set back', async () => {
    const file = await open(inbox('flags.dat'), 'r+');
    await file.write('FLAGS.dat', 0);
    await file.close();
    await utimes(inbox('flags.dat'), 1_000_000_000, 1_000_000_000);
    expect(await changed()).toEqual(['/example.com/jane/inbox/flags.dat']);
  });

  it('ends when it is cancelled', async () => {
    await expect(glanceAt(treeRoot(folder), { signal: AbortSignal.abort() })).rejects.toThrow();
  });
});
