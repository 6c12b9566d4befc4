import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Mounted } from '../support/mounts.js';
import { mountSmallDisk } from '../support/mounts.js';
import { killTree, stateOf, until } from '../support/process-tree.js';
import { cutPower, makeExt4Image, mountExt4Image } from './ext4-image.js';

const MIB = 2 ** 20;
let folder: string;
let at: string;
let mounts: Mounted[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-disks-'));
  at = join(folder, 'at');
  mkdirSync(at);
  mounts = [];
});
afterEach(async () => {
  for (const mount of mounts) await mount.close();
  rmSync(folder, { recursive: true, force: true });
});

const mounted = (path: string): boolean => readFileSync('/proc/mounts', 'utf8').includes(` ${path} `);

/** Writes under a temporary name and renames, with or without what makes that durable. */
function put(name: string, durably: boolean): void {
  const descriptor = openSync(join(at, '.part'), 'w');
  writeFileSync(descriptor, 'x'.repeat(10_000));
  if (durably) fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(join(at, '.part'), join(at, name));
  if (!durably) return;
  const directory = openSync(at, 'r');
  fsyncSync(directory);
  closeSync(directory);
}

describe('a small disk', () => {
  it('is full at its number of bytes, and takes more when it has grown', async () => {
    const disk = mountSmallDisk(at, { bytes: 64 * 1024, inodes: 100 });
    mounts.push(disk);
    expect(() => writeFileSync(join(at, 'a'), Buffer.alloc(100_000))).toThrow('ENOSPC');
    disk.resize({ bytes: 256 * 1024 });
    writeFileSync(join(at, 'a'), Buffer.alloc(100_000));
  });

  it('is full at its number of files, and counts them', async () => {
    const disk = mountSmallDisk(at, { bytes: MIB, inodes: 4 });
    mounts.push(disk);
    const before = disk.count();
    for (const name of ['a', 'b', 'c']) writeFileSync(join(at, name), '');
    expect(disk.count() - before).toBe(3);
    expect(() => writeFileSync(join(at, 'd'), '')).toThrow('ENOSPC');
    disk.resize({ inodes: 10 });
    writeFileSync(join(at, 'd'), '');
  });

  it('is unmounted by its owner, once', async () => {
    const disk = mountSmallDisk(at, {});
    expect(mounted(at)).toBe(true);
    await disk.close();
    await disk.close();
    expect(mounted(at)).toBe(false);
  });

  it('is unmounted when its owner is killed', async () => {
    const module = new URL('../support/mounts.js', import.meta.url).href;
    const script = `import { mountSmallDisk } from ${JSON.stringify(module)};
      mountSmallDisk(${JSON.stringify(at)}, {}); console.log('mounted'); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    expect(mounted(at)).toBe(true);
    owner.kill('SIGKILL');
    await until('it is unmounted', () => !mounted(at));
  });

  it('is detached even from under somebody who uses it, and that is told', async () => {
    const disk = mountSmallDisk(at, {});
    const user = spawn('sleep', ['60'], { cwd: at, stdio: 'ignore' });
    await once(user, 'spawn');
    await expect(disk.close()).rejects.toThrow('umount ended with');
    user.kill();
    expect(mounted(at)).toBe(false);
  });
});

describe('a power cut', () => {
  it('keeps what was synced and loses what was not', async () => {
    const image = makeExt4Image(join(folder, 'image'), 32 * MIB, at);
    mounts.push(image);
    put('durable', true);
    put('lost', false);
    await cutPower(image, join(folder, 'copy'));
    await image.close();
    mounts.push(mountExt4Image(join(folder, 'copy'), at));
    expect(readdirSync(at).sort()).toEqual(['durable', 'lost+found']);
    expect(readFileSync(join(at, 'durable'), 'utf8')).toBe('x'.repeat(10_000));
  });

  it('shows what a program forgets that renames without syncing the file', async () => {
    const image = makeExt4Image(join(folder, 'image'), 32 * MIB, at);
    mounts.push(image);
    put('torn', false);
    put('durable', true);
    await cutPower(image, join(folder, 'copy'));
    await image.close();
    mounts.push(mountExt4Image(join(folder, 'copy'), at));
    // The later sync of the folder made the name durable, not the content.
    expect(readFileSync(join(at, 'torn'), 'utf8')).not.toBe('x'.repeat(10_000));
  });

  it('lets the mover stand while the disk is copied, and go on afterwards', async () => {
    const image = makeExt4Image(join(folder, 'image'), 32 * MIB, at);
    mounts.push(image);
    const loop =
      'i=0; while [ $i -lt 100000 ]; do echo $i > part && sync part && mv part $i && sync .; i=$((i+1)); done';
    const mover = spawn('sh', ['-c', loop], { cwd: at, stdio: 'ignore' });
    const pid = mover.pid ?? 0;
    const done = (): number => readdirSync(at).filter((name) => /^\d+$/.test(name)).length;
    try {
      // one more than is expected of the copy: the last may be named and not yet synced
      await until('it has written', () => done() > 6);
      await cutPower(image, join(folder, 'copy'), pid);
      const then = done();
      await until('it goes on', () => done() > then);
    } finally {
      killTree(pid);
      await until('it is gone', () => /^Z?$/.test(stateOf(pid)));
    }
    await image.close();
    const copy = mountExt4Image(join(folder, 'copy'), at);
    mounts.push(copy);
    const kept = readdirSync(at).filter((name) => /^\d+$/.test(name));
    expect(kept.length).toBeGreaterThan(5);
    // In the order in which they were made durable, each whole; the last may not have come so far.
    expect(kept.map(Number).sort((a, b) => a - b)).toEqual(kept.map((_, index) => index));
    for (const name of kept) expect(readFileSync(join(at, name), 'utf8')).toBe(`${name}\n`);
  });

  it('leaves no loop device behind', async () => {
    const image = makeExt4Image(join(folder, 'image'), 32 * MIB, at);
    await image.close();
    const used = (): string =>
      spawnSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).stdout.toString();
    await until('the device is free', () => !used().includes(folder));
  });
});
