import { ApplicationFailure, CancellationScope, condition, isCancellation, sleep, uuid4 } from '@temporalio/workflow';

import { call, troubleOf } from './calls.js';
import type { CutoverSpec } from './cutover.js';
import type { Progress } from './progress.js';
import type { Undo } from './status.js';

/** Renewals in the time of one lease: one that is lost is not yet the end of it. */
const RENEWALS = 4;
/** Seconds for what goes back besides what was measured. */
const MARGIN = 10;
/** Going back is expected to take that much of what going forward took. */
const FACTOR = 1.5;
/** Why a stop goes back whose lease has run out. */
const ALONE = 'the node has started its old state by itself';

/**
 * A stop under way: a deadline after which it goes back by itself, and a lease on the node, which starts its old state
 * alone when it hears nothing any more (design, contract 6).
 */
export class ServiceStop {
  readonly #id = uuid4();
  readonly #began = Date.now();
  /** Seconds of steps that would have to be undone. */
  #undoable = 0;
  /** Why it is given up. */
  #why: string | null = null;
  #scope: CancellationScope | undefined;

  /** @param own what this stop has to put back now, in that order. */
  constructor(
    private readonly spec: CutoverSpec,
    private readonly progress: Progress,
    private readonly own: () => readonly Undo[],
  ) {}

  /**
   * Runs what a stop does, with everything put back when it is given up.
   *
   * @param back puts back what `work` did.
   * @returns why it went back; null when it is open.
   * @throws what `work` fails with when that is no reason to go back by itself, with everything of it put back.
   */
  async run(work: () => Promise<void>, back: () => Promise<void>): Promise<string | null> {
    return this.#renewing(async () => {
      try {
        await this.hold();
        await this.#untilDeadline(work);
        // the point of no automatic return
        await this.#end(true);
        this.#tell('open', { seconds: this.#seconds });
        return null;
      } catch (error) {
        const why = this.#reasonOf(error);
        await CancellationScope.nonCancellable(async () => {
          await back();
          await this.#end(false);
        });
        this.#tell('before', { wentBack: why ?? 'the way back was asked for' });
        if (why === null) throw error;
        return why;
      }
    });
  }

  /** Gives it up, if it is not open yet. */
  giveUp(why: string): void {
    this.#why ??= why;
    this.#scope?.cancel();
  }

  /** Tells the node what it would have to put back alone: before that is done. */
  async hold(): Promise<void> {
    const undo = this.own().filter(({ on }) => on.name === this.spec.node.name);
    await this.#take(undo.map(({ kind, step, title, desired, before }) => ({ kind, step, title, desired, before })));
  }

  /** Without a list: as it was last told, so that a renewal is small in history. */
  async #take(undo?: readonly Omit<Undo, 'on'>[]): Promise<void> {
    const { stage, moves, lease, directory, node } = this.spec;
    const input = { id: this.#id, stage, moves, seconds: lease, directory, ...(undo === undefined ? {} : { undo }) };
    await call(node, 'leaseTake.run', 'lease', [`lease:${stage}`, input], { attempts: 3 });
  }

  /** From here on the node never acts alone: what is written next goes to the new place. */
  async switched(): Promise<void> {
    await call(this.spec.node, 'leaseSwitched.run', 'switched', [`switched:${this.spec.stage}`, { id: this.#id }]);
  }

  /** A step that has to be undone took so long. */
  took(seconds: number): void {
    this.#undoable += seconds;
    this.#tell('closed', {});
  }

  /** Milliseconds since the epoch. */
  get deadline(): number {
    return this.#began + (this.spec.budget - MARGIN - FACTOR * this.#undoable) * 1_000;
  }

  get #seconds(): number {
    return (Date.now() - this.#began) / 1_000;
  }

  async #untilDeadline(work: () => Promise<void>): Promise<void> {
    this.#tell('closed', {});
    const watching = new CancellationScope();
    const watched = watching.run(async () => {
      for (;;) {
        const [seen, left] = [this.#undoable, this.deadline - Date.now()];
        if (left <= 0) {
          this.giveUp(`it would not have been over within ${this.spec.budget} s`);
          return;
        }
        await condition(() => this.#undoable !== seen, left);
      }
    });
    const settled = watched.catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
    this.#scope = new CancellationScope();
    try {
      await this.#scope.run(work);
      if (this.#why !== null) throw ApplicationFailure.nonRetryable(this.#why, 'STOP_GIVEN_UP');
    } finally {
      this.#scope = undefined;
      watching.cancel();
      await settled;
    }
  }

  /** Renews the lease beside the work, also while that goes back and whatever is cancelled meanwhile. */
  async #renewing<T>(work: () => Promise<T>): Promise<T> {
    let renewals: CancellationScope | undefined;
    const renewed = CancellationScope.nonCancellable(async () => {
      renewals = new CancellationScope();
      await renewals.run(async () => {
        for (;;) {
          await sleep((this.spec.lease * 1_000) / RENEWALS);
          try {
            await this.#take();
          } catch (error) {
            if (isCancellation(error)) throw error;
            // one that fails for another reason is tried again, as long as the lease lasts
            if (isLost(error)) {
              this.giveUp(ALONE);
              return;
            }
          }
        }
      });
    }).catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
    try {
      return await work();
    } finally {
      renewals?.cancel();
      await renewed;
    }
  }

  /** Why a failure is a reason to go back by itself; null when it is not: somebody asked for the way back. */
  #reasonOf(error: unknown): string | null {
    if (isLost(error)) return ALONE;
    return this.#why;
  }

  async #end(opened: boolean): Promise<void> {
    const { node, stage } = this.spec;
    await call(node, 'leaseEnd.run', opened ? 'open' : 'lease ends', [`lease:${stage}`, { id: this.#id, opened }], {
      patient: true,
    });
  }

  #tell(state: 'before' | 'closed' | 'open', news: { seconds?: number; wentBack?: string }): void {
    const { stage } = this.spec;
    const seconds = this.#seconds;
    this.progress.cutover(stage, (known) => {
      const wentBack =
        news.wentBack === undefined ? known.wentBack : [...known.wentBack, { seconds, why: news.wentBack }];
      const { stage: name, budget, forecast, back } = known;
      const kept = { stage: name, budget, forecast, ...(back === undefined ? {} : { back }), state, wentBack };
      if (state === 'closed') return { ...kept, began: this.#began, deadline: this.deadline };
      return state === 'open' ? { ...kept, began: this.#began, seconds } : kept;
    });
  }
}

/** Whether the node's agent has acted alone. */
export function isLost(error: unknown): boolean {
  return troubleOf(error).code === 'LEASE_LOST';
}
