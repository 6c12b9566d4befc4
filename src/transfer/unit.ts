import { constants } from 'node:fs';

import { copyFile } from './copy-file.js';
import { attributes } from './kept.js';
import { Ended, type Place } from './place.js';
import { copyLink } from './copy-link.js';
import { classify, isGone, type Trouble } from './errors.js';
import { close, codeOf, fsync, open, present, readdir, rename, type Sequence } from './io.js';
import { join, toFs, type ByteName } from './names.js';
import type { Pinned, Pins } from './pins.js';
import { setAside } from './quarantine.js';
import type { Entry, Outcome, Rules, Unit, UnitResult } from './work.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** What one executor has at hand. */
export interface Bench {
  readonly pins: Pins;
  /** Root of the source. */
  readonly source: ByteName;
  readonly rules: Rules;
  readonly generation: number;
  readonly buffer: Buffer;
  readonly clock: () => bigint;
  readonly temp: () => ByteName;
  readonly onPart?: (unit: Unit, name: ByteName, part: Parameters<NonNullable<Place['onPart']>>[1]) => void;
  /** On the way back: where whatever is replaced or removed is kept. */
  readonly quarantine?: ByteName;
  /** No further file is begun. */
  readonly stopped: () => boolean;
}

/**
 * Copies the files of one unit into its folder and makes them durable: each file, then the folder that names them, and
 * a staging folder under its final name at last. Only then may the ledger say so (R1).
 */
export function* runUnit(bench: Bench, unit: Unit): Sequence<UnitResult> {
  const outcomes: Outcome[] = [];
  let held: Pinned | undefined;
  let stage: number | undefined;
  try {
    if (unit.stage === undefined) {
      held = yield* bench.pins.hold(unit.path);
    } else {
      held = yield* bench.pins.hold(parentOf(unit.path));
      stage = yield* openStage(held, unit.stage, unit.create);
      // when it is renamed in the end the folder above is synced anyway
      if (unit.create && unit.close === undefined) yield* syncFolder(held, bench.rules);
    }
    const target = stage === undefined ? held.path : `/proc/self/fd/${stage}`;
    const place = placeOf(bench, unit, target);
    const absent = unit.list === true ? yield* absentIn(target, unit.entries) : undefined;
    for (const listed of unit.entries) {
      const entry: Entry = absent?.has(listed.name) === true ? { ...listed, place: 'free' } : listed;
      if (bench.stopped()) break;
      const outcome = yield* attempt(place, unit, entry);
      // not the file's fault: the folder is not the one any more that was opened
      if (outcome.is === 'again' && isMoved(outcome.code)) throw new MovedAway(outcome.code);
      outcomes.push(outcome);
      // the others would fail as well, and the folder has to be synced for what is done
      if (outcome.is === 'no room') break;
    }
    const complete = outcomes.length === unit.entries.length && outcomes.every(isSettled);
    const wrote = outcomes.some(({ is }) => is === 'copied' || is === 'adopted' || is === 'same');
    if (stage === undefined) {
      if (wrote) yield* syncFolder(held, bench.rules);
      return { outcomes, closed: false };
    }
    const closes = unit.close !== undefined && complete;
    if (unit.close !== undefined && closes) {
      yield* attributes(bench.rules, stage, { ...unit.close, atime: unit.close.mtime }, true);
    }
    if (wrote || closes) yield* syncOpen(stage, bench.rules);
    if (closes) {
      const name = unit.path.slice(unit.path.lastIndexOf('/') + 1);
      yield* rename(toFs(`${held.path}/${unit.stage ?? ''}`), toFs(`${held.path}/${name}`));
      yield* syncFolder(held, bench.rules);
    }
    return { outcomes, closed: closes };
  } catch (error) {
    const code = codeOf(error) || 'UNEXPECTED';
    // opened anew on the next try
    if (isMoved(code)) yield* bench.pins.dropAll(code);
    const wrote = unit.entries.filter((_, index) => outcomes[index]?.is === 'copied').map(({ name }) => name);
    return { outcomes: [], closed: false, failed: { code, wrote } };
  } finally {
    if (stage !== undefined) yield* close(stage);
    if (held !== undefined) yield* held.release();
  }
}

/** New names that a folder does not have. */
function* absentIn(target: string, entries: readonly Entry[]): Sequence<ReadonlySet<ByteName>> {
  const there = new Set(yield* readdir(target));
  return new Set(entries.filter(({ name, row }) => row === undefined && !there.has(name)).map(({ name }) => name));
}

/** Says that a folder that is held open has lost its place (R27). */
class MovedAway extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

/** Whether an error says that a folder is not where it was. */
export function isMoved(code: string): boolean {
  return isGone(code) || code === 'ESTALE';
}

/** What needs no further try. */
function isSettled({ is }: Outcome): boolean {
  return is !== 'again' && is !== 'no room';
}

function placeOf(bench: Bench, unit: Unit, target: string): Place {
  const { rules, generation, buffer, clock, temp, onPart, quarantine } = bench;
  const { parts } = unit;
  return {
    source: unit.path === '' ? bench.source : join(bench.source, unit.path),
    target,
    staged: unit.stage !== undefined,
    handsDown: unit.handsDown,
    ...{ rules, generation, buffer, clock, temp },
    ...(parts === undefined ? {} : { part: (name) => parts.get(name) }),
    ...(quarantine === undefined ? {} : { keep: (name) => setAside(quarantine, unit.path, target, name, true) }),
    ...(onPart === undefined
      ? {}
      : {
          onPart: (name, part) => {
            onPart(unit, name, part);
          },
        }),
  };
}

function* attempt(place: Place, unit: Unit, entry: Entry): Sequence<Outcome> {
  try {
    return entry.kind === 'file'
      ? yield* copyFile(place, entry)
      : yield* copyLink(place, entry, join(unit.path, entry.name));
  } catch (error) {
    if (error instanceof Ended) return error.outcome;
    return outcomeOf(classify(error));
  }
}

function outcomeOf(trouble: Trouble): Outcome {
  switch (trouble.is) {
    case 'no room':
    case 'again':
      return { is: trouble.is, code: trouble.code };
    case 'skip':
      return { is: 'skipped', reason: trouble.reason, detail: trouble.code };
  }
}

function* openStage(parent: Pinned, name: ByteName, create: boolean): Sequence<number> {
  const path = toFs(`${parent.path}/${name}`);
  if (create) {
    try {
      yield { op: 'mkdir', path, mode: 0o700 };
    } catch (error) {
      // a kill left it there: its name is ours alone
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  return yield* open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

/** Makes a folder's entries durable, where that is offered (R3). */
export function* syncFolder(folder: Pinned, rules: Rules): Sequence<void> {
  if (!rules.folderSync) return;
  const fd = yield* open(folder.path, O_RDONLY | O_DIRECTORY);
  try {
    yield* fsync(fd);
  } finally {
    yield* close(fd);
  }
}

function* syncOpen(fd: number, rules: Rules): Sequence<void> {
  if (rules.folderSync) yield* fsync(fd);
}

/** The path of a folder's parent; the root's for those directly in it. */
export function parentOf(path: ByteName): ByteName {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '' : path.slice(0, cut);
}

/** What making a folder found. */
export type MadeFolder =
  | {
      readonly is: 'made';
      /** Way back only: something of the old tree was in its place, and is kept. */
      readonly conflict?: true;
    }
  /** Was there before us: the names in it (R4). */
  | { readonly is: 'foreign'; readonly names: readonly ByteName[] }
  | { readonly is: 'occupied' };

/**
 * Makes a folder that is filled under its own name. It counts only after its parent is durable (R1).
 */
export function* makeFolder(bench: Bench, path: ByteName): Sequence<MadeFolder> {
  const parent = yield* bench.pins.hold(parentOf(path));
  try {
    const there = toFs(`${parent.path}/${path.slice(path.lastIndexOf('/') + 1)}`);
    try {
      yield { op: 'mkdir', path: there, mode: 0o700 };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      const found = yield* present(there);
      if (found?.isDirectory() !== true) {
        if (found === null || bench.quarantine === undefined) return { is: 'occupied' };
        // on the way back the share's folder wins, and what is in its place is kept (R24)
        yield* setAside(bench.quarantine, parentOf(path), parent.path, path.slice(path.lastIndexOf('/') + 1), false);
        yield { op: 'mkdir', path: there, mode: 0o700 };
        yield* syncFolder(parent, bench.rules);
        return { is: 'made', conflict: true };
      }
      const folder = yield* bench.pins.hold(path);
      try {
        return { is: 'foreign', names: (yield { op: 'readdir', path: folder.path }) as readonly string[] };
      } finally {
        yield* folder.release();
      }
    }
    yield* syncFolder(parent, bench.rules);
    return { is: 'made' };
  } finally {
    yield* parent.release();
  }
}
