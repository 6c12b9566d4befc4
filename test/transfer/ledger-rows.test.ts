import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { RolloutError } from '../../src/cluster/errors.js';
import { decodeIntent, encodeIntent } from '../../src/transfer/intents.js';
import { inodeKey, inodeOf, nameKey, nameOf, TABLE } from '../../src/transfer/ledger-keys.js';
import { packEntries } from '../../src/transfer/pack.js';
import { decodePart, encodePart } from '../../src/transfer/parts.js';
import {
  decodeFolder,
  encodeFolder,
  readRow,
  ROW_SIZE,
  writeRow,
  type FileRow,
  type FolderRow,
} from '../../src/transfer/row.js';
import type { Entry } from '../../src/transfer/work.js';
import { newSeed } from '../support/trees/random.js';

const options = { seed: newSeed() };

const unsigned64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const signed64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const unsigned32 = fc.nat(0xffff_ffff);
const id = fc.nat({ max: 2 ** 48 - 1 });
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });

const fileRow: fc.Arbitrary<FileRow> = fc.record({
  ...{ size: unsigned64, mtime: signed64, ctime: signed64, ino: unsigned64 },
  ...{ mode: fc.nat(0o7777), uid: unsigned32, gid: unsigned32, generation: unsigned32 },
  ...{ linked: fc.boolean(), timeLost: fc.boolean(), hash: digest },
  state: fc.constantFrom(1, 2),
  type: fc.constantFrom(1, 2),
});

/** Names as file systems have them: any bytes but a slash and a zero. */
const name = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => Buffer.from(bytes).toString('latin1').replace(/[/\0]/g, 'x'))
  .filter((text) => text !== '.' && text !== '..');
const temp = name.map((text) => `.iw~${text}`.slice(0, 200));

const folderRow: fc.Arbitrary<FolderRow> = fc.record({
  ...{ id, generation: unsigned32, mode: unsigned32, uid: unsigned32, gid: unsigned32 },
  ...{ mtime: signed64, ino: unsigned64, settled: fc.boolean() },
  made: fc.constantFrom('foreign', 'own', 'staging'),
  stage: fc.oneof(fc.constant(''), temp),
});

const entry = fc.record({ name, size: unsigned64, mtime: signed64 }).map(({ name: own, size, mtime }): Entry => ({
  ...{ name: own, kind: 'file', why: 'new', place: 'free' },
  facts: {
    ...{ size, mtime, ctime: 0n, ino: 1n, mode: 0o100644, uid: 0, gid: 0, atime: 0n, blocks: 0n, links: 1 },
  },
}));

/** What reading gives, or that the ledger is damaged; anything else is thrown. */
function readOrRefused<T>(read: () => T): T | 'LEDGER_DAMAGED' {
  try {
    return read();
  } catch (error) {
    if (error instanceof RolloutError && error.code === 'LEDGER_DAMAGED') return error.code;
    throw error;
  }
}

describe('what a ledger holds', () => {
  it('of a file reads back as it was written', () => {
    fc.assert(
      fc.property(fileRow, (row) => {
        const bytes = Buffer.alloc(ROW_SIZE);
        writeRow(bytes, 0, row);
        expect(readRow(bytes)).toEqual(row);
        expect(readRow(Uint8Array.from(bytes))).toEqual(row);
      }),
      options,
    );
  });

  it('of a folder reads back as it was written', () => {
    fc.assert(
      fc.property(folderRow, (row) => {
        expect(decodeFolder(encodeFolder(row))).toEqual(row);
      }),
      options,
    );
  });

  it('of the part of a large file reads back as it was written', () => {
    const identity = fc.record({ size: unsigned64, mtime: signed64, ctime: signed64, ino: unsigned64 });
    fc.assert(
      fc.property(temp, identity, fc.array(digest, { maxLength: 5 }), (own, file, chunks) => {
        const part = { temp: own, identity: file, chunks };
        expect(decodePart(encodePart(part))).toEqual(part);
      }),
      options,
    );
  });

  it('of what is being written reads back as it was written', () => {
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 5 }), (entries) => {
        const wanted = entries.map(({ name: own, facts: { size, mtime } }) => ({
          name: own,
          size: BigInt.asIntN(64, size),
          mtime,
        }));
        expect(decodeIntent(encodeIntent(packEntries(entries)))).toEqual(wanted);
      }),
      options,
    );
  });

  it('names what any file system can name', () => {
    fc.assert(
      fc.property(id, unsigned64, name, (folder, inode, own) => {
        expect(nameOf(nameKey(TABLE.file, folder, own))).toEqual({ folder, name: own });
        expect(inodeOf(inodeKey(TABLE.gone, inode, folder, own))).toEqual({ inode, folder, name: own });
      }),
      options,
    );
  });

  it.each(['', '.', '..', '../a', 'a/b', '/etc/passwd', 'a\0b'])('never names %j', (own) => {
    expect(readOrRefused(() => nameOf(nameKey(TABLE.file, 7, own)))).toBe('LEDGER_DAMAGED');
    expect(readOrRefused(() => inodeOf(inodeKey(TABLE.gone, 1n, 7, own)))).toBe('LEDGER_DAMAGED');
  });

  it.each(['mail', '../a', '.iw~/../../a'])('never fills %j beside its place', (own) => {
    const identity = { size: 1n, mtime: 1n, ctime: 1n, ino: 1n };
    expect(readOrRefused(() => decodePart(encodePart({ temp: own, identity, chunks: [] })))).toBe('LEDGER_DAMAGED');
    const row = { id: 2, generation: 1, mode: 0, uid: 0, gid: 0, mtime: 0n, ino: 1n, settled: true } as const;
    expect(readOrRefused(() => decodeFolder(encodeFolder({ ...row, made: 'staging', stage: own })))).toBe(
      'LEDGER_DAMAGED',
    );
  });

  it('is refused, or as good as what was written, when its bytes are any others', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ minLength: ROW_SIZE, maxLength: ROW_SIZE }),
      // nearly right: one byte of what was written is another one
      fc.tuple(fileRow, fc.nat(ROW_SIZE - 1), fc.nat(255)).map(([row, at, byte]) => {
        const written = Buffer.alloc(ROW_SIZE);
        writeRow(written, 0, row);
        written[at] = byte;
        return Uint8Array.from(written);
      }),
    );
    fc.assert(
      fc.property(bytes, (random) => {
        const buffer = Buffer.from(random);
        const row = readOrRefused(() => readRow(buffer));
        if (row !== 'LEDGER_DAMAGED') {
          const again = Buffer.alloc(ROW_SIZE);
          writeRow(again, 0, row);
          expect(again).toEqual(buffer);
        }
        const folder = readOrRefused(() => decodeFolder(buffer));
        if (folder !== 'LEDGER_DAMAGED') expect(encodeFolder(folder)).toEqual(buffer.subarray(0, buffer.length));
        const part = readOrRefused(() => decodePart(buffer));
        if (part !== 'LEDGER_DAMAGED') expect(encodePart(part)).toEqual(buffer);
        const intents = readOrRefused(() => decodeIntent(buffer));
        if (intents !== 'LEDGER_DAMAGED') expect(intents.every((one) => !one.name.includes('/'))).toBe(true);
        readOrRefused(() => nameOf(buffer));
        readOrRefused(() => inodeOf(buffer));
      }),
      { ...options, numRuns: 2_000 },
    );
  });
});
