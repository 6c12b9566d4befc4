import { constants, type BigIntStats } from 'node:fs';

import { hashContent } from './content.js';
import { close, fstat, fsync, open, present, type Sequence } from './io.js';
import { asWeLeftIt, attributes } from './kept.js';
import { toFs, under } from './names.js';
import { changed, Ended, type Place } from './place.js';
import { readRow } from './row.js';
import { reading, openSource, rowOf, sameFile } from './source-file.js';
import type { Entry, Outcome } from './work.js';

const { O_RDONLY, O_NOFOLLOW } = constants;

/** What a name at the destination holds before it is written; `conflict`: what we did not leave there. */
export type InTheWay = 'nothing' | 'ours' | 'conflict';

/** Looks at what is in the way before anything is replaced (R4). @throws Ended when it must not be, or need not be. */
export function* look(place: Place, entry: Entry): Sequence<InTheWay> {
  if (entry.place === 'free' || (entry.place === 'ours' && place.keep === undefined)) return 'nothing';
  const there = yield* present(toFs(`${place.target}/${entry.name}`));
  if (there === null) return 'nothing';
  const known = entry.row !== undefined && asWeLeftIt(there, readRow(entry.row), place.rules);
  if (known) return 'ours';
  // What an attempt left whose row could not be written equals the source, and what others changed does not.
  const outcome = yield* adopt(place, entry, there);
  if (outcome === null) return 'ours';
  if (entry.row !== undefined && place.keep === undefined && outcome.is === 'skipped' && outcome.reason === 'FOREIGN') {
    throw new Ended({ is: 'skipped', reason: 'DEST_CHANGED', detail: 'somebody changed the copy' });
  }
  // on the way back the share wins, and the other version is kept
  if (place.keep !== undefined && outcome.is === 'skipped' && outcome.reason === 'FOREIGN') return 'conflict';
  throw new Ended(outcome);
}

/**
 * Takes a file as copied that was at the destination before us and is equal; anything else is foreign (R4).
 *
 * @returns null when it is equal and cannot be made durable: it has to be copied anew, since another sync would only
 * seem to succeed (R2).
 */
function* adopt(place: Place, entry: Entry, there: BigIntStats): Sequence<Outcome | null> {
  const foreign: Outcome = { is: 'skipped', reason: 'FOREIGN', detail: 'something else by that name is there' };
  if (!there.isFile() || there.size !== entry.facts.size) return foreign;
  const took = place.clock();
  const source = yield* openSource(under(place.source, entry.name));
  try {
    const target = yield* open(toFs(`${place.target}/${entry.name}`), O_RDONLY | O_NOFOLLOW);
    try {
      const ours = yield* reading(hashContent(source, place.buffer, entry.facts.size));
      const theirs = yield* hashContent(target, place.buffer, entry.facts.size);
      if (!sameFile(entry.facts, yield* fstat(source))) return changed('changed while it was compared');
      if (ours === null || theirs === null || !Buffer.from(ours).equals(theirs)) return foreign;
      yield* attributes(place.rules, target, entry.facts, true);
      try {
        yield* fsync(target);
      } catch {
        return null;
      }
      return { is: 'adopted', row: rowOf(place, entry.facts, ours, took) };
    } finally {
      yield* close(target);
    }
  } finally {
    yield* close(source);
  }
}
