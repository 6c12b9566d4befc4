import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { runCommand, type RunOptions } from '../platform/run.js';
import { PROOF_PREFIX } from './folder-set.js';
import { asProcessUser } from './process-user.js';
import type { Context, Procedure } from './resource.js';
import { stateFile } from './state-file.js';

export interface ShareSeenInput {
  readonly folders: readonly string[];
  /** The tokens of every node's proof. */
  readonly tokens: readonly string[];
  readonly uid: number;
  readonly gid: number;
  /** Remove the files once seen: for the last node that looks. */
  readonly remove: boolean;
}

/** Milliseconds until what one node wrote must be visible on another. */
const PATIENCE = 10_000;
const PAUSE = 250;

/** Proves that this node sees what every node wrote, with the same owner (procedure, rule 17). */
export const shareSeen: Procedure<ShareSeenInput, { readonly seen: number }, 'node'> = {
  place: 'node',

  run: async (input, context) => {
    const { folders, tokens, remove } = input;
    const files = folders.flatMap((folder) => tokens.map((token) => join(folder, `${PROOF_PREFIX}${token}`)));
    // An interrupted removal must not look like files that never came.
    const removing = stateFile<readonly string[]>(context.agent, 'share-seen');
    if (!sameTokens(await removing.read(), tokens)) await waitFor(files, input, context);
    if (remove) {
      await removing.write(tokens);
      await runCommand('rm', ['--force', '--', ...files], asUser(input, context));
      await removing.remove();
    }
    return { seen: files.length };
  },
};

function sameTokens(noted: readonly string[] | null, tokens: readonly string[]): boolean {
  return noted?.length === tokens.length && tokens.every((token) => noted.includes(token));
}

async function waitFor(files: readonly string[], input: ShareSeenInput, context: Context): Promise<void> {
  const expected = `${input.uid}:${input.gid}`;
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const { stdout } = await runCommand('stat', ['--format=%u:%g', '--', ...files], asUser(input, context));
    const owners = stdout === '' ? [] : stdout.split('\n');
    const right = owners.filter((owner) => owner === expected).length;
    if (right === files.length) return;
    if (Date.now() > deadline) {
      const found = `${owners.length} of ${files.length} proofs of the nodes are visible, ${right} owned by ${expected}`;
      throw new RolloutError('SHARE_STALE', `${found}; expected all within ${PATIENCE / 1000} s`);
    }
    await sleep(PAUSE, undefined, { signal: context.signal });
  }
}

const asUser = (input: ShareSeenInput, { signal }: Context): RunOptions => ({
  ...asProcessUser(input, signal),
  accept: [0, 1],
});
