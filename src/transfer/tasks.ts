import { codeOf, type Sequence } from './io.js';
import type { ByteName } from './names.js';
import { packResult, unpackEntries, type PackedEntries, type PackedResult } from './pack.js';
import {
  deleteFiles,
  linkName,
  lookAt,
  moveFile,
  removeFolder,
  settleFolder,
  sweepFolder,
  tryRoom,
  type GoneFile,
  type LinkName,
  type Looked,
  type Move,
  type Standing,
  type Tidied,
} from './tidy.js';
import { isMoved, makeFolder, runUnit, type Bench, type MadeFolder } from './unit.js';
import type { Entry, FolderFacts, Part, Unit } from './work.js';

/** A unit as it travels between threads. */
export interface PackedUnit extends Omit<Unit, 'entries' | 'parts'> {
  readonly entries: PackedEntries;
  /** Of all entries that `ours` and `taken` do not name. */
  readonly place: Entry['place'];
  /** Names that we may have written before a kill. */
  readonly ours?: readonly ByteName[];
  /** Names that were there before us. */
  readonly taken?: readonly ByteName[];
  readonly parts?: readonly (readonly [ByteName, Part])[];
}

/** What an executor can be asked to do at the destination, and what it answers. */
export interface Tasks {
  unit: { readonly ask: { readonly unit: PackedUnit }; readonly answer: PackedResult };
  make: { readonly ask: { readonly path: ByteName }; readonly answer: MadeFolder };
  delete: {
    readonly ask: { readonly path: ByteName; readonly files: readonly GoneFile[] };
    readonly answer: readonly Tidied[];
  };
  look: {
    readonly ask: { readonly path: ByteName; readonly files: readonly Looked[] };
    readonly answer: readonly Standing[];
  };
  rmdir: { readonly ask: { readonly path: ByteName }; readonly answer: boolean };
  move: { readonly ask: { readonly move: Move }; readonly answer: Tidied };
  link: { readonly ask: { readonly link: LinkName }; readonly answer: Tidied };
  settle: { readonly ask: { readonly path: ByteName; readonly facts: FolderFacts }; readonly answer: undefined };
  sweep: { readonly ask: { readonly path: ByteName; readonly keep: readonly ByteName[] }; readonly answer: number };
  /** Whether the destination has room and answers. */
  room: { readonly ask: object; readonly answer: undefined };
  /** The folder at this path is no longer what it was. */
  drop: { readonly ask: { readonly path: ByteName }; readonly answer: undefined };
}
export type TaskName = keyof Tasks;
export type Task = { [N in TaskName]: { readonly task: N } & Tasks[N]['ask'] }[TaskName];

/** What carries out tasks at the destination. */
export interface Executor {
  /** Tasks that it takes at a time. */
  readonly capacity: number;
  run<N extends TaskName>(task: Extract<Task, { task: N }>): Promise<Tasks[N]['answer']>;
}

/** Carries out a task, as a sequence of calls. */
export function* perform(bench: Bench, task: Task): Sequence<Tasks[TaskName]['answer']> {
  try {
    return yield* carryOut(bench, task);
  } catch (error) {
    const code = codeOf(error);
    if (isMoved(code)) yield* bench.pins.dropAll(code);
    throw error;
  }
}

function* carryOut(bench: Bench, task: Task): Sequence<Tasks[TaskName]['answer']> {
  switch (task.task) {
    case 'unit':
      return packResult(yield* runUnit(bench, unpackUnit(task.unit)));
    case 'make':
      return yield* makeFolder(bench, task.path);
    case 'delete':
      return yield* deleteFiles(bench, task.path, task.files);
    case 'look':
      return yield* lookAt(bench, task.path, task.files);
    case 'rmdir':
      return yield* removeFolder(bench, task.path);
    case 'move':
      return yield* moveFile(bench, task.move);
    case 'link':
      return yield* linkName(bench, task.link);
    case 'settle':
      yield* settleFolder(bench, task.path, task.facts);
      return undefined;
    case 'sweep':
      return yield* sweepFolder(bench, task.path, new Set(task.keep));
    case 'room':
      yield* tryRoom(bench);
      return undefined;
    case 'drop':
      yield* bench.pins.drop(task.path);
      return undefined;
  }
}

function unpackUnit({ entries, place, ours, taken, parts, ...unit }: PackedUnit): Unit {
  const [mine, theirs] = [new Set(ours), new Set(taken)];
  const placeOf = (name: ByteName): Entry['place'] => (mine.has(name) ? 'ours' : theirs.has(name) ? 'asked' : place);
  return {
    ...unit,
    entries: unpackEntries(entries, placeOf),
    ...(parts === undefined ? {} : { parts: new Map(parts) }),
  };
}
