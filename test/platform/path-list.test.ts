import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PathList } from '../../src/platform/path-list.js';

describe('a list of paths', () => {
  let folder: string;
  let list: PathList;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-list-'));
    list = new PathList(join(folder, 'list'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = async (): Promise<string[]> => {
    const paths: string[] = [];
    for await (const path of list.paths()) paths.push(path.toString('latin1'));
    return paths;
  };

  it('is empty before it is made', async () => expect(await read()).toEqual([]));

  it('keeps bytes in their order', async () => {
    await list.append([Buffer.from('a/b'), Buffer.from([0xff, 0x0a])]);
    await list.append([Buffer.from('c')]);
    expect(await read()).toEqual(['a/b', 'ÿ\n', 'c']);
  });

  it('gives up a torn last path', async () => {
    await list.append([Buffer.from('whole')]);
    await appendFile(list.file, 'torn');
    expect(await read()).toEqual(['whole']);
    await list.append([Buffer.from('next')]);
    expect(await read()).toEqual(['whole', 'next']);
  });

  it('is read across the borders of what is read at once', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `folder/${index}.imap`);
    await list.append(many.map((path) => Buffer.from(path)));
    expect(await read()).toEqual(many);
  });
});
