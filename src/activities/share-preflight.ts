import { lookup } from 'node:dns/promises';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SENTINEL, SHARED_FOLDERS } from '../cluster/names.js';
import type { Room } from '../cluster/room.js';
import { roomFor } from '../platform/folders.js';
import { holderOf, listeners, takes } from '../platform/listeners.js';
import { readSentinel } from '../platform/sentinel.js';
import type { Procedure } from './resource.js';

export interface SharePreflightInput {
  /** The folder that will be shared. */
  readonly path: string;
  /** Where the nodes will mount it from. */
  readonly host: string;
  readonly port: number;
}

/** What the server of the share shows before anything on it is changed: under 2 kB, no name of any file. */
export interface SharePreflight {
  readonly room: Room;
  /** The cluster that the folder's sentinel names; null where it has none. */
  readonly owner: string | null;
  /** How many things lie in the folder that no rollout put there; not counted where the folder has an owner. */
  readonly foreign: number;
  /** The program that listens where Samba should; empty where it cannot be told, null where none does. */
  readonly server: string | null;
}

/** What a file system or an unfinished step of ours leaves at the root. */
const EXPECTED = [SENTINEL, 'lost+found', 'share'];
const LONGEST = 20;

/** Looks at the server of the share before the first change (procedure, order 1, step 1; B8). Changes nothing. */
export const sharePreflight: Procedure<SharePreflightInput, SharePreflight, 'share'> = {
  place: 'share',
  async run({ path, host, port }, { signal }) {
    const owner = await readSentinel(path, signal);
    return {
      room: await roomFor(path),
      owner: owner?.slice(0, 40) ?? null,
      foreign: owner === null ? await foreignIn(path) : 0,
      server: await serverAt(host, port),
    };
  },
};

async function foreignIn(path: string): Promise<number> {
  const share = join(path, 'share');
  const others = [
    ...(await namesIn(path)).filter((name) => !EXPECTED.includes(name)),
    ...(await namesIn(share)).filter((name) => !(SHARED_FOLDERS as readonly string[]).includes(name)),
  ];
  const inside = await Promise.all(SHARED_FOLDERS.map((folder) => namesIn(join(share, folder))));
  return others.length + inside.flat().length;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function serverAt(host: string, port: number): Promise<string | null> {
  const addresses = (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address);
  // a name that means nothing here may mean something to the nodes: any address will do
  const listener = (await listeners()).find(
    (one) => one.port === port && (addresses.length === 0 || addresses.some((address) => takes(one, address))),
  );
  return listener === undefined ? null : ((await holderOf(listener))?.name ?? '').slice(0, LONGEST);
}
