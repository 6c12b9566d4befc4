import { CancellationScope, condition } from '@temporalio/workflow';

import type { Hello } from '../activities/register.js';
import type { Procedures } from '../activities/registry.js';
import type { Check, OutputOf } from '../activities/resource.js';
import { ERRORS } from '../cluster/errors.js';
import type { Machine } from '../cluster/names.js';
import { STAGES, type Stage } from '../cluster/stages.js';
import { Attempts, type Answer } from './attempts.js';
import { call, type CallOptions } from './calls.js';
import { readClock, type ClockReading } from './clock-reading.js';
import { cutoverStep, type CutoverSpec, type Readiness } from './cutover.js';
import { StopGate } from './gate.js';
import { completePass, runTreePass } from './migrate-tree.js';
import { sorted, stopText } from './preflight/finding.js';
import type { Progress } from './progress.js';
import { inParallel, stepId, type About, type Action, type Part, type Runner, type TogetherAbout } from './runner.js';
import { ServiceStop } from './service-stop.js';
import type { Undo } from './status.js';
import { WayBack, type Served } from './way-back.js';

/** Findings that a held step names as approvable; the status has all. */
const MOST_NAMED = 10;

/** The rollout's runner: checks, registers the undo, applies; holds what fails; goes back through the same loop. */
export class ActingRunner implements Runner {
  readonly plans = false;
  readonly #attempts: Attempts;
  readonly #way: WayBack;
  #gate: StopGate | undefined;
  #current: ServiceStop | undefined;

  constructor(
    private readonly progress: Progress,
    undo: readonly Undo[],
  ) {
    this.#way = new WayBack(undo, progress);
    this.#attempts = new Attempts(progress, () => this.#current !== undefined);
  }

  /** What going back would do, in that order. */
  get undo(): readonly Undo[] {
    return this.#way.entries;
  }

  /** What was done in events of this run's history that were given up: it can be put back all the same. */
  adopt(undo: readonly Undo[]): void {
    for (const entry of undo) this.#way.register(entry);
  }

  answer(id: string, answer: Answer): void {
    this.#attempts.answer(id, answer);
  }

  /** Asks an agent who it is, and waits for one that is not there yet. */
  async greet(on: Machine): Promise<Hello> {
    const about: About = { title: 'agent is there', guide: '' };
    const greeting: { hello?: Hello } = {};
    await this.#attempts.run({ id: stepId('agent', on, about), on, about }, async () => {
      greeting.hello = (await call(on, 'agent.hello', 'say hello', [])) as Hello;
      return 'unchanged';
    });
    if (greeting.hello === undefined) throw new TypeError('an agent cannot be skipped');
    return greeting.hello;
  }

  /** An agent that has acted alone in an earlier run refuses every change until it is told that this is known. */
  async acknowledge(on: Machine, hello: Hello): Promise<void> {
    const { alone } = hello;
    if (alone === undefined) return;
    const about: About = { title: 'what it has put back by itself is known', guide: '' };
    const id = stepId('leaseEnd', on, about);
    await this.#attempts.run({ id, on, about }, async () => {
      await call(on, 'leaseEnd.run', about.title, [id, { id: alone.id, opened: false }]);
      return 'done';
    });
    this.progress.kept.push(...alone.kept.map((line) => `${on.name}: ${line}`));
  }

  /** Makes an agent give up the originals that an earlier rollout left with it. */
  async forget(on: Machine): Promise<void> {
    const about: About = { title: 'earlier way back given up', guide: '' };
    await this.#attempts.run({ id: stepId('forget', on, about), on, about }, async () => {
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
    await this.#attempts.run({ id, on, about }, async () => {
      const wanted = typeof desired === 'function' ? desired() : desired;
      const { before, changes } = (await call(on, `${kind}.check`, `check ${about.title}`, [id, wanted])) as Check;
      if (changes.length === 0) return changed ? 'done' : 'unchanged';
      changed = true;
      this.#way.register({ kind, step: id, title: about.title, on, desired: wanted, before });
      await this.#current?.hold();
      if (before !== null) await prepare?.(before as Parameters<NonNullable<typeof prepare>>[0]);
      const began = Date.now();
      await call(on, `${kind}.apply`, about.title, [id, wanted]);
      if (about.copies !== true) this.#current?.took((Date.now() - began) / 1_000);
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
    await this.#attempts.run(step, async () => {
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
    await this.#attempts.run({ id, on, about }, async () => {
      output = await call(on, `${action}.run`, about.title, [id, input]);
      return 'done';
    });
    return output as Awaited<ReturnType<typeof this.look<typeof action>>>;
  };

  async clock(on: Machine): Promise<ClockReading | null> {
    const about: About = { title: 'read the clock', guide: 'B12' };
    const read: { clock?: ClockReading } = {};
    await this.#attempts.run({ id: stepId('clock', on, about), on, about }, async () => {
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
      const answer = await this.#attempts.hold(id, 'cluster', about, {
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
      await this.#attempts.hold(id, 'cluster', about, trouble, approvable.slice(0, MOST_NAMED));
    }
  };

  wouldChange: Runner['wouldChange'] = async (kind, on, desired, about) => {
    const id = stepId(kind, on, about);
    let differs = false;
    const look = { ...about, title: `whether it is there already: ${about.title}` };
    await this.#attempts.run({ id: `${id} looked at`, on, about: look }, async () => {
      const { changes } = (await call(on, `${kind}.check`, `check ${about.title}`, [id, desired])) as Check;
      differs = changes.length > 0;
      return 'unchanged';
    });
    return differs;
  };

  pass: Runner['pass'] = async (input, on, about) => {
    let result: Awaited<ReturnType<Runner['pass']>> = null;
    const id = `${on.name}/pass:${about.label}`;
    await this.#attempts.run({ id, on, about }, async () => {
      result = completePass(await runTreePass(input, about.label));
      return 'done';
    });
    return result;
  };

  get approvedSkipped(): readonly string[] {
    return this.progress.approvedSkipped;
  }

  verified(stages: readonly Stage[]): void {
    this.progress.verify(stages);
  }

  cutover: Runner['cutover'] = async (spec, parts) => {
    let returned: string | null = null;
    do {
      const ready = await parts.ready();
      this.progress.cutover(spec.stage, (known) => ({ ...known, forecast: ready.forecast, back: ready.back }));
      await this.#passGate(spec, ready, returned);
      await parts.justBefore?.();
      returned = await this.#stop(spec, parts.closed);
    } while (returned !== null);
    this.progress.show(cutoverShown(spec), { is: 'done' });
    await parts.open();
    // what opens it belongs to the stop: a way back to this stage leaves it open
    this.progress.verify(spec.moves);
  };

  get stopping(): boolean {
    return this.#current !== undefined;
  }

  async switched(): Promise<void> {
    await this.#current?.switched();
  }

  /** The gate that waits, and the stop that is under way. */
  get gate(): StopGate | undefined {
    return this.#gate;
  }

  get stop(): ServiceStop | undefined {
    return this.#current;
  }

  async #passGate(spec: CutoverSpec, ready: Readiness, returned: string | null): Promise<void> {
    this.#gate = new StopGate(this.progress, spec, returned);
    try {
      await this.#gate.pass(ready);
    } finally {
      this.#gate = undefined;
    }
  }

  /** @returns why it went back; null when it is open. */
  async #stop(spec: CutoverSpec, closed: () => Promise<void>): Promise<string | null> {
    const earlier = [...this.#way.entries];
    const own = (): readonly Undo[] => this.#way.besides(earlier);
    this.#current = new ServiceStop(spec, this.progress, own);
    const served = { nodes: [spec.node], directory: spec.directory };
    try {
      return await this.#current.run(closed, async () => {
        this.progress.abandon();
        await this.#way.putBack(own(), served, this.#attempts.run);
      });
    } finally {
      this.#current = undefined;
    }
  }

  async #forgetOpened(on: Machine<'node'>, stages: readonly Stage[]): Promise<void> {
    const about: About = { title: `${stages.join(', ')}: as before`, guide: '' };
    const id = stepId('forgetOpened', on, { ...about, label: stages.join('-') });
    await this.#attempts.run({ id, on, about }, async () => {
      await call(on, 'forgetOpened.run', about.title, [id, { stages }]);
      return 'done';
    });
  }

  /**
   * Puts back in reverse order what was done: everything, or what came after a stage that was verified.
   *
   * @param first the node whose stops moved something; undefined where there are none.
   */
  async goBack(served: Served, to: Stage | undefined, first: Machine<'node'> | undefined): Promise<void> {
    this.progress.abandon();
    this.progress.turnBack();
    this.progress.enter('going back');
    await this.#way.putBack(this.#way.since(to), served, this.#attempts.run);
    if (first === undefined) return;
    const least = to === undefined ? -1 : STAGES.indexOf(to);
    const stages = STAGES.filter((_, index) => index > least);
    await CancellationScope.nonCancellable(async () => {
      await this.acknowledge(first, await this.greet(first));
      await this.#forgetOpened(first, stages);
    });
  }
}

function cutoverShown({ stage, title, node }: CutoverSpec): { id: string; title: string; machine: string } {
  return { id: cutoverStep(stage), title, machine: node.name };
}
