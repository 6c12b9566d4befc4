import { setTimeout as sleep } from 'node:timers/promises';

import { classify, isGone } from './errors.js';
import { TaskFailed } from './executors.js';
import type { Gate } from './gate.js';
import type { Executor, Task, TaskName, Tasks } from './tasks.js';

/** How often a task is tried against an error that may pass by itself. */
const TRIES = 6;
/** Milliseconds between looks at a closed gate. */
const LOOK = 200;

/** An executor that outlasts what passes by itself: for tasks that are no units, which have retries of their own. */
export class Steady implements Executor {
  #running = 0;

  constructor(
    private readonly inner: Executor,
    private readonly gate: Gate,
    private readonly stopped: () => boolean,
  ) {}

  get capacity(): number {
    return this.inner.capacity;
  }

  async run<N extends TaskName>(task: Extract<Task, { task: N }>): Promise<Tasks[N]['answer']> {
    for (let attempt = 1; ; attempt += 1) {
      while ((!this.gate.isOpen || this.#running >= this.gate.width) && !this.stopped()) await sleep(LOOK);
      this.#running += 1;
      try {
        const answer = await this.inner.run(task);
        this.gate.worked();
        return answer;
      } catch (error) {
        // that nothing is there says something of the task, not of the destination's health
        if (!(error instanceof TaskFailed) || this.stopped() || isGone(error.code)) throw error;
        const trouble = classify(error);
        if (trouble.is === 'no room') this.gate.close('no room at the destination');
        else if (trouble.is === 'again' && attempt < TRIES) await sleep(100 * 2 ** attempt);
        else throw error;
      } finally {
        this.#running -= 1;
      }
    }
  }
}
