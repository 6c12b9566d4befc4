import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { applyBlock, observeBlock, restoreBlock, type TextBlock } from '../../src/activities/text-block.js';
import { sha256Of } from '../../src/platform/vault.js';
import { testContext, type TestContext } from '../support/context.js';

let context: TestContext;
let block: TextBlock;

beforeEach(async () => {
  context = await testContext();
  block = { file: join(context.folder, 'file.conf'), mark: 'share x', body: 'ours' };
});

afterEach(() => context.remove());

const refuse = (): Promise<void> => Promise.reject(new Error('refused'));

describe('a block in somebody else’s file', () => {
  it('goes in and comes out without changing another byte', async () => {
    await writeFile(block.file, 'theirs');
    const before = await observeBlock(block);
    await applyBlock(block, context.vault);
    await applyBlock(block, context.vault);
    expect((await observeBlock(block)).block).toBe('same');
    for (let twice = 0; twice < 2; twice++) await restoreBlock(block, before, context.vault);
    await expect(readFile(block.file, 'utf8')).resolves.toBe('theirs');
  });

  it('leaves no file where there was none', async () => {
    const before = await observeBlock(block);
    await applyBlock(block, context.vault);
    await restoreBlock(block, before, context.vault);
    await expect(stat(block.file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that is refused changes nothing, yet the file is kept as it was found', async () => {
    await writeFile(block.file, 'wrong\n');
    await expect(applyBlock(block, context.vault, refuse)).rejects.toThrow('refused');
    await expect(readFile(block.file, 'utf8')).resolves.toBe('wrong\n');
    await expect(context.vault.original(sha256Of('wrong\n'))).resolves.toEqual(Buffer.from('wrong\n'));
  });

  it('comes out of a file that the operator corrected after a refusal, and the correction stays', async () => {
    await writeFile(block.file, 'wrong\n');
    const before = await observeBlock(block);
    await expect(applyBlock(block, context.vault, refuse)).rejects.toThrow('refused');
    await writeFile(block.file, 'right\n');
    await applyBlock(block, context.vault);
    for (let twice = 0; twice < 2; twice++) await restoreBlock(block, before, context.vault);
    await expect(readFile(block.file, 'utf8')).resolves.toBe('right\n');
  });

  it('that somebody edited is left alone', async () => {
    const before = await observeBlock(block);
    await applyBlock(block, context.vault);
    await writeFile(block.file, (await readFile(block.file, 'utf8')).replace('ours', 'ours, edited'));
    await expect(restoreBlock(block, before, context.vault)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
  });
});
