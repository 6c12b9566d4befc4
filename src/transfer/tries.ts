import type { Folder } from './folders.js';
import type { Gate } from './gate.js';
import { join, type ByteName } from './names.js';
import type { SkippedList } from './skipped.js';

/** How often one item is tried before it is listed (R27). */
const TRIES = 6;
/** Errors in a row, in all lanes, after which the destination counts as away. */
const AWAY_AFTER = 16;

/** Counts what fails, item by item and in a row: when to try again, when to list, when to stop for all (R27). */
export class Tries {
  #inARow = 0;
  readonly #failed = new Map<string, number>();

  constructor(
    private readonly gate: Gate,
    private readonly skipped: SkippedList,
  ) {}

  /** Something worked, or the destination was found to be there. */
  worked(): void {
    this.#inARow = 0;
  }

  /** How often an item of a folder has failed; the folder itself has an empty name. */
  of(folder: Folder, name: ByteName = ''): number {
    return this.#failed.get(keyOf(folder, name)) ?? 0;
  }

  forget(folder: Folder, name: ByteName = ''): void {
    this.#failed.delete(keyOf(folder, name));
  }

  /** Counts a failure. @returns false when the item has been listed instead. */
  mayTryAgain(folder: Folder, name: ByteName, code: string): boolean {
    this.#inARow += 1;
    if (this.#inARow >= AWAY_AFTER) this.gate.close(`the destination does not answer (${code})`);
    if (!this.gate.isOpen) return true;
    const tries = this.of(folder, name) + 1;
    this.#failed.set(keyOf(folder, name), tries);
    if (tries < TRIES) return true;
    this.forget(folder, name);
    this.skipped.add(join(folder.path, name), 'FAILED', `${code}, ${TRIES} times`);
    return false;
  }
}

/** Milliseconds before the next try, after so many that failed. */
export function pauseAfter(tries: number): number {
  return tries === 0 ? 0 : 100 * 2 ** tries;
}

function keyOf({ id }: Folder, name: ByteName): string {
  return `${id}/${name}`;
}
