import { takeLease, type Lease } from './lease.js';
import { nameKey, TABLE } from './ledger-keys.js';
import { ROOT_FOLDER, type Ledger } from './ledger.js';
import { adoptDestination, advanceMark, judgeDestination } from './marks.js';
import type { Executor, Task, TaskName, Tasks } from './tasks.js';
import type { PassOptions } from './types.js';

/**
 * The right of a pass to write to its destination: the lease (R22), and the mark that tells of it (R21). Claimed before
 * the first write; a pass that has nothing to write claims nothing, and leaves the destination as it is.
 */
export class Claim {
  #lease: Lease | undefined;
  #claiming: Promise<void> | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly options: PassOptions,
  ) {}

  /** It was claimed, now or before it was released. */
  get wasMade(): boolean {
    return this.#lease !== undefined;
  }

  /** The former holder had died: what it was at may be half done. */
  get takenOver(): boolean {
    return this.#lease?.takenOver ?? false;
  }

  /** A process that died at the very end has left its lease: it is taken over also when there is nothing more to write. */
  get wasLeft(): boolean {
    return this.ledger.meta().claimed === true;
  }

  /**
   * Nothing may be written before this has ended well.
   *
   * @throws RolloutError DESTINATION_BUSY; DESTINATION_OTHER and the like when another has had it since it was judged.
   */
  async make(): Promise<void> {
    this.#claiming ??= this.#make();
    await this.#claiming;
  }

  /** Everything is written: the destination is told (R21). */
  async end(): Promise<void> {
    if (this.wasMade) await advanceMark(this.ledger, this.options.destination);
  }

  async release(): Promise<void> {
    // one that failed has told so already
    await this.#claiming?.catch(() => undefined);
    if (this.#lease === undefined) return;
    await this.#lease.release();
    this.ledger.forget('claimed');
  }

  async #make(): Promise<void> {
    const { ledger, options } = this;
    this.#lease = await takeLease(options.destination, ledger.meta().uuid);
    // durable with the mark, before anything is written
    ledger.amend({ claimed: true });
    if (options.adopt === true) await adoptDestination(ledger, options.destination);
    else await judgeDestination(ledger, options);
    // the root holds what is no file of the tree: it is swept at the end
    if (this.takenOver) ledger.put(nameKey(TABLE.intent, ROOT_FOLDER, ''), Buffer.alloc(0));
    await advanceMark(ledger, options.destination);
  }
}

/** An executor that claims the destination before its first task. */
export class Claiming implements Executor {
  #mayRun = false;

  constructor(
    private readonly inner: Executor,
    private readonly claim: Claim,
  ) {}

  get capacity(): number {
    return this.inner.capacity;
  }

  async run<N extends TaskName>(task: Extract<Task, { task: N }>): Promise<Tasks[N]['answer']> {
    if (!this.#mayRun) {
      await this.claim.make();
      this.#mayRun = true;
    }
    return this.inner.run(task);
  }
}
