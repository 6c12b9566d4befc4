import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';

import type { Hello } from '../activities/register.js';
import type { Procedures } from '../activities/registry.js';
import type { Check, OutputOf } from '../activities/resource.js';
import { ERRORS } from '../cluster/errors.js';
import type { Machine } from '../cluster/names.js';
import { agentIsAway, call, troubleOf, type CallOptions } from './calls.js';
import { readClock, type ClockReading } from './clock-reading.js';
import { sorted, stopText } from './preflight/finding.js';
import type { Progress } from './progress.js';
import { inParallel, stepId, type About, type Action, type Part, type Runner, type TogetherAbout } from './runner.js';
import type { Undo } from './status.js';

/** What an operator answered to a held step. */
type Answer = 'retry' | 'skip';

/** Findings that a held step names as approvable; the status has all. */
const MOST_NAMED = 10;

/** How a piece of work ended. */
type Ended = 'done' | 'unchanged';

/** The rollout's runner: checks, registers the undo, applies; holds what fails; goes back through the same loop. */
export class ActingRunner implements Runner {
  readonly plans = false;
  readonly #answers = new Map<string, Answer>();
  readonly #undo: Undo[];

  constructor(
    private readonly progress: Progress,
    undo: readonly Undo[],
  ) {
    this.#undo = [...undo];
  }

  /** What going back would do, in that order. */
  get undo(): readonly Undo[] {
    return this.#undo;
  }

  answer(id: string, answer: Answer): void {
    this.#answers.set(id, answer);
  }

  /** Asks an agent who it is, and waits for one that is not there yet. */
  async greet(on: Machine): Promise<Hello> {
    const about: About = { title: 'agent is there', guide: '' };
    const greeting: { hello?: Hello } = {};
    await this.#attempt({ id: stepId('agent', on, about), on, about }, async () => {
      greeting.hello = (await call(on, 'agent.hello', 'say hello', [])) as Hello;
      return 'unchanged';
    });
    if (greeting.hello === undefined) throw new TypeError('an agent cannot be skipped');
    return greeting.hello;
  }

  /** Makes an agent give up the originals that an earlier rollout left with it. */
  async forget(on: Machine): Promise<void> {
    const about: About = { title: 'earlier way back given up', guide: '' };
    await this.#attempt({ id: stepId('forget', on, about), on, about }, async () => {
      await call(on, 'agent.forget', about.title, []);
      return 'done';
    });
  }

  phase(title: string): void {
    this.progress.enter(title);
  }

  each = inParallel;

  step: Runner['step'] = async (kind, on, desired, about, prepare) => {
    const id = stepId(kind, on, about);
    let changed = false;
    await this.#attempt({ id, on, about }, async () => {
      const { before, changes } = (await call(on, `${kind}.check`, `check ${about.title}`, [id, desired])) as Check;
      if (changes.length === 0) return changed ? 'done' : 'unchanged';
      changed = true;
      this.#register({ kind, step: id, title: about.title, on, desired, before }, about);
      if (before !== null) await prepare?.(before as Parameters<NonNullable<typeof prepare>>[0]);
      await call(on, `${kind}.apply`, about.title, [id, desired]);
      return 'done';
    });
    return changed;
  };

  act: Runner['act'] = (action, on, input, about) => this.look(action, on, input, about);

  together: Runner['together'] = (about, begin) => this.#atOnce(about, begin);

  // a second try of one would find the others gone
  lookTogether: Runner['lookTogether'] = (about, begin) => this.#atOnce(about, begin, { attempts: 1 });

  #atOnce = async <A extends Action>(
    about: TogetherAbout,
    begin: () => readonly Part<A>[],
    options: CallOptions = {},
  ): Promise<readonly (OutputOf<Procedures[A]> | null)[]> => {
    const [first] = begin();
    if (first === undefined) return [];
    let outputs: unknown[] = [];
    const id = `together/${about.label}`;
    // the machine that a try failed on: it may be away
    const step = { id, on: first.on as Machine, about };
    await this.#attempt(step, async () => {
      outputs = [];
      await inParallel([...begin().entries()], async ([index, { action, on, input }]) => {
        try {
          outputs[index] = await call(on, `${action}.run`, about.title, [id, input], options);
        } catch (error) {
          step.on = on;
          throw error;
        }
      });
      return 'done';
    });
    return outputs as OutputOf<Procedures[A]>[];
  };

  look: Runner['look'] = async (action, on, input, about) => {
    const id = stepId(action, on, about);
    let output: unknown = null;
    await this.#attempt({ id, on, about }, async () => {
      output = await call(on, `${action}.run`, about.title, [id, input]);
      return 'done';
    });
    return output as Awaited<ReturnType<typeof this.look<typeof action>>>;
  };

  async clock(on: Machine): Promise<ClockReading | null> {
    const about: About = { title: 'read the clock', guide: 'B12' };
    const read: { clock?: ClockReading } = {};
    await this.#attempt({ id: stepId('clock', on, about), on, about }, async () => {
      read.clock = await readClock(on);
      return 'done';
    });
    return read.clock ?? null;
  }

  async rule(about: About, judge: () => Promise<string | null>): Promise<void> {
    const id = `rule/${about.label ?? about.title}`;
    for (;;) {
      const shown = { id, title: about.title, machine: 'cluster' };
      const breach = await judge();
      if (breach === null) {
        this.progress.show(shown, { is: 'done' });
        return;
      }
      const answer = await this.#hold(id, 'cluster', about, {
        code: 'RULE_BROKEN',
        why: breach,
        next: ERRORS.RULE_BROKEN.next,
      });
      if (answer === 'skip') {
        this.progress.show(shown, { is: 'skipped' });
        return;
      }
    }
  }

  findings: Runner['findings'] = async (about, look) => {
    const id = `rule/${about.label}`;
    const shown = { id, title: about.title, machine: 'cluster' };
    for (;;) {
      await condition(() => !this.progress.paused);
      this.progress.found(sorted(await look()));
      const { stops } = this.progress;
      if (stops.length === 0) {
        this.progress.show(shown, { is: 'done' });
        return;
      }
      const approvable = stops.filter((one) => one.approvable).map((one) => one.id);
      const trouble = { code: 'PREFLIGHT_STOPS', why: stopText(stops), next: ERRORS.PREFLIGHT_STOPS.next };
      await this.#hold(id, 'cluster', about, trouble, approvable.slice(0, MOST_NAMED));
    }
  };

  /** Undoes everything in reverse order. A failing undo is held, never skipped silently. */
  async goBack(nodes: readonly Machine<'node'>[], directory: string): Promise<void> {
    this.progress.abandon();
    this.progress.turnBack();
    this.progress.enter('going back');
    await CancellationScope.nonCancellable(async () => {
      const touched = new Set(this.#undo.map(({ on }) => on.name));
      for (let entry = this.#undo[0]; entry !== undefined; entry = this.#undo[0]) {
        const { kind, step, title, on, desired, before } = entry;
        const about: About = { title: `undo: ${title}`, guide: '', skippable: true };
        await this.#attempt({ id: `undo ${step}`, on, about }, async () => {
          const kept = await call(on, `${kind}.restore`, about.title, [step, desired, before]);
          this.progress.kept.push(...(kept as string[]).map((line) => `${on.name}: ${line}`));
          return 'done';
        });
        this.#undo.shift();
      }
      // a step that stopped a server and then failed has no undo entry for the services
      for (const on of nodes.filter(({ name }) => touched.has(name))) {
        await this.act(
          'settleServices',
          on,
          { directory },
          { title: 'services as before', guide: '', skippable: true },
        );
      }
    });
  }

  /** Before the action; a retry, or a later step on the same thing, keeps the FIRST observation. */
  #register(undo: Undo, { undoLast = false }: About): void {
    const known = (one: Undo): boolean =>
      one.step === undo.step || (undoLast && one.kind === undo.kind && one.on.name === undo.on.name);
    if (this.#undo.some(known)) return;
    if (undoLast) this.#undo.push(undo);
    else this.#undo.unshift(undo);
  }

  async #attempt(step: { id: string; on: Machine; about: About }, work: () => Promise<Ended>): Promise<void> {
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
        if (isCancellation(error)) throw error;
        if (agentIsAway(error)) {
          if (await this.#agentIsBack({ ...shown, machine: step.on.name }, step.on)) continue;
          this.progress.show(shown, { is: 'skipped' });
          return;
        }
        if ((await this.#hold(id, step.on.name, about, troubleOf(error))) === 'skip') {
          this.progress.show(shown, { is: 'skipped' });
          return;
        }
      }
    }
  }

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

  async #hold(
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
