import { RolloutError } from '../cluster/errors.js';
import { Copier } from './copier.js';
import type { Threads } from './executors.js';
import { folderAt, isUnsettled, touch, type Folder } from './folders.js';
import type { Gate } from './gate.js';
import { carryOutGone, noteGone } from './gone.js';
import { clamp } from './kept.js';
import { TABLE, whole } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import { linkTogether } from './links.js';
import { carryOutMoves } from './moves.js';
import { join, shown, type ByteName } from './names.js';
import { packEntries, unpackEntries, type PackedEntries } from './pack.js';
import { findChange } from './proof.js';
import { putOff } from './put-off.js';
import { rootsOf, type Root } from './roots.js';
import { settleFolders, sweepTemps } from './settle.js';
import type { SkippedList } from './skipped.js';
import type { Executor } from './tasks.js';
import type { Amount, PassKind, Progress } from './types.js';
import { TIME_LOST, TOO_DEEP, type Walked } from './walk.js';
import type { Entry, Rules } from './work.js';

/** Units that wait before the walk pauses: bounds memory whatever the tree's size. */
const ENOUGH = 64;

export interface PassContext {
  readonly kind: PassKind;
  readonly source: ByteName;
  readonly destination: ByteName;
  readonly ledger: Ledger;
  readonly rules: Rules;
  readonly walkers: Threads;
  /** Outlasts what passes by itself. */
  readonly executor: Executor;
  /** For units, which have tries of their own. */
  readonly units: Executor;
  readonly gate: Gate;
  readonly skipped: SkippedList;
  readonly run: string;
  readonly only: readonly string[] | undefined;
  readonly maxDelete: number;
  readonly maxSkipped: number;
  readonly keepRoot: boolean;
  readonly stopped: () => boolean;
  /** Carries out a task at once in all threads, such as forgetting a folder. */
  readonly everywhere: (path: ByteName) => Promise<void>;
}

/** How the phases of a pass ended. */
export interface PassEnd {
  readonly outcome: 'done' | 'held' | 'busy';
  readonly why?: string;
  /** Everything was looked at, so that what is gone is known. */
  readonly walkedAll: boolean;
}

/** One pass over a tree: walk and copy, names of one file, moves, deletions, folders, and the proof of quiet. */
export class Pass {
  readonly copier: Copier;
  readonly seen: { files: number; bytes: number } = { files: 0, bytes: 0 };
  unchanged = 0;
  moved = 0;
  deleted = 0;
  hardLinks = 0;
  phase: Progress['phase'] = 'walk and copy';
  total: Amount | undefined;
  #walking = 0;
  readonly #stack: Root[] = [];
  #walked: (() => void) | undefined;
  #readFailed: string | undefined;
  readonly #folders = new Map<number, Folder>();
  /** What waits for a deletion: a folder in the place of a file, or the other way round. */
  #blocked: { folder: Folder; walk: boolean; entries: readonly Entry[] }[] = [];

  constructor(
    private readonly context: PassContext,
    ours: ReadonlyMap<number, ReadonlySet<ByteName>>,
  ) {
    const { ledger, units, gate, skipped, run, stopped } = context;
    this.copier = new Copier({
      ...{ ledger, executor: units, gate, skipped, run, ours, stopped },
      // a folder that is renamed as a whole must not hold anything that others look for meanwhile
      staging: context.kind === 'seed' && ledger.meta().rebuilt === undefined,
      progressed: () => {
        this.#pump();
      },
    });
  }

  /** Counters for people; they derive from rows that are committed. */
  progress(): Progress {
    const { skipped, gate, ledger } = this.context;
    const { files, bytes } = ledger.meta();
    const waits = gate.waits;
    return {
      phase: this.phase,
      seen: { ...this.seen },
      durable: { files, bytes },
      copied: { files: this.copier.results.copied.files, bytes: this.copier.results.copied.bytes },
      ...(this.total === undefined ? {} : { total: this.total }),
      skipped: skipped.count,
      deleted: this.deleted,
      moved: this.moved,
      ...(waits === undefined ? {} : { waits }),
    };
  }

  async run(): Promise<PassEnd> {
    const { ledger, kind, stopped } = this.context;
    for (const table of [TABLE.gone, TABLE.goneFolder, TABLE.perhapsMoved, TABLE.linkWaits]) ledger.clear(table);
    this.#stack.push(...rootsOf(this.context, this.copier, this.#folders));
    await this.#walkAndCopy();
    if (stopped()) return STOPPED;
    if (!this.#tooMany) {
      this.hardLinks += await linkTogether(this.context, this);
      this.phase = 'moves';
      this.moved += await carryOutMoves(this.context, this);
      await this.copier.idle();
    }
    if (stopped()) return STOPPED;
    this.phase = 'deletions';
    // an incomplete walk tells nothing of what is gone (R18)
    const held = this.#tooMany ? TOO_MANY : await this.#deletions();
    if (stopped()) return STOPPED;
    await this.#unblock(held);
    this.phase = 'folders';
    // first, because it changes folders
    await sweepTemps(this.context);
    await settleFolders(this.context);
    if (stopped()) return STOPPED;
    const walkedAll = this.#readFailed === undefined && !this.#tooMany;
    if (held !== undefined) return { outcome: 'held', why: held, walkedAll };
    if (this.#tooMany) return { outcome: 'held', why: TOO_MANY, walkedAll };
    const change = kind === 'final' ? await this.#changeSince() : undefined;
    return change === undefined ? { outcome: 'done', walkedAll } : { outcome: 'busy', why: change, walkedAll };
  }

  get #tooMany(): boolean {
    return this.context.skipped.count > this.context.maxSkipped;
  }

  /** Copies entries that were put off until now. */
  submit(folder: Folder, entries: readonly Entry[]): void {
    this.copier.submit(folder, [packEntries(entries)], false);
  }

  /** The folder with a number, as the pass knows it or as the ledger does. */
  folder(id: number): Folder {
    const known = this.#folders.get(id);
    if (known !== undefined) return known;
    const { ledger } = this.context;
    const { parent, name } = ledger.pathOf(id);
    const above = name === '' ? null : this.folder(parent);
    const row = ledger.folder(above?.id ?? 0, name);
    if (row === null) throw new RolloutError('LEDGER_DAMAGED', `the ledger knows no folder ${id}`);
    const folder = folderAt(ledger, above, name, row);
    return folder;
  }

  async #walkAndCopy(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#walked = resolve;
      this.#pump();
    });
    await this.copier.idle();
  }

  /** Walks on while there is room for what it finds: the latest folder first, so that few are open at a time. */
  #pump(): void {
    const { walkers, stopped } = this.context;
    const ending = stopped() || this.copier.failed || this.#tooMany;
    while (!ending && this.#walking < walkers.capacity && this.copier.queued < ENOUGH) {
      const next = this.#stack.pop();
      if (next === undefined) break;
      this.#walking += 1;
      const { id, path, row, facts } = next.folder;
      walkers.walk({ folder: id, path, known: next.known, like: row ?? facts }).then(
        (walked) => {
          try {
            this.#meet(next.folder, walked);
          } catch (error) {
            this.copier.fail(error);
          }
          // only now: what it met is on the stack
          this.#walking -= 1;
          this.#pump();
        },
        (error: unknown) => {
          this.#walking -= 1;
          this.copier.fail(error);
        },
      );
    }
    if (this.#walking === 0 && (this.#stack.length === 0 || ending)) this.#walked?.();
  }

  #meet(folder: Folder, walked: Walked): void {
    const { ledger, skipped, rules } = this.context;
    if (walked.failed === 'ENAMETOOLONG') {
      skipped.add(folder.path, 'NAME_UNHOLDABLE', TOO_DEEP);
      return;
    }
    // gone since its parent was read: the next walk tells what that means for what the ledger knows in it
    if ((walked.failed === 'ENOENT' || walked.failed === 'ENOTDIR') && folder.parent !== null) return;
    if (walked.failed !== undefined) {
      this.#readFailed ??= `${folder.path === '' ? 'the root' : folder.path}: ${walked.failed}`;
      if (walked.facts === null) {
        skipped.add(folder.path === '' ? '.' : folder.path, 'DENIED', walked.failed);
        return;
      }
    }
    folder.facts = walked.facts ?? folder.facts;
    folder.files = walked.files;
    this.seen.files += walked.files;
    this.seen.bytes += walked.bytes;
    this.unchanged += walked.unchanged;
    for (const { name, reason, detail } of walked.skipped) skipped.add(join(folder.path, name), reason, detail);
    noteGone(ledger, folder.id, walked);
    const blocked = blockedBy(walked);
    const [units, perhapsMoved, linked] = [walked.units, [walked.perhapsMoved], [walked.linked]].map((packed) =>
      blocked.names.size === 0 ? packed : this.#withoutBlocked(folder, packed, blocked.names),
    ) as [readonly PackedEntries[], readonly PackedEntries[], readonly PackedEntries[]];
    for (const packed of perhapsMoved) putOff(ledger, TABLE.perhapsMoved, folder, packed);
    for (const packed of linked) putOff(ledger, TABLE.linkWaits, folder, packed);
    const waits = walked.perhapsMoved.count + walked.linked.count > 0;
    const leaf = walked.folders.length === 0 && !waits;
    this.copier.submit(folder, units, leaf);
    if (isUnsettled(folder) && folder.state === 'ready') touch(ledger, folder);
    // the last one pushed is walked first: in the order of the names
    for (const { name, facts } of [...walked.folders].reverse()) {
      const inner = folderAt(ledger, folder, name, facts);
      const known = inner.row !== null;
      if (clamp(facts.mtime, rules) !== facts.mtime) skipped.add(inner.path, 'TIME_RANGE', TIME_LOST);
      if (blocked.folders.has(name)) this.#blocked.push({ folder: inner, walk: true, entries: [] });
      else this.#stack.push({ folder: inner, known });
    }
    if (waits) this.#folders.set(folder.id, folder);
  }

  #withoutBlocked(folder: Folder, units: readonly PackedEntries[], names: ReadonlySet<ByteName>): PackedEntries[] {
    return units.map((unit) => {
      const entries = unpackEntries(unit, () => 'asked');
      const blocked = entries.filter(({ name }) => names.has(name));
      if (blocked.length > 0) this.#blocked.push({ folder, walk: false, entries: blocked });
      return packEntries(entries.filter(({ name }) => !names.has(name)));
    });
  }

  /** @returns why nothing was deleted, if that is so. */
  async #deletions(): Promise<string | undefined> {
    if (this.#readFailed !== undefined) {
      return this.#anythingGone()
        ? `not everything could be read (${this.#readFailed}): nothing was deleted`
        : undefined;
    }
    if (this.context.ledger.meta().rebuilt !== undefined) return this.#anythingGone() ? REBUILT : undefined;
    const { deleted, held } = await carryOutGone(this.context, (id) => {
      touch(this.context.ledger, this.folder(id));
    });
    this.deleted += deleted;
    return held;
  }

  #anythingGone(): boolean {
    for (const _ of this.context.ledger.range(whole(TABLE.gone))) return true;
    return false;
  }

  async #unblock(held: string | undefined): Promise<void> {
    if (this.#blocked.length === 0) return;
    for (const { folder, walk, entries } of this.#blocked.splice(0)) {
      if (held !== undefined) {
        const what = walk ? [folder.path] : entries.map(({ name }) => join(folder.path, name));
        for (const path of what)
          this.context.skipped.add(path, 'FAILED', 'something that was not deleted is in its place');
      } else if (walk) this.#stack.push({ folder, known: false });
      else {
        const isLinked = ({ facts }: Entry): boolean => facts.links > 1;
        putOff(this.context.ledger, TABLE.linkWaits, folder, packEntries(entries.filter(isLinked)));
        this.submit(
          folder,
          entries.filter((entry) => !isLinked(entry)),
        );
      }
    }
    await this.#walkAndCopy();
    if (this.context.stopped()) return;
    this.hardLinks += await linkTogether(this.context, this);
    this.moved += await carryOutMoves(this.context, this);
    await this.copier.idle();
  }

  /** @returns what tells that the source was not quiet, in words. */
  async #changeSince(): Promise<string | undefined> {
    this.phase = 'second walk';
    const { copier, context } = this;
    if (copier.results.copied.changed > 0) return 'files changed while they were read';
    const roots = rootsOf(context, copier, this.#folders).map(({ folder }) => folder);
    const changed = await findChange(context, roots);
    return changed === undefined ? undefined : `${shown(changed)} changed after it was copied`;
  }
}

const STOPPED: PassEnd = { outcome: 'held', why: 'stopped', walkedAll: false };
const REBUILT =
  'files are gone from the source, but the ledger was rebuilt: nothing was deleted, the next pass does so';
const TOO_MANY = 'more items were skipped than allowed: nothing was deleted';

/** Names that are of another type than the ledger knows: their place has to be cleared first. */
function blockedBy(walked: Walked): { folders: ReadonlySet<ByteName>; names: ReadonlySet<ByteName> } {
  const goneFiles = new Set(walked.gone.map(({ name }) => name));
  return {
    folders: new Set(walked.folders.map(({ name }) => name).filter((name) => goneFiles.has(name))),
    names: new Set(walked.goneFolders),
  };
}
