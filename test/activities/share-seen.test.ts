import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { PROOF_PREFIX } from '../../src/activities/folder-set.js';
import { shareSeen, type ShareSeenInput } from '../../src/activities/share-seen.js';
import { stateFile } from '../../src/activities/state-file.js';
import { testContext, type TestContext } from '../support/context.js';

let context: TestContext;
let folder: string;
let input: ShareSeenInput;

beforeEach(async () => {
  context = await testContext();
  folder = join(context.folder, 'share');
  await mkdir(folder);
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  input = { folders: [folder], tokens: ['1-A', '1-B'], uid, gid, remove: true };
});

afterEach(() => context.remove());

async function prove(...tokens: string[]): Promise<void> {
  for (const token of tokens) await writeFile(join(folder, PROOF_PREFIX + token), token);
}

const noted = (): Promise<readonly string[] | null> => stateFile<readonly string[]>(context.agent, 'share-seen').read();

/** The note of a removal that was killed before its end. */
const killedWhileRemoving = (tokens: readonly string[]): Promise<void> =>
  stateFile<readonly string[]>(context.agent, 'share-seen').write(tokens);

describe('seeing what every node wrote', () => {
  it('removes the proofs, and leaves no note and no way back of its own', async () => {
    await prove('1-A', '1-B');
    await expect(shareSeen.run(input, context)).resolves.toEqual({ seen: 2 });
    await expect(readdir(folder)).resolves.toEqual([]);
    await expect(noted()).resolves.toBeNull();
    await expect(context.agent.vault.open()).resolves.toEqual([]);
  });

  it('ends a removal of the same proofs that was killed', async () => {
    await prove('1-B');
    await killedWhileRemoving(input.tokens);
    await expect(shareSeen.run(input, context)).resolves.toEqual({ seen: 2 });
    await expect(readdir(folder)).resolves.toEqual([]);
    await expect(noted()).resolves.toBeNull();
  });

  it('looks itself where a removal of other proofs was killed', async () => {
    await killedWhileRemoving(['0-A', '0-B']);
    const cancelled = { ...context, signal: AbortSignal.timeout(500) };
    await expect(shareSeen.run(input, cancelled)).rejects.toThrow();
    await prove('1-A', '1-B');
    await expect(shareSeen.run(input, context)).resolves.toEqual({ seen: 2 });
    await expect(noted()).resolves.toBeNull();
  });
});
