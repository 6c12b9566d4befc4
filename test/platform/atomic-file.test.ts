import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, watch, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeFileAtomic } from '../../src/platform/atomic-file.js';
import { readText } from '../docs/repository.js';

let folder: string;
let mask: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-atomic-'));
  mask = process.umask(0);
});
afterEach(async () => {
  process.umask(mask);
  await rm(folder, { recursive: true });
});

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('a file that is written whole', () => {
  it('is its owner’s alone, whatever new files are otherwise, and at every moment', async () => {
    const file = join(folder, 'secret');
    const seen: number[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { filename } of watch(folder, { signal: stop.signal })) {
        if (filename !== null) seen.push(await modeOf(join(folder, filename)).catch(() => 0o600));
      }
    })().catch(() => undefined);
    for (let number = 0; number < 20; number += 1) await writeFileAtomic(file, `password ${number}`);
    stop.abort();
    await watching;
    expect(await modeOf(file)).toBe(0o600);
    expect(new Set([...seen, 0o600])).toEqual(new Set([0o600]));
    expect(await readFile(file, 'utf8')).toBe('password 19');
  });

  it('takes the place of one that others could read, and of a link, without writing where that leads', async () => {
    await writeFile(join(folder, 'open'), 'old', { mode: 0o666 });
    await writeFileAtomic(join(folder, 'open'), 'new');
    expect(await modeOf(join(folder, 'open'))).toBe(0o600);
    await writeFile(join(folder, 'elsewhere'), 'of somebody else');
    await symlink('elsewhere', join(folder, 'link'));
    await writeFileAtomic(join(folder, 'link'), 'mine');
    expect(await readFile(join(folder, 'elsewhere'), 'utf8')).toBe('of somebody else');
    expect(await readFile(join(folder, 'link'), 'utf8')).toBe('mine');
  });

  it('leaves nothing behind when it cannot be put into its place', async () => {
    await mkdir(join(folder, 'folder'));
    await expect(writeFileAtomic(join(folder, 'folder'), 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(await readdir(folder)).toEqual(['folder']);
  });
});

it('files are written by few, all of which say who may read them', () => {
  const sources = readdirSync(join(import.meta.dirname, '../../../src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('lab/'))
    .filter((path) => /\b(writeFile|writeFileSync|createWriteStream|appendFile)\(/.test(readText(`src/${path}`)));
  expect(sources.sort()).toEqual([
    'platform/atomic-file.ts',
    'platform/command-notes.ts',
    'platform/sqlite-copy.ts',
    'transfer/durable-file.ts',
    'transfer/lease.ts',
  ]);
  for (const path of sources.filter((one) => one !== 'transfer/lease.ts'))
    expect(readText(`src/${path}`)).toContain('0o600');
});
