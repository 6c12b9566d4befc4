import { RolloutError } from '../cluster/errors.js';
import { isTemp } from './names.js';
import type { Part } from './work.js';

export function readSize(row: Buffer): bigint {
  return row.readBigUInt64LE(16);
}

export function encodePart({ temp, identity, chunks }: Part): Buffer {
  const head = Buffer.alloc(33);
  head.writeBigUInt64LE(identity.size, 0);
  head.writeBigInt64LE(identity.mtime, 8);
  head.writeBigInt64LE(identity.ctime, 16);
  head.writeBigUInt64LE(identity.ino, 24);
  head[32] = temp.length;
  return Buffer.concat([head, Buffer.from(temp, 'latin1'), ...chunks]);
}

/** @throws RolloutError LEDGER_DAMAGED when the bytes are no part. */
export function decodePart(value: Buffer): Part {
  const length = value[32] ?? 0;
  const temp = value.toString('latin1', 33, 33 + length);
  // a part that names another file would have that one cut and written
  if (!isTemp(temp) || /[/\0]/.test(temp) || value.length < 33 + length || (value.length - 33 - length) % 32 !== 0) {
    throw new RolloutError('LEDGER_DAMAGED', 'the ledger holds a part of a file that is none');
  }
  const chunks: Uint8Array[] = [];
  for (let at = 33 + length; at < value.length; at += 32) chunks.push(Uint8Array.from(value.subarray(at, at + 32)));
  return {
    temp,
    identity: {
      size: value.readBigUInt64LE(0),
      mtime: value.readBigInt64LE(8),
      ctime: value.readBigInt64LE(16),
      ino: value.readBigUInt64LE(24),
    },
    chunks,
  };
}
