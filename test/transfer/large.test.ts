import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { CHUNK } from '../../src/transfer/content.js';
import { runEngine } from '../../src/transfer/run.js';
import type { PassResult } from '../../src/transfer/types.js';
import { mountSmallDisk, type SmallDisk } from '../support/mounts.js';
import { signal } from '../support/process-tree.js';
import { differences, manifest } from '../support/trees/manifest.js';

/** A little more than 4 GiB: offsets no longer fit into 32 bits. */
const SIZE = 4 * 2 ** 30 + CHUNK + 12_345;
const FILES = 100_000;
const THREE_MINUTES = 180_000;

let folder: string;
let disk: SmallDisk;
const at = (...names: string[]): string => join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-large-'));
  disk = mountSmallDisk(folder, { inodes: 3 * FILES });
  for (const name of ['source', 'destination', 'ledger']) mkdirSync(at(name));
});
afterEach(async () => {
  await disk.close();
  rmSync(folder, { recursive: true, force: true });
});

function copy(kind: 'seed' | 'delta', onStart: (pid: number) => void = () => undefined): Promise<PassResult> {
  const options = { source: at('source'), destination: at('destination'), ledger: at('ledger'), kind };
  return runEngine({ task: 'copy', options }, { onStart: ({ pid }) => onStart(pid) }) as Promise<PassResult>;
}

/** Bytes that a process and its threads have read until it ended, of files and of holes in them. */
async function bytesReadBy(pid: () => number, run: Promise<unknown>): Promise<number> {
  let [read, over] = [0, false];
  void run.finally(() => (over = true));
  while (!over) {
    try {
      read = Math.max(read, Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid()}/io`, 'utf8'))?.[1] ?? 0));
    } catch {
      // not yet, or no more
    }
    await sleep(2);
  }
  return read;
}

/** Bytes of the unfinished copy, and who it is; null while there is none. */
function unfinished(): { readonly size: number; readonly ino: number } | null {
  const name = readdirSync(at('destination')).find((entry) => /^\.iw~[0-9a-f]+\./.test(entry));
  return name === undefined ? null : statSync(at('destination', name));
}

describe('a file of more than 4 GiB', () => {
  it(
    'goes on inside after a kill, in the same unfinished file, and is whole in the end',
    async () => {
      const file = openSync(at('source/mailbox'), 'w');
      // holes, and something to find at both sides of every limit that a program may have
      ftruncateSync(file, SIZE);
      for (const place of [0, 2 ** 31 - 5, 2 ** 32 - 5, SIZE - 10]) writeSync(file, 'found here', place);
      closeSync(file);
      let pid = -1;
      const killed = copy('seed', (started) => (pid = started)).catch((error: unknown) => error);
      const patience = Date.now() + 60_000;
      while ((unfinished()?.size ?? 0) < 8 * CHUNK && Date.now() < patience) await sleep(5);
      signal(pid, 'SIGKILL');
      expect(await killed).toMatchObject({ code: 'ENGINE_DIED' });
      const left = unfinished();
      expect(left?.size).toBeLessThan(SIZE);
      pid = -1;
      const second = copy('seed', (started) => (pid = started));
      const read = await bytesReadBy(() => pid, second);
      expect(await second).toMatchObject({ outcome: 'done', skipped: 0, copied: { files: 1, bytes: SIZE } });
      expect(read).toBeGreaterThan(SIZE / 2);
      expect(read).toBeLessThan(SIZE - 6 * CHUNK);
      expect(statSync(at('destination/mailbox')).ino).toBe(left?.ino);
      expect(differences(manifest(at('source')), manifest(at('destination')))).toEqual([]);
      expect(await copy('delta')).toMatchObject({ copied: { files: 0 }, unchanged: 1 });
    },
    THREE_MINUTES,
  );
});

describe('a folder of 100,000 files', () => {
  it(
    'is copied, and found unchanged by the next pass',
    async () => {
      mkdirSync(at('source/inbox'));
      for (let index = 0; index < FILES; index += 1) writeFileSync(at('source/inbox', `${index}.imap`), `${index}`);
      const files = { files: FILES };
      expect(await copy('seed')).toMatchObject({ outcome: 'done', skipped: 0, copied: files });
      const [there, here] = [manifest(at('destination')), manifest(at('source'))];
      expect(there.size).toBe(FILES + 1);
      expect(differences(here, there)).toEqual([]);
      expect(await copy('delta')).toMatchObject({ outcome: 'done', copied: { files: 0 }, unchanged: FILES });
    },
    THREE_MINUTES,
  );
});
