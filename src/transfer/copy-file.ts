import { createHash, hash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';

import { quietly } from './calls.js';
import { BUFFER, CHUNK, hashContent, hasHoles, pumpRange, writeSparse } from './content.js';
import { look, type InTheWay } from './in-the-way.js';
import { close, codeOf, discard, fstat, fsync, open, present, read, rename, write, type Sequence } from './io.js';
import { asWeLeftIt, attributes } from './kept.js';
import { toFs, under, type ByteName } from './names.js';
import { changed, Ended, type Place } from './place.js';
import { FileType, readRow, type FileRow } from './row.js';
import { sourceFacts } from './source-facts.js';
import { reading, openSource, rowOf, sameFile, sameIdentityAs, stillThere } from './source-file.js';
import type { Entry, Outcome, SourceFacts } from './work.js';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** Copies one file: the one sequence of calls that makes a copy durable (R1). @returns how it ended. */
export function* copyFile(place: Place, entry: Entry): Sequence<Outcome> {
  const itself = under(place.source, entry.name);
  const from = toFs(itself);
  const source = yield* openSource(itself);
  try {
    if (entry.why === 'check') {
      const checked = yield* checkContent(place, entry, source, from);
      if (checked !== null) return checked;
    }
    const found = yield* look(place, entry);
    return yield* transfer(place, entry, source, from, found);
  } finally {
    yield* close(source);
  }
}

function* transfer(
  place: Place,
  entry: Entry,
  source: number,
  from: string | Buffer,
  found: InTheWay,
): Sequence<Outcome> {
  // The walk's look counts as the one before the reading; only a file that changed since is looked at again.
  let facts = entry.facts;
  for (let attempt = 0; ; attempt += 1) {
    const took = place.clock();
    const large = facts.size > BigInt(CHUNK);
    const temp = large ? (place.part?.(entry.name)?.temp ?? place.temp()) : place.temp();
    const name = place.staged && !large ? entry.name : temp;
    const path = toFs(`${place.target}/${name}`);
    const target = yield* create(path, place, facts, large);
    const progress: Progress = { parts: place.part?.(entry.name) !== undefined, suspect: false };
    let after: BigIntStats;
    try {
      const digest = yield* fill(place, entry, facts, source, target, large ? temp : null, progress);
      after = yield* fstat(source);
      if (digest !== null && sameFile(facts, after)) {
        yield* stillThere(from, after);
        if (found !== 'nothing' && place.keep !== undefined) yield* place.keep(entry.name);
        if (name !== entry.name) yield* rename(path, toFs(`${place.target}/${entry.name}`));
        const row = rowOf(place, facts, digest, took);
        return found === 'conflict' ? { is: 'copied', row, conflict: true } : { is: 'copied', row };
      }
    } catch (error) {
      const goesOn = large && progress.parts && !progress.suspect && !(error instanceof Ended);
      // an interrupted large file keeps its durable part; nothing else stays, least of all under a final name
      if (!goesOn) yield* quietly(discard(path));
      if (large && progress.suspect) forgetParts(place, entry, facts, temp);
      throw error;
    }
    yield* discard(path);
    if (attempt > 0) return changed('changed while it was read');
    facts = sourceFacts(after);
  }
}

/** How far the writing of one file has come. */
interface Progress {
  /** Some of a large file is durable and noted. */
  parts: boolean;
  /** An fsync or close failed: what is on disk is unknown, and asking again would not tell (R2). */
  suspect: boolean;
}

/** Writes content and attributes and makes them durable. @returns the content's hash; null when the source changed. */
function* fill(
  place: Place,
  entry: Entry,
  facts: SourceFacts,
  source: number,
  target: number,
  temp: ByteName | null,
  progress: Progress,
): Sequence<Uint8Array | null> {
  let digest: Uint8Array | null;
  try {
    digest =
      temp === null
        ? yield* reading(pump(place, facts, source, target))
        : yield* reading(pumpLarge(place, entry, facts, source, target, temp, progress));
    yield* attributes(place.rules, target, facts, temp !== null || place.handsDown);
    yield* surely(fsync(target), progress);
  } catch (error) {
    yield* quietly(close(target));
    throw error;
  }
  yield* surely(close(target), progress);
  return digest;
}

/** After a failure of these nothing that was written before can be trusted. */
function* surely(sequence: Sequence<void>, progress: Progress): Sequence<void> {
  try {
    yield* sequence;
  } catch (error) {
    progress.suspect = true;
    throw error;
  }
}

/** The next attempt begins a large file anew. */
function forgetParts(place: Place, { name }: Entry, { size, mtime, ctime, ino }: SourceFacts, temp: ByteName): void {
  place.onPart?.(name, { temp, identity: { size, mtime, ctime, ino }, chunks: [] });
}

/** Opens the file that is written; one that a kill left there is ours. */
function* create(path: string | Buffer, place: Place, facts: SourceFacts, resumes: boolean): Sequence<number> {
  const mode = facts.mode & 0o777;
  if (resumes) return yield* open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, mode | 0o600);
  try {
    return yield* open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !place.staged) throw error;
    yield* discard(path);
    return yield* open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  }
}

/** @returns the content's hash; null when the file was shorter or longer than it should be. */
function* pump(place: Place, facts: SourceFacts, source: number, target: number): Sequence<Uint8Array | null> {
  const size = Number(facts.size);
  yield { op: 'budget', bytes: size, files: 1 };
  const sparse = hasHoles(facts);
  if (size < BUFFER) {
    // one byte more than it should have: growth shows at once, and a whole file needs no second read
    let got = yield* read(source, place.buffer, size + 1, 0, true);
    if (got > 0 && got < size) got += yield* read(source, place.buffer.subarray(got), size + 1 - got, got);
    if (got !== size) return null;
    if (size > 0 && !sparse) yield* write(target, place.buffer, size, null);
    if (sparse) yield* writeSparse(target, place.buffer, size, 0, size);
    return hash('sha256', place.buffer.subarray(0, size), 'buffer');
  }
  const running = createHash('sha256');
  const got = yield* pumpRange(place, source, target, 0, size, size, sparse, (bytes) => running.update(bytes));
  return got === size ? running.digest() : null;
}

/** A file of several chunks: each is synced and noted, and a later attempt goes on behind the last one (R20). */
function* pumpLarge(
  place: Place,
  entry: Entry,
  facts: SourceFacts,
  source: number,
  target: number,
  temp: ByteName,
  progress: Progress,
): Sequence<Uint8Array | null> {
  const known = place.part?.(entry.name);
  const chunks = known !== undefined && sameIdentityAs(known.identity, facts) ? [...known.chunks] : [];
  const size = Number(facts.size);
  const sparse = hasHoles(facts);
  // a temporary file that somebody removed or cut would be filled up with zeros
  if (chunks.length > 0 && (yield* fstat(target)).size < BigInt(chunks.length * CHUNK)) chunks.length = 0;
  let at = Math.min(chunks.length * CHUNK, size);
  yield { op: 'ftruncate', fd: target, length: at };
  yield { op: 'budget', bytes: 0, files: 1 };
  while (at < size) {
    const to = Math.min(at + CHUNK, size);
    yield { op: 'budget', bytes: to - at, files: 0 };
    const running = createHash('sha256');
    const got = yield* pumpRange(place, source, target, at, to, size, sparse, (bytes) => running.update(bytes));
    if (got < to - at) return null;
    chunks.push(running.digest());
    at = to;
    if (at < size) {
      // a hole at the end: a file that is shorter than what is noted would be begun anew
      if (sparse) yield { op: 'ftruncate', fd: target, length: at };
      yield* surely(fsync(target), progress);
      progress.parts = true;
      const { size: length, mtime, ctime, ino } = facts;
      place.onPart?.(entry.name, { temp, identity: { size: length, mtime, ctime, ino }, chunks: [...chunks] });
    }
  }
  return hash('sha256', Buffer.concat(chunks), 'buffer');
}

/**
 * Compares a source file with its row by content (R5). Equal: at most its attributes are set at the destination.
 *
 * @returns null when it has to be copied.
 */
function* checkContent(place: Place, entry: Entry, source: number, from: string | Buffer): Sequence<Outcome | null> {
  if (entry.row === undefined) return null;
  const row = readRow(entry.row);
  // what an attempt without a row left there may be another content than the row's
  if (entry.place === 'ours') {
    const there = yield* present(toFs(`${place.target}/${entry.name}`));
    if (there === null || !asWeLeftIt(there, row, place.rules)) return null;
  }
  const { facts } = entry;
  if (row.size !== facts.size || row.type !== FileType.file) return null;
  // its copy is still one with those of the names that it was parted from
  if (row.linked && row.ino !== facts.ino) return null;
  const took = place.clock();
  const digest = yield* reading(hashContent(source, place.buffer, facts.size));
  const after = yield* fstat(source);
  if (digest === null || !sameFile(facts, after)) return null;
  yield* stillThere(from, after);
  if (!Buffer.from(digest).equals(row.hash)) return null;
  // on the way back a time that differs is the same one, as exactly as the share keeps it
  const wanted = place.keep === undefined ? facts : { ...facts, mtime: row.mtime };
  const known = rowOf(place, wanted, digest, took);
  const attributesDiffer =
    row.mtime !== wanted.mtime || row.mode !== (facts.mode & 0o7777) || row.uid !== facts.uid || row.gid !== facts.gid;
  if (attributesDiffer) yield* retouch(place, { ...entry, facts: wanted }, row);
  return { is: 'same', row: { ...known, generation: row.generation } };
}

/** Sets the attributes of a copy whose content is right. */
function* retouch(place: Place, entry: Entry, row: FileRow): Sequence<void> {
  const path = toFs(`${place.target}/${entry.name}`);
  const there = yield* present(path);
  // an attempt whose row was never written may have set the time already
  const known = [row, { ...row, mtime: entry.facts.mtime }];
  if (there === null || !known.some((one) => asWeLeftIt(there, one, place.rules))) {
    throw new Ended({ is: 'skipped', reason: 'DEST_CHANGED', detail: 'somebody changed or removed the copy' });
  }
  const target = yield* open(path, O_RDONLY | O_NOFOLLOW);
  try {
    yield* attributes(place.rules, target, entry.facts, true);
    yield* fsync(target);
  } finally {
    yield* close(target);
  }
}
