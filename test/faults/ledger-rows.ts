import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, type Stats } from 'node:fs';

import { inodeKey, nameOf, TABLE, whole } from '../../src/transfer/ledger-keys.js';
import { LedgerReader } from '../../src/transfer/ledger.js';
import { join, toFs, under, type ByteName } from '../../src/transfer/names.js';
import { FileType, readRow, type FileRow } from '../../src/transfer/row.js';
import type { Sides } from './engine-scenario.js';

/** Of a larger file the hash is that of its chunks' hashes (R20). */
const CHUNK = 64 * 2 ** 20;

/** What a ledger says of one file or link. */
export interface KnownFile {
  /** Below the root. */
  readonly path: ByteName;
  /** Where it lies now, below the destination's root: in a staging folder until that is renamed. */
  readonly place: ByteName;
  readonly row: FileRow;
  /** Announced as to be deleted or moved: it may be gone already (R18, R19). */
  readonly announced: boolean;
}

/** Every row of a ledger that nobody writes to. */
export async function rowsOf(ledger: string): Promise<KnownFile[]> {
  const reader = new LedgerReader(ledger);
  try {
    return [...reader.range(whole(TABLE.file))].map(({ key, value }) => {
      const { folder, name } = nameOf(key);
      const row = readRow(value);
      return {
        path: join(reader.pathOf(folder).path, name),
        place: join(reader.placeOf(folder), name),
        row,
        announced: reader.get(inodeKey(TABLE.gone, row.ino, folder, name)) !== undefined,
      };
    });
  } finally {
    await reader.close();
  }
}

/** Every folder that a ledger knows, and where its files lie now, below the roots. */
export async function foldersOf(ledger: string): Promise<{ readonly path: ByteName; readonly place: ByteName }[]> {
  const reader = new LedgerReader(ledger);
  try {
    return [...reader.range(whole(TABLE.place))].map(({ key }) => {
      const id = key.readUIntBE(1, 6);
      return { path: reader.pathOf(id).path, place: reader.placeOf(id) };
    });
  } finally {
    await reader.close();
  }
}

/**
 * Rows of a ledger that lead the destination: the file that they speak of is not there, or not with the content that
 * they or the source have. There must never be one (R1).
 */
export async function leadingRows({ source, destination, ledger }: Sides): Promise<string[]> {
  const wrong: string[] = [];
  for (const { path, place, row, announced } of await rowsOf(ledger)) {
    // a staging folder may have been renamed, and its row not yet
    const at = [place, path].map((one) => under(destination, one)).find((one) => lookAt(one) !== undefined);
    if (at === undefined) {
      if (!announced) wrong.push(`${path}: the row's file is not there`);
    } else if (row.type === FileType.file) {
      // a later version may be there already, and its row not yet
      const accepted = [Buffer.from(row.hash).toString('hex'), hashOf(under(source, path))];
      if (!accepted.includes(hashOf(at))) wrong.push(`${path}: not the row's content`);
    }
  }
  return wrong;
}

function lookAt(path: ByteName): Stats | undefined {
  try {
    return lstatSync(toFs(path), { throwIfNoEntry: false });
  } catch {
    // something above it is no folder any more
    return undefined;
  }
}

function hashOf(path: ByteName): string | undefined {
  if (lookAt(path)?.isFile() !== true) return undefined;
  const content = readFileSync(toFs(path));
  if (content.length <= CHUNK) return sha256(content).toString('hex');
  const chunks = Array.from({ length: Math.ceil(content.length / CHUNK) }, (_, index) =>
    sha256(content.subarray(index * CHUNK, (index + 1) * CHUNK)),
  );
  return sha256(Buffer.concat(chunks)).toString('hex');
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
