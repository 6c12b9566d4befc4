import { TaskFailed } from './executors.js';
import { noteFolder, touch, type Folder } from './folders.js';
import { forgetIn } from './gone.js';
import type { Ledger } from './ledger.js';
import type { ByteName } from './names.js';
import { OTHER_KEPT } from './results.js';
import type { FolderRow } from './row.js';
import type { SkippedList } from './skipped.js';
import type { Executor } from './tasks.js';
import type { SkipReason } from './types.js';

/** What the list says of what was below a folder that could not be made. */
export const ABOVE_NOT_MADE = 'the folder above it could not be made';

/** What the making of folders tells the one who asked for it. */
export interface MakerHooks {
  /** The folder's files can be written. */
  readonly opened: (folder: Folder) => void;
  readonly giveUp: (folder: Folder, reason: SkipReason, detail: string) => void;
  /** It failed: perhaps it is to be tried again. */
  readonly failed: (folder: Folder, error: unknown, tryAgain: () => void) => void;
  /** A temporary folder may be left in this one. */
  readonly leftIn: (folder: Folder | null) => void;
  readonly worked: () => void;
}

/** Makes folders under their own names at the destination, those above before those below. */
export class FolderMaker {
  readonly #waiting: Folder[] = [];

  constructor(
    private readonly ledger: Ledger,
    private readonly executor: Executor,
    private readonly skipped: SkippedList,
    private readonly hooks: MakerHooks,
  ) {}

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  ask(folder: Folder): void {
    folder.state = 'making';
    this.#waiting.push(folder);
  }

  take(): Folder | undefined {
    return this.#waiting.shift();
  }

  /** @returns what is to be done about how it ended: it never rejects. */
  async make(folder: Folder): Promise<() => void> {
    try {
      const made = await this.executor.run({ task: 'make', path: folder.path });
      return () => {
        this.hooks.worked();
        if (made.is === 'occupied') {
          this.hooks.giveUp(folder, 'FOREIGN', 'something that is no folder is in its place');
        } else {
          if ('conflict' in made) this.skipped.add(folder.path, 'CONFLICT', OTHER_KEPT);
          this.#made(folder, made.is === 'foreign' ? made.names : null);
        }
      };
    } catch (error) {
      const gone = error instanceof TaskFailed && error.code === 'ENOENT';
      return () => {
        this.hooks.failed(folder, error, () => {
          if (gone) this.#makeAbove(folder);
          else this.#waiting.push(folder);
        });
      };
    }
  }

  /** Somebody removed the folder above one that is to be made: it is made again first. */
  #makeAbove(folder: Folder): void {
    const { parent } = folder;
    if (parent?.state === 'ready' && parent.parent !== null) this.ask(parent);
    if (parent === null || parent.state === 'ready') this.#waiting.push(folder);
    else {
      parent.whenReady.push((ready) => {
        if (ready) this.#waiting.push(folder);
        else this.hooks.giveUp(folder, 'FAILED', ABOVE_NOT_MADE);
      });
    }
  }

  #made(folder: Folder, foreign: readonly ByteName[] | null): void {
    const { ledger } = this;
    const former = folder.row;
    folder.state = 'ready';
    if (foreign !== null) folder.taken = foreign;
    const made = foreign === null ? 'own' : 'foreign';
    noteFolder(ledger, folder, { made, stage: '', generation: ledger.meta().generation });
    if (former !== null) this.#madeAgain(folder, former, new Set(foreign ?? []));
    touch(ledger, folder);
    touch(ledger, folder.parent);
    this.hooks.opened(folder);
  }

  /** What the ledger knows in the folder and is not there went with the former one: the next pass copies it. */
  #madeAgain(folder: Folder, former: FolderRow, there: ReadonlySet<ByteName>): void {
    const { ledger, skipped } = this;
    ledger.commit();
    // a staging folder that was given up is swept at the end
    if (former.made === 'staging') this.hooks.leftIn(folder.parent);
    const lost = forgetIn(ledger, folder.id, there);
    if (lost > 0)
      skipped.add(folder.path, 'DEST_CHANGED', `somebody removed it: the next pass copies ${lost} files again`);
  }
}
