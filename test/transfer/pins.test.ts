import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { runSync } from '../../src/transfer/io-sync.js';
import type { Pins } from '../../src/transfer/pins.js';
import { rootPins } from '../../src/transfer/root-pins.js';
import { writeSentinel } from '../../src/transfer/sentinel.js';

let folder: string;
let root: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-pins-'));
  root = join(folder, 'root');
  await makeRoot('first', 'mine');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A tree in the place of the former one, which is moved away; with a file that tells it, and a mark. */
async function makeRoot(name: string, uuid: string | null): Promise<void> {
  if (existsSync(root)) renameSync(root, join(folder, `before ${name}`));
  mkdirSync(join(root, 'a'), { recursive: true });
  writeFileSync(join(root, 'a', name), '');
  if (uuid !== null) await writeSentinel(root, { uuid, generation: 1 });
}

/** What is in `a`, as one sees it who holds the root. */
function look(pins: Pins): string[] {
  const held = runSync(pins.hold('a'));
  const names = readdirSync(held.path);
  runSync(held.release());
  return names;
}

describe('a root that is held open', () => {
  it('is the same folder whatever takes its name, until the server has forgotten it', async () => {
    const pins = rootPins(root, 'mine');
    await makeRoot('second', 'mine');
    expect(look(pins)).toEqual(['first']);
    runSync(pins.dropAll('ENOENT'));
    expect(look(pins)).toEqual(['first']);
    runSync(pins.dropAll('ESTALE'));
    expect(look(pins)).toEqual(['second']);
  });

  it('is not that of another tree, such as where the share is not mounted any more', async () => {
    const pins = rootPins(root, 'mine');
    for (const [name, uuid, code] of [
      ['unmounted', null, 'ENOENT'],
      ['other', 'other', 'ESTALE'],
    ] as const) {
      await makeRoot(name, uuid);
      runSync(pins.dropAll('ESTALE'));
      expect(() => look(pins)).toThrow(expect.objectContaining({ code }));
    }
    await makeRoot('back', 'mine');
    expect(look(pins)).toEqual(['back']);
  });

  it('without a mark has to be the very same folder', async () => {
    const pins = rootPins(root, undefined);
    runSync(pins.dropAll('ESTALE'));
    expect(look(pins)).toEqual(['first']);
    await makeRoot('second', 'mine');
    runSync(pins.dropAll('ESTALE'));
    expect(() => look(pins)).toThrow(expect.objectContaining({ code: 'ESTALE' }));
  });

  it('forgets each folder once, however many lanes find at a time that one is gone', () => {
    const pins = rootPins(root, 'mine');
    for (const name of ['a', 'a/x', 'a/y']) {
      mkdirSync(join(root, name), { recursive: true });
      runSync(runSync(pins.hold(name)).release());
    }
    const closed: unknown[] = [];
    const lanes = [pins.dropAll('ENOENT'), pins.dropAll('ENOENT')];
    // they take turns, as lanes do while a call is under way
    while (lanes.length > 0) {
      const lane = lanes.shift();
      const next = lane?.next();
      if (lane === undefined || next?.done !== false) continue;
      closed.push('fd' in next.value ? next.value.fd : undefined);
      lanes.push(lane);
    }
    expect(closed).toHaveLength(3);
    expect(new Set(closed).size).toBe(3);
  });

  it('stays open for whoever is at work in it', async () => {
    const pins = rootPins(root, 'mine');
    const old = runSync(pins.hold(''));
    await makeRoot('second', 'mine');
    runSync(pins.dropAll('ESTALE'));
    expect(look(pins)).toEqual(['second']);
    expect(readdirSync(join(old.path, 'a'))).toEqual(['first']);
    runSync(old.release());
    expect(existsSync(old.path)).toBe(false);
  });
});
