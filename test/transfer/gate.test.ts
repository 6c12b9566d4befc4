import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Copier } from '../../src/transfer/copier.js';
import { TaskFailed } from '../../src/transfer/executors.js';
import { folderAt, noteFolder, type Folder } from '../../src/transfer/folders.js';
import { Gate } from '../../src/transfer/gate.js';
import { Ledger } from '../../src/transfer/ledger.js';
import { packEntries, packResult, type PackedEntries } from '../../src/transfer/pack.js';
import { FileState, FileType } from '../../src/transfer/row.js';
import { SkippedList } from '../../src/transfer/skipped.js';
import { Steady } from '../../src/transfer/steady.js';
import type { Executor, Task } from '../../src/transfer/tasks.js';
import type { Entry, UnitResult } from '../../src/transfer/work.js';

const LANES = 8;
const FACTS = { size: 1n, mtime: 1n, ctime: 1n, ino: 1n, mode: 0o600, uid: 0, gid: 0, atime: 1n, blocks: 1n, links: 1 };

let dir: string;
let ledger: Ledger;
let gate: Gate;
/** How many tasks were at work when each of them began, since the last trouble. */
let widths: number[];
let active: number;
let isFull: boolean;
let tries: number;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'icewarp-rollout-gate-'));
  ledger = Ledger.open(dir, 'test');
  [widths, active, isFull, tries] = [[], 0, false, 0];
});
afterEach(async () => {
  gate.end();
  await ledger.close();
  rmSync(dir, { recursive: true });
});

/** A destination that takes its time, and is full for a while. */
const executor: Executor = {
  capacity: LANES,
  run: async (task: Task): Promise<never> => {
    active += 1;
    widths.push(active);
    await sleep(5);
    active -= 1;
    if (task.task !== 'unit') {
      if (isFull) throw new TaskFailed('ENOSPC');
      return undefined as never;
    }
    return packResult(isFull ? { outcomes: [{ is: 'no room', code: 'ENOSPC' }], closed: false } : done()) as never;
  },
};

function done(): UnitResult {
  const row = { ...FACTS, state: FileState.done, type: FileType.file, linked: false, timeLost: false, generation: 1 };
  return { outcomes: [{ is: 'copied', row: { ...row, hash: Buffer.alloc(32) } }], closed: false };
}

/** There is room again after some tries; from then on it is noted how wide the work is. */
function makeGate(opened: () => void): Gate {
  const tryAgain = async (): Promise<void> => {
    tries += 1;
    if (tries < 3) throw new Error('still full');
    isFull = false;
    widths = [];
  };
  return new Gate(tryAgain, opened, 10);
}

function rootFolder(): Folder {
  const root = folderAt(ledger, null, '', { mode: 0o700, uid: 0, gid: 0, mtime: 1n, ino: 1n });
  noteFolder(ledger, root, { made: 'own' });
  root.state = 'ready';
  return root;
}

function units(count: number): PackedEntries[] {
  const entry = (name: string): Entry => ({ name, kind: 'file', why: 'new', facts: FACTS, place: 'free' });
  return Array.from({ length: count }, (_, index) => packEntries([entry(`file ${index}`)]));
}

describe('after a destination was full', () => {
  it('copying goes on with one lane, and with twice as many after each success', async () => {
    const skipped = new SkippedList(dir);
    gate = makeGate(() => copier.wake());
    const copier: Copier = new Copier({
      ...{ ledger, executor, gate, skipped, run: '00000000', staging: false, ours: new Map() },
      stopped: () => false,
      progressed: () => undefined,
    });
    const root = rootFolder();
    copier.submit(root, units(LANES * 2), false);
    await copier.idle();
    expect(Math.max(...widths)).toBe(LANES);
    isFull = true;
    copier.submit(root, units(40), false);
    await copier.idle();
    copier.end();
    expect(tries).toBe(3);
    expect(widths.slice(0, 3)).toEqual([1, 1, 2]);
    expect(Math.max(...widths)).toBe(LANES);
    expect(copier.results.copied.files).toBe(LANES * 2 + 40);
    expect(skipped.count).toBe(0);
  });

  it('so do deletions and the like', async () => {
    gate = makeGate(() => undefined);
    const steady = new Steady(executor, gate, () => false);
    isFull = true;
    await Promise.all(Array.from({ length: 6 }, () => steady.run({ task: 'settle', path: 'a', facts: FACTS })));
    expect(widths).toHaveLength(6);
    expect(widths[0]).toBe(1);
    expect(Math.max(...widths)).toBeLessThan(6);
  });
});
