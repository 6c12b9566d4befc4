import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { readPathDat } from '../icewarp/layout.js';
import { lineOf } from '../icewarp/path-dat.js';
import { isNetwork } from '../platform/mount-options.js';
import { runCommand } from '../platform/run.js';
import { PROOF_PREFIX } from './folder-set.js';
import { asProcessUser, writeSynced, type ProcessUser } from './process-user.js';
import { QUEUE_LINES } from './queues.js';
import type { Context, Procedure } from './resource.js';

export interface LocalPlacesInput extends ProcessUser {
  readonly directory: string;
  /** Temp, Logs and queues: the same paths on every node. */
  readonly folders: readonly string[];
}

export interface LocalPlaces {
  /** The first few that are not as they should be, in words. */
  readonly broken: readonly string[];
}

const MOST = 5;

/**
 * Proves that a node's Temp, Logs and queues are on a disk of its own, can be written by the mail server's user, and that
 * path.dat names no other queues (procedure, rules 3 and 4). Leaves nothing behind.
 */
export const localPlaces: Procedure<LocalPlacesInput, LocalPlaces, 'node'> = {
  place: 'node',
  async run({ directory, folders, uid, gid }, context) {
    const broken: string[] = [];
    for (const folder of folders) {
      const why = await whyNot(folder, { uid, gid }, context);
      if (why !== null) broken.push(`${folder} ${why}`);
    }
    const wanted = new Set(folders.map((folder) => resolve(folder)));
    const lines = await readPathDat(directory);
    for (const number of QUEUE_LINES) {
      const named = lineOf(lines, number);
      if (named === '' || !wanted.has(resolve(directory, named))) {
        broken.push(`line ${number} of path.dat names ${named.slice(0, 150) || 'no queue'}, not one of these folders`);
      }
    }
    return { broken: broken.slice(0, MOST) };
  },
};

async function whyNot(folder: string, user: ProcessUser, { agent, signal }: Context): Promise<string | null> {
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) return 'is not there';
  if (isNetwork(await agent.platform.mounts.type(folder))) return 'is not on a disk of the node';
  const options = asProcessUser(user, signal);
  // no pattern of a mail server's queue takes that name for a message
  const proof = join(folder, `${PROOF_PREFIX}local`);
  try {
    await writeSynced(proof, 'local\n', options);
    await runCommand('rm', ['--', proof], options);
    return null;
  } catch (error) {
    if (error instanceof RolloutError && error.code === 'COMMAND_FAILED') return `cannot be written by uid ${user.uid}`;
    throw error;
  }
}
