import { appendFileSync, linkSync, lstatSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { Ledger, ROOT_FOLDER } from '../../src/transfer/ledger.js';
import { nameKey, TABLE } from '../../src/transfer/ledger-keys.js';
import { readRow, ROW_SIZE, writeRow } from '../../src/transfer/row.js';
import { Trees } from './trees.js';
import { Writer } from './writer.js';

let trees: Trees;

beforeEach(() => {
  trees = new Trees(false);
});
afterEach(() => {
  trees.remove();
});

/** Makes the ledger believe that it knows a file in `a` as it is: as on a system that does not note every change. */
async function noteTime(name: string): Promise<void> {
  const ledger = Ledger.open(trees.ledger, 'test');
  const key = nameKey(TABLE.file, ledger.folder(ROOT_FOLDER, 'a')?.id ?? 0, name);
  const row = readRow(ledger.get(key) ?? Buffer.alloc(ROW_SIZE));
  const into = Buffer.alloc(ROW_SIZE);
  writeRow(into, 0, { ...row, ctime: lstatSync(trees.from(`a/${name}`), { bigint: true }).ctimeNs });
  ledger.put(key, into);
  await ledger.close();
}

describe('a final pass', () => {
  it('of a quiet source is done, also with names of one file', async () => {
    trees.make('a/one', 'a/two', 'b/three');
    linkSync(trees.from('a/one'), trees.from('b/one'));
    await trees.pass('seed');
    trees.make('c/new', 'c/own');
    const result = await trees.pass('final');
    expect(result).toMatchObject({ outcome: 'done', kind: 'final', copied: { files: 2 }, skipped: 0 });
    expect(trees.different()).toEqual([]);
  });

  it('reads again what is to be read whatever its times say, and nothing else', async () => {
    trees.make('a/mailbox.db', 'a/message');
    await sleep(2_100);
    await trees.pass('seed');
    for (const name of ['mailbox.db', 'message']) {
      trees.rewrite(`a/${name}`, `CONTENT of a/${name}`);
      await noteTime(name);
    }
    expect(await trees.pass('delta', { rehash: ['*.db'] })).toMatchObject({ copied: { files: 0 }, unchanged: 2 });
    const result = await trees.pass('final', { rehash: ['*.db'] });
    expect(result).toMatchObject({ outcome: 'done', copied: { files: 1 } });
    expect(readFileSync(trees.to('a/mailbox.db'), 'utf8')).toBe('CONTENT of a/mailbox.db');
    expect(readFileSync(trees.to('a/message'), 'utf8')).toBe('content of a/message');
  });

  it('of a source that is written to is busy, and says so until it is quiet', async () => {
    trees.make('a/one', 'a/two', 'b/three');
    await trees.pass('seed');
    const writer = await Writer.start(trees.source, 'append');
    try {
      const result = await trees.pass('final');
      expect(result.outcome).toBe('busy');
      expect(result.why).toMatch(/change/);
    } finally {
      await writer.stop();
    }
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done' });
    expect(trees.different()).toEqual([]);
  });

  it('can be carried out again, and then copies nothing', async () => {
    trees.make('a/one');
    await trees.pass('seed');
    appendFileSync(trees.from('a/one'), ' more');
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', copied: { files: 1 } });
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', copied: { files: 0 }, unchanged: 1 });
  });
});
