import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { claimSubnet, releaseSubnet } from '../../src/lab/subnet.js';

describe('the claim on a subnet', () => {
  let locks: string;

  beforeEach(async () => {
    locks = await mkdtemp(join(tmpdir(), 'subnets-'));
  });

  afterEach(async () => {
    await rm(locks, { recursive: true });
  });

  async function leaveClaim(subnet: string, directory: string, pid: number): Promise<void> {
    const claim = { directory, claimedBy: { pid, started: '1' } };
    await writeFile(join(locks, subnet), JSON.stringify(claim));
  }

  it('gives two labs different subnets, also when they ask at the same moment', async () => {
    const labs = ['/lab/a', '/lab/b', '/lab/c'];
    const claims = await Promise.all(labs.map(async (lab) => claimSubnet(lab, locks)));
    expect(new Set(claims).size).toBe(3);
    await Promise.all(claims.map(async (subnet, index) => releaseSubnet(subnet, labs[index] ?? '', locks)));
    expect(await readdir(locks)).toEqual([]);
  });

  it('gives a released subnet to the next lab, and only its owner can release it', async () => {
    const first = await claimSubnet('/lab/a', locks);
    await releaseSubnet(first, '/lab/b', locks);
    expect(await claimSubnet('/lab/b', locks)).not.toBe(first);
    await releaseSubnet(first, '/lab/a', locks);
    expect(await claimSubnet('/lab/c', locks)).toBe(first);
  });

  it('takes over the claim of a lab that crashed before it was written down', async () => {
    const { pid } = spawnSync('true');
    await leaveClaim('127.64.0', join(locks, 'no-such-lab'), pid);
    expect(await claimSubnet('/lab/a', locks)).toBe('127.64.0');
  });

  it('respects a lab that is written down although the process that started it is gone', async () => {
    const { pid } = spawnSync('true');
    await writeFile(join(locks, 'lab.json'), JSON.stringify({ version: 1, subnet: '127.64.0' }));
    await leaveClaim('127.64.0', locks, pid);
    expect(await claimSubnet('/lab/a', locks)).toBe('127.64.1');
  });
});
