import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { roundTripTime } from '../../bench/share/ceiling.js';
import { FrameReader, nameOfRequest } from '../../bench/share/frames.js';
import { SftpClient } from '../../bench/share/sftp-client.js';
import type { Share } from '../../bench/share/share.js';
import { mountShare } from '../../bench/share/share.js';

describe('a share with a delay', () => {
  let folder: string;
  let backing: string;
  let path: string;
  let share: Share;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-share-'));
    [backing, path] = [join(folder, 'backing'), join(folder, 'share')];
    for (const made of [backing, path]) mkdirSync(made);
    share = await mountShare({ backing, path, delay: 1 });
  });
  afterEach(async () => {
    await share.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is the folder behind it, and later by twice the delay', async () => {
    writeFileSync(join(path, 'message'), 'content');
    expect(readFileSync(join(backing, 'message'), 'utf8')).toBe('content');
    expect(await roundTripTime(share.relay.port)).toBeGreaterThan(2);
    await share.relay.setDelay(10);
    expect(await roundTripTime(share.relay.port, 10)).toBeGreaterThan(20);
    await share.relay.setDelay(0);
    // A busy machine is slow, but not as slow as that at its fastest.
    const times: number[] = [];
    for (let tries = 0; tries < 20; tries += 1) times.push(await roundTripTime(share.relay.port, 10));
    expect(Math.min(...times)).toBeLessThan(2);
  });

  it('counts requests, waits, bytes and new files', async () => {
    const client = await SftpClient.connect(share.relay.port);
    await share.relay.reset();
    const before = Date.now();
    const handle = await client.create(join(backing, 'one'));
    const content = Buffer.alloc(50_000, 65);
    await Promise.all([
      client.write(handle, 0, content.subarray(0, 30_000)),
      client.write(handle, 30_000, content.subarray(30_000)),
    ]);
    await client.setTimes(handle, 1_000_000_000);
    await client.fsync(handle);
    await client.close(handle);
    await client.mkdir(join(backing, 'folder'));
    await client.rename(join(backing, 'one'), join(backing, 'folder/two'));
    expect(await client.lstat(join(backing, 'one'))).toBe(false);
    const stats = await share.relay.stats();
    const requests = { OPEN: 1, WRITE: 2, FSETSTAT: 1, fsync: 1, CLOSE: 1, MKDIR: 1, 'posix-rename': 1, LSTAT: 1 };
    expect(stats).toMatchObject({ requests, total: 9, roundTrips: 8, written: 50_000, creations: 1 });
    expect(stats.lastCreation).toBeGreaterThanOrEqual(before);
    expect(readFileSync(join(backing, 'folder/two')).equals(content)).toBe(true);
    await expect(client.mkdir(join(backing, 'folder'))).rejects.toThrow('MKDIR was refused');
    client.end();
  });

  it('shows what changed behind its back after it is mounted anew', async () => {
    writeFileSync(join(path, 'message'), 'old');
    expect(existsSync(join(path, 'more'))).toBe(false);
    writeFileSync(join(backing, 'more'), 'new');
    await share.remount();
    expect(readFileSync(join(path, 'more'), 'utf8')).toBe('new');
  });

  it('hangs and goes on', async () => {
    share.relay.hang();
    const reader = spawn('cat', [join(path, 'message')], { stdio: 'ignore' });
    let hasEnded = false;
    const end = once(reader, 'exit').then(() => {
      hasEnded = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(hasEnded).toBe(false);
    writeFileSync(join(backing, 'message'), '');
    share.relay.resume();
    await end;
    expect(reader.exitCode).toBe(0);
  });

  it('can be closed while it hangs and somebody waits for it', async () => {
    share.relay.hang();
    const reader = spawn('cat', [join(path, 'message')], { stdio: 'ignore' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const end = once(reader, 'exit');
    await share.close();
    await end;
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(path);
  });
});

describe('the frames of the protocol', () => {
  it('are found in pieces of any size', () => {
    const extension = 'fsync@openssh.com';
    const body = Buffer.concat([Buffer.from([0, 0, 0, extension.length]), Buffer.from(extension)]);
    const frame = (type: number, id: number, content: Buffer): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUInt32BE(5 + content.length);
      head.writeUInt8(type, 4);
      head.writeUInt32BE(id, 5);
      return Buffer.concat([head, content]);
    };
    const stream = Buffer.concat([
      frame(200, 1, body),
      frame(6, 2, Buffer.alloc(20_000)),
      frame(17, 3, Buffer.alloc(10)),
      frame(4, 4, Buffer.alloc(8)),
    ]);
    for (const size of [1, 3, 7, 1_000, 8_192, stream.length]) {
      const found: string[] = [];
      const reader = new FrameReader((one) => found.push(`${nameOfRequest(one)} ${one.id} ${one.length}`));
      for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
      expect(found).toEqual(['fsync 1 26', 'WRITE 2 20005', 'STAT 3 15', 'CLOSE 4 13']);
    }
  });
});
