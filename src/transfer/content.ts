import { createHash, hash } from 'node:crypto';

import { read, write, type Sequence } from './io.js';
import type { Place } from './place.js';
import type { SourceFacts } from './work.js';

/** Bytes that are hashed, synced and noted as one: a large file resumes at the last of them (R20). */
export const CHUNK = 64 * 1024 * 1024;
/** Bytes of one read. */
export const BUFFER = 1024 * 1024;
/** Bytes that become a hole when all of them are zero (R14). */
const HOLE = 64 * 1024;
const ZEROS = Buffer.alloc(HOLE);
/** Nanoseconds before a file was read within which a change may hide behind the same times (R6). */
export const RACY = 2_000_000_000n;

/** Copies a range. @returns bytes copied; fewer when the source ended before. */
export function* pumpRange(
  place: Place,
  source: number,
  target: number,
  from: number,
  to: number,
  size: number,
  sparse: boolean,
  digest: (bytes: Buffer) => void,
): Sequence<number> {
  let at = from;
  while (at < to) {
    const got = yield* read(source, place.buffer, Math.min(BUFFER, to - at), at);
    if (got === 0) break;
    digest(place.buffer.subarray(0, got));
    if (sparse) yield* writeSparse(target, place.buffer, got, at, size);
    else yield* write(target, place.buffer, got, at);
    at += got;
  }
  return at - from;
}

export function* writeSparse(target: number, buffer: Buffer, length: number, at: number, size: number): Sequence<void> {
  for (let done = 0; done < length; done += HOLE) {
    const piece = buffer.subarray(done, Math.min(done + HOLE, length));
    if (!piece.equals(ZEROS.subarray(0, piece.length))) yield* write(target, piece, piece.length, at + done);
  }
  if (at + length === size) yield { op: 'ftruncate', fd: target, length: size };
}

export function hasHoles({ blocks, size }: SourceFacts): boolean {
  return size >= BigInt(HOLE) && blocks * 512n < size;
}

/** The hash of a file's content as rows hold it; null when it has another size than expected. */
export function* hashContent(fd: number, buffer: Buffer, size: bigint): Sequence<Uint8Array | null> {
  const length = Number(size);
  const chunks: Uint8Array[] = [];
  let at = 0;
  do {
    const to = Math.min(at + CHUNK, length);
    const running = createHash('sha256');
    while (at < to) {
      // whole buffers: reads past the cache take nothing else
      const got = yield* read(fd, buffer, BUFFER, at, true);
      if (got === 0 || at + got > length) return null;
      running.update(buffer.subarray(0, got));
      at += got;
    }
    chunks.push(running.digest());
  } while (at < length);
  const [only] = chunks;
  return length > CHUNK || only === undefined ? hash('sha256', Buffer.concat(chunks), 'buffer') : only;
}
