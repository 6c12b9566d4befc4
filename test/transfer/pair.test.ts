import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { claimPair, noteSeeded, readPair, releasePair } from '../../src/transfer/pair.js';

let ledger: string;

beforeEach(async () => {
  ledger = await mkdtemp(join(tmpdir(), 'icewarp-rollout-pair-'));
});

afterEach(() => rm(ledger, { recursive: true }));

describe('the pair of a ledger', () => {
  it('is the first one that claims it, and remembers the first copy', async () => {
    expect(await readPair(ledger)).toBeNull();
    const pair = await claimPair(ledger, '/mail', '/share');
    expect((await claimPair(ledger, '/mail', '/share')).seeded).not.toBe(true);
    await noteSeeded(ledger, pair);
    expect(await claimPair(ledger, '/mail', '/share')).toEqual({
      source: '/mail',
      destination: '/share',
      seeded: true,
    });
  });

  it.each([
    ['/mail', '/elsewhere'],
    ['/elsewhere', '/share'],
    ['/share', '/mail'],
  ])('refuses %s to %s when it is another', async (source, destination) => {
    await claimPair(ledger, '/mail', '/share');
    await expect(claimPair(ledger, source, destination)).rejects.toMatchObject({ code: 'LEDGER_OTHER' });
    expect(await readPair(ledger)).toMatchObject({ source: '/mail', destination: '/share' });
  });

  it('may be another one after it was given back', async () => {
    await claimPair(ledger, '/mail', '/elsewhere');
    await releasePair(ledger);
    await expect(claimPair(ledger, '/mail', '/share')).resolves.toMatchObject({ destination: '/share' });
  });

  it.each(['', '{', '{"source":"/mail"}', 'null'])('that says %j is damaged', async (text) => {
    await writeFile(join(ledger, 'transfer.json'), text);
    await expect(readPair(ledger)).rejects.toMatchObject({ code: 'LEDGER_DAMAGED' });
    await expect(claimPair(ledger, '/mail', '/share')).rejects.toMatchObject({ code: 'LEDGER_DAMAGED' });
  });
});
