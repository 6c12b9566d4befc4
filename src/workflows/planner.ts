import type { Change, Check } from '../activities/resource.js';
import { rootCause } from '@temporalio/workflow';

import type { Machine } from '../cluster/names.js';
import { agentIsAway, call, troubleOf } from './calls.js';
import { readClock, type ClockReading } from './clock-reading.js';
import { cutoverStep } from './cutover.js';
import { isStop, ordered, stopText, type Finding } from './preflight/finding.js';
import type { Risk } from './risks.js';
import { stepId, type About, type Action, type Kind, type Part, type Runner } from './runner.js';
import { STORY } from './story.js';

/** One step of a plan. */
export interface PlanStep {
  readonly id: string;
  readonly phase: string;
  readonly title: string;
  readonly guide: string;
  readonly machine: string;
  /** change: would be changed. unchanged: is as desired. verify: will prove something. proven: has. unknown: could not. */
  readonly state: 'change' | 'unchanged' | 'verify' | 'proven' | 'unknown';
  readonly changes: readonly Change[];
  /** How it would be put back. */
  readonly undo: string;
  /** Expected seconds. */
  readonly seconds: number;
  /** Why it is unknown, or after which step it will be known. */
  readonly note: string;
}

/** A look that fails twice is told as such: the plan must not take minutes because a server is away. */
const LOOK = { attempts: 2 };

/** Of a duration that nobody can tell before. */
const MEASURED = 'how long it takes is known after the share’s fitness was measured';

/** What a machine answered, or why it did not. */
type Looked = { readonly answer: unknown } | string;

type StepAbout = Pick<PlanStep, 'id' | 'phase' | 'title' | 'guide' | 'machine'>;

export interface Plan {
  readonly cluster: string;
  readonly version: string;
  readonly steps: readonly PlanStep[];
  /** What the operator has to see to, because the product cannot yet. */
  readonly risks: readonly Risk[];
  /** What the preflight found, the most serious first; not there when it found nothing. */
  readonly findings?: readonly Finding[];
}

/**
 * The planner's runner: only checks; with `prove` it also runs what proves without disturbing anybody. What is away or
 * broken becomes a note instead of a wait.
 */
export class PlanningRunner implements Runner {
  readonly plans = true;
  readonly steps: PlanStep[] = [];
  /** What the preflight found. */
  readonly found: Finding[] = [];
  readonly #away = new Set<string>();
  #phase = '';

  constructor(private readonly prove = false) {}

  phase(title: string): void {
    this.#phase = title;
  }

  /** One after the other: the plan's order is the one that is read. */
  async each<T>(items: readonly T[], branch: (item: T) => Promise<void>): Promise<void> {
    for (const item of items) await branch(item);
  }

  step: Runner['step'] = async (kind, on, desired, about) => {
    const { undo, seconds: usual, after } = STORY[kind];
    const seconds = about.expected ?? usual;
    const base = { ...this.#about(stepId(kind, on, about), on.name, about), undo, seconds };
    const wanted = typeof desired === 'function' ? desired() : desired;
    const looked = await this.#look(on, () =>
      call(on, `${kind}.check`, `check ${about.title}`, [base.id, wanted], LOOK),
    );
    if (typeof looked === 'string') {
      this.steps.push({ ...base, state: 'unknown', changes: [], note: looked });
      return false;
    }
    const { before, changes } = looked.answer as Check;
    const changed = changes.length > 0;
    const cause = before === null && after !== undefined ? this.#lastChange(after, on) : undefined;
    this.steps.push({
      ...base,
      state: changed ? 'change' : 'unchanged',
      changes,
      note: cause !== undefined ? exactlyAfter(cause) : changed && about.expected === null ? MEASURED : '',
    });
    return changed;
  };

  wouldChange: Runner['wouldChange'] = async (kind, on, desired, about) => {
    const id = stepId(kind, on, about);
    const looked = await this.#look(on, () => call(on, `${kind}.check`, `check ${about.title}`, [id, desired], LOOK));
    return typeof looked === 'string' || (looked.answer as Check).changes.length > 0;
  };

  pass: Runner['pass'] = async (_input, on, about) => {
    await Promise.resolve();
    this.#add(this.#about(`${on.name}/pass:${about.label}`, on.name, about), 'verify', 'while users work');
    return null;
  };

  readonly approvedSkipped: readonly string[] = [];
  stopping = false;

  cutover: Runner['cutover'] = async (spec, parts) => {
    await parts.ready();
    const { stage, title, guide, budget, gate, node, moves } = spec;
    const begins = gate === 'approve' ? 'when it is approved' : gate === 'now' ? 'as soon as it can' : `at ${gate.at}`;
    const note =
      `${moves.join(', ')}: begins ${begins}; users are without the server for at most ${budget} s, otherwise everything ` +
      'goes back by itself; how long it, and its way back, will take is known after what is done while users work';
    this.#add({ id: cutoverStep(stage), phase: this.#phase, title, guide, machine: node.name }, 'verify', note);
    this.stopping = true;
    await parts.closed();
    this.stopping = false;
    await parts.open();
  };

  async switched(): Promise<void> {
    // nothing is switched by a plan
  }

  verified(): void {
    // nothing is put back by a plan
  }

  act: Runner['act'] = async (action, on, input, about) => {
    const id = stepId(action, on, about);
    if (!this.prove || about.disturbs === true) {
      this.#add(this.#about(id, on.name, about), 'verify');
      return null;
    }
    const looked = await this.#look(on, () => call(on, `${action}.run`, about.title, [id, input], LOOK));
    const failed = typeof looked === 'string';
    this.#add(this.#about(id, on.name, about), failed ? 'unknown' : 'proven', failed ? looked : '');
    return failed ? null : (looked.answer as Awaited<ReturnType<typeof this.act<typeof action>>>);
  };

  together: Runner['together'] = async (about, begin) => {
    const base = this.#about(`together/${about.label}`, 'cluster', about);
    if (!this.prove || about.disturbs === true) {
      this.#add(base, 'verify');
      return begin().map(() => null);
    }
    const looks = await this.#lookAtOnce(base, begin());
    const failed = looks.find((looked) => typeof looked === 'string');
    this.#add(base, failed === undefined ? 'proven' : 'unknown', failed ?? '');
    return answers(looks);
  };

  lookTogether: Runner['lookTogether'] = async (about, begin) => {
    const base = this.#about(`together/${about.label}`, 'cluster', about);
    const looks = await this.#lookAtOnce(base, begin());
    const failed = looks.find((looked) => typeof looked === 'string');
    if (failed !== undefined) this.#add(base, 'unknown', failed);
    return answers(looks);
  };

  look: Runner['look'] = async (action, on, input, about) => {
    const id = stepId(action, on, about);
    const looked = await this.#look(on, () => call(on, `${action}.run`, about.title, [id, input], LOOK));
    if (typeof looked !== 'string') return looked.answer as Awaited<ReturnType<typeof this.look<typeof action>>>;
    this.#add(this.#about(id, on.name, about), 'unknown', looked);
    return null;
  };

  async clock(on: Machine): Promise<ClockReading | null> {
    const about: About = { title: 'read the clock', guide: 'B12' };
    const looked = await this.#look(on, () => readClock(on));
    if (typeof looked !== 'string') return looked.answer as ClockReading;
    this.#add(this.#about(stepId('clock', on, about), on.name, about), 'unknown', looked);
    return null;
  }

  async rule(about: About, judge: () => Promise<string | null>): Promise<void> {
    const base = this.#about(`rule/${about.label ?? about.title}`, 'cluster', about);
    const cause = about.after === undefined ? undefined : this.#lastChange(about.after);
    if (cause !== undefined) {
      this.#add(base, 'verify', exactlyAfter(cause));
      return;
    }
    const breach = await judge();
    this.#add(base, breach === null ? (this.prove ? 'proven' : 'verify') : 'unknown', breach ?? '');
  }

  findings: Runner['findings'] = async (about, look) => {
    const base = this.#about(`rule/${about.label}`, 'cluster', about);
    const looked = this.steps.length;
    const found = ordered(await look());
    this.found.push(...found);
    const stops = found.filter(isStop);
    if (stops.length > 0) this.#add(base, 'unknown', stopText(stops));
    // each look that failed has left a step that says so
    else if (this.steps.length > looked) this.#add(base, 'verify', 'not everything could be looked at');
    else this.#add(base, this.prove ? 'proven' : 'verify');
  };

  #add(base: StepAbout, state: PlanStep['state'], note = ''): void {
    this.steps.push({ ...base, state, changes: [], undo: 'changes nothing', seconds: 5, note });
  }

  #about(id: string, machine: string, { title, guide }: About): StepAbout {
    return { id, phase: this.#phase, title, guide, machine };
  }

  /** The latest step of that kind, on that machine or on any, which would change something. */
  #lastChange(kind: Kind, on?: Machine): PlanStep | undefined {
    return this.steps.findLast(({ id, machine, state }) => {
      const [, name] = /^[^/]+\/([^:]+)/.exec(id) ?? [];
      return state === 'change' && name === kind && (on === undefined || machine === on.name);
    });
  }

  /** A second try would find the others gone: each is asked once. */
  #lookAtOnce<A extends Action>({ id, title }: StepAbout, parts: readonly Part<A>[]): Promise<Looked[]> {
    return Promise.all(
      parts.map(({ action, on, input }) =>
        this.#look(on, () => call(on, `${action}.run`, title, [id, input], { attempts: 1 })),
      ),
    );
  }

  async #look(on: Machine, ask: () => Promise<unknown>): Promise<Looked> {
    const away = `no agent on ${on.name}: start it there, then plan again`;
    if (this.#away.has(on.name)) return away;
    try {
      return { answer: await ask() };
    } catch (error) {
      if (agentIsAway(error)) {
        this.#away.add(on.name);
        return away;
      }
      const { code, why } = troubleOf(error);
      return `cannot be looked at (${code}): ${why || (rootCause(error) ?? '')}`;
    }
  }
}

function answers<T>(looks: readonly Looked[]): (T | null)[] {
  return looks.map((looked) => (typeof looked === 'string' ? null : (looked.answer as T)));
}

function exactlyAfter({ title }: PlanStep): string {
  return `exactly known after "${title}"`;
}
