import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Claim } from '../../src/transfer/claim.js';
import { takeLease } from '../../src/transfer/lease.js';
import { Ledger, LedgerReader } from '../../src/transfer/ledger.js';
import { LEASE_NAME, SENTINEL_NAME } from '../../src/transfer/names.js';
import { knownRules } from '../../src/transfer/probed.js';
import { readSentinel, writeSentinel } from '../../src/transfer/sentinel.js';
import type { PassOptions } from '../../src/transfer/types.js';
import { Trees, WAYS } from './trees.js';

let trees: Trees;

afterEach(() => {
  trees.remove();
});

function generation(): number {
  return (JSON.parse(readFileSync(trees.to(SENTINEL_NAME), 'utf8')) as { generation: number }).generation;
}

describe.each(WAYS)('a pass over a destination that is known, with %s,', (_name, lanes) => {
  beforeEach(async () => {
    trees = new Trees(lanes);
    trees.make('a/one', 'b/two');
    await trees.pass('seed');
    // what was made just before it was copied is hashed once more (R6)
    await sleep(2_100);
    await trees.pass('delta');
  });

  it('leaves it alone when there is nothing to do', async () => {
    const look = (): unknown => {
      const { mtimeNs, ctimeNs } = lstatSync(trees.destination, { bigint: true });
      return [mtimeNs, ctimeNs, generation(), readdirSync(trees.destination)];
    };
    const before = look();
    const lease = await takeLease(trees.destination, 'other');
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', unchanged: 2 });
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', unchanged: 2 });
    await lease.release();
    expect(generation()).toBe((before as unknown[])[2]);
  });

  it('takes away the lease of a pass that was killed when only that was left to be given back', async () => {
    const lease = await takeLease(trees.destination, 'ours');
    const dead = readFileSync(trees.to(LEASE_NAME), 'utf8').replace(/"pid":\d+/, '"pid":4194000');
    await lease.release();
    writeFileSync(trees.to(LEASE_NAME), dead);
    const ledger = Ledger.open(trees.ledger, 'test');
    ledger.amend({ claimed: true });
    await ledger.close();
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', unchanged: 2, copied: { files: 0 } });
    expect(existsSync(trees.to(LEASE_NAME))).toBe(false);
    const before = generation();
    await trees.pass('delta');
    expect(generation()).toBe(before);
  });

  it('holds the lease and advances the mark before and after what it writes', async () => {
    const before = generation();
    trees.make('a/new');
    const lease = await takeLease(trees.destination, 'other');
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'DESTINATION_BUSY' });
    expect([generation(), existsSync(trees.to('a/new'))]).toEqual([before, false]);
    await lease.release();
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', copied: { files: 1 } });
    expect(generation()).toBe(before + 2);
    expect(existsSync(trees.to(LEASE_NAME))).toBe(false);
    expect(trees.different()).toEqual([]);
  });

  it('remembers what the probe found, until something surprises it', async () => {
    const probed = async (): Promise<unknown> => {
      const reader = new LedgerReader(trees.ledger);
      const meta = reader.meta();
      await reader.close();
      return meta?.probed;
    };
    expect(await probed()).toBeDefined();
    writeFileSync(trees.to('a/one'), 'theirs');
    writeFileSync(trees.from('a/one'), 'changed');
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 1 });
    expect(await probed()).toBeUndefined();
  });
});

describe('the claim to a destination', () => {
  let ledger: Ledger;
  let options: PassOptions;

  beforeEach(async () => {
    trees = new Trees(false);
    trees.make('a/one');
    await trees.pass('seed');
    const { source, destination, ledger: dir } = trees;
    options = { source, destination, ledger: dir, kind: 'delta' };
    ledger = Ledger.open(dir, 'test');
  });
  afterEach(async () => {
    await ledger.close();
  });

  it('is not made when another mover has been there since it was judged', async () => {
    const mark = await readSentinel(trees.destination);
    const claim = new Claim(ledger, options);
    await writeSentinel(trees.destination, { uuid: mark?.uuid ?? '', generation: (mark?.generation ?? 0) + 5 });
    await expect(claim.make()).rejects.toMatchObject({ code: 'LEDGER_OLDER' });
    await writeSentinel(trees.destination, { uuid: 'other', generation: 1 });
    await expect(new Claim(ledger, options).make()).rejects.toMatchObject({ code: 'DESTINATION_BUSY' });
    await claim.release();
    await expect(new Claim(ledger, options).make()).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
  });

  it('is made once, however many ask for it at a time', async () => {
    const before = generation();
    const claim = new Claim(ledger, options);
    await Promise.all([claim.make(), claim.make(), claim.make()]);
    expect(generation()).toBe(before + 1);
    expect(existsSync(trees.to(LEASE_NAME))).toBe(true);
    await claim.end();
    await claim.release();
    expect([generation(), existsSync(trees.to(LEASE_NAME))]).toEqual([before + 2, false]);
  });

  it('knows the destination only as it was mounted when it was probed', () => {
    const { probed } = ledger.meta();
    if (probed === undefined) throw new Error('nothing was probed');
    expect(knownRules(ledger, options)).toMatchObject({ granularity: BigInt(probed.rules.granularity), owners: true });
    expect(knownRules(ledger, { ...options, owner: { uid: 1, gid: 2 } })).toMatchObject({ owner: { uid: 1, gid: 2 } });
    ledger.amend({ probed: { ...probed, mount: probed.mount.replace('rw', 'ro') } });
    expect(knownRules(ledger, options)).toBeUndefined();
  });
});
