import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

import type { Machine } from '../cluster/names.js';
import { agentIsAway, call, troubleOf } from './calls.js';
import type { Progress } from './progress.js';
import type { About } from './runner.js';
import { isLost } from './service-stop.js';

/** What an operator answered to a held step. */
export type Answer = 'retry' | 'skip';

/** How a piece of work ended. */
export type Ended = 'done' | 'unchanged';

/** A piece of work, as it is shown. */
export interface Attempted {
  readonly id: string;
  readonly on: Machine;
  readonly about: About;
}

/** Runs pieces of work: what fails is held until an operator answers, and an agent that is away is waited for. */
export class Attempts {
  readonly #answers = new Map<string, Answer>();
  readonly #goesBackWhenLost: () => boolean;

  /** @param goesBackWhenLost whether a stop is under way whose node may have acted alone: that is not held. */
  constructor(
    private readonly progress: Progress,
    goesBackWhenLost: () => boolean,
  ) {
    this.#goesBackWhenLost = goesBackWhenLost;
  }

  answer(id: string, answer: Answer): void {
    this.#answers.set(id, answer);
  }

  readonly run = async (step: Attempted, work: () => Promise<Ended>): Promise<void> => {
    const { id, about } = step;
    for (;;) {
      const shown = { id, title: about.title, machine: step.on.name };
      await condition(() => !this.progress.paused);
      const { expected = null } = about;
      this.progress.show(shown, { is: 'running', ...(expected === null ? {} : { expected }) });
      try {
        this.progress.show(shown, { is: await work() });
        return;
      } catch (error) {
        // a stop whose node has gone back by itself goes back: there is nothing to hold
        if (isCancellation(error) || (this.#goesBackWhenLost() && isLost(error))) throw error;
        if (agentIsAway(error)) {
          if (await this.#agentIsBack({ ...shown, machine: step.on.name }, step.on)) continue;
          this.progress.show(shown, { is: 'skipped' });
          return;
        }
        if ((await this.hold(id, step.on.name, about, troubleOf(error))) === 'skip') {
          this.progress.show(shown, { is: 'skipped' });
          return;
        }
      }
    }
  };

  /** Waits as long as it takes; false when an operator skips the step, because the machine will not come back. */
  async #agentIsBack(shown: { id: string; title: string; machine: string }, on: Machine): Promise<boolean> {
    this.#answers.delete(shown.id);
    const how = on.place === 'node' ? `--node ${on.name}` : `--${on.place}`;
    const why = `no agent on ${on.place === 'node' ? `node ${on.name}` : `the ${on.place} machine`}: start it there with: icewarp-rollout worker ${how}`;
    this.progress.show(shown, { is: 'waiting', since: Date.now(), why });
    const waiting = new CancellationScope();
    return waiting.run(async () => {
      const greeted = call(on, 'agent.hello', 'wait for the agent', [], { patient: true }).then(
        () => true,
        (error: unknown) => {
          if (isCancellation(error)) throw error;
          return true; // an agent that answers with a failure is there: the step itself will tell what is wrong
        },
      );
      const skipped = condition(() => this.#answers.has(shown.id)).then(() => false);
      try {
        return await Promise.race([greeted, skipped]);
      } finally {
        // neither outlives this wait: what is left would fail in a later cancellation, with nobody to catch it
        waiting.cancel();
        await Promise.allSettled([greeted, skipped]);
      }
    });
  }

  /** Waits for an operator's answer. */
  async hold(
    id: string,
    machine: string,
    about: About,
    trouble: { code: string; why: string; next: string },
    approvable: readonly string[] = [],
  ): Promise<Answer> {
    this.#answers.delete(id);
    const shown = { id, title: about.title, machine };
    this.progress.show(shown, {
      is: 'held',
      since: Date.now(),
      skippable: about.skippable ?? false,
      ...(approvable.length === 0 ? {} : { approvable }),
      ...trouble,
    });
    await condition(() => this.#answers.has(id));
    const answer = this.#answers.get(id) ?? 'retry';
    this.progress.show(shown, { is: 'running' });
    return answer;
  }
}
