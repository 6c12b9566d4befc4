import { condition } from '@temporalio/workflow';

import { cutoverStep, type CutoverSpec, type Readiness } from './cutover.js';
import type { Progress } from './progress.js';
import type { GateState } from './status.js';

/**
 * Where a stop of the services waits: for an operator, for a time, or for neither; never while it would take longer than
 * it may or leave something behind that nobody has approved (procedure, Order 2, step 7).
 */
export class StopGate {
  /** What an operator said last; null: nothing yet. */
  #word: 'approved' | 'now' | { readonly rejected: string } | null = null;
  #at: number | null;
  #ready: Pick<Readiness, 'forecast' | 'skipped' | 'earliest'> = { forecast: null, skipped: [] };
  readonly #since = Date.now();

  /** @param returned why an earlier try went back: then it does not begin by itself again. */
  constructor(
    private readonly progress: Progress,
    readonly spec: CutoverSpec,
    private readonly returned: string | null,
  ) {
    const { gate } = spec;
    this.#at = returned !== null || gate === 'approve' ? null : gate === 'now' ? 0 : Date.parse(gate.at);
  }

  /** Waits until the stop may begin. */
  async pass(ready: Readiness): Promise<void> {
    this.#ready = ready;
    for (;;) {
      this.progress.show(this.#shown, this.state());
      if (this.#mayBegin()) break;
      const { blocked, begins } = this;
      const before = this.#fingerprint();
      const changed = (): boolean => this.#fingerprint() !== before;
      // a time that has not come yet is waited for; everything else comes from an operator
      if (begins === null || blocked !== null) await condition(changed);
      else await condition(changed, Math.max(1, begins - Date.now()));
    }
    this.progress.show(this.#shown, { is: 'running' });
  }

  approve(): string {
    this.#word = 'approved';
    return this.#mayBegin() ? 'approved: the stop begins' : `approved; it waits: ${this.#why()}`;
  }

  reject(why: string): string {
    this.#word = { rejected: why };
    return 'rejected: it does not begin before it is approved';
  }

  now(): string {
    this.#word = 'now';
    return this.#mayBegin() ? 'the stop begins' : `it waits: ${this.#why()}`;
  }

  at(time: number): string {
    this.#at = time;
    this.#word = null;
    return `the stop begins at ${new Date(time).toISOString()}`;
  }

  cancel(): string {
    this.#at = null;
    this.#word = null;
    return 'the stop does not begin by itself any more';
  }

  state(): GateState {
    const { stage, budget } = this.spec;
    return {
      is: 'gate',
      since: this.#since,
      stage,
      why: this.#why(),
      at: this.begins,
      forecast: this.#ready.forecast,
      budget,
      skipped: this.progress.unapproved(this.#ready.skipped),
    };
  }

  /** What no word of an operator to begin helps against. */
  get blocked(): string | null {
    const lists = this.progress.unapproved(this.#ready.skipped);
    if (lists.length === 0) return null;
    const named = lists.map(({ what, count, hash }) => `${count} of ${what} (${hash.slice(0, 12)})`).join(', ');
    return `items would be left behind that nobody has approved: ${named}`;
  }

  /** When it begins by itself; null: it does not. */
  get begins(): number | null {
    if (this.#at === null || this.#rejected !== null || !this.#fits) return null;
    return Math.max(this.#at, this.#ready.earliest ?? 0);
  }

  /** Why an operator has rejected it; null: nobody has. */
  get #rejected(): string | null {
    return typeof this.#word === 'object' ? (this.#word?.rejected ?? null) : null;
  }

  get #fits(): boolean {
    const { forecast } = this.#ready;
    return forecast === null || forecast < this.spec.budget;
  }

  #mayBegin(): boolean {
    if (this.blocked !== null) return false;
    if (this.#word === 'now') return true;
    if (this.#word === 'approved') return this.#fits;
    return this.begins !== null && this.begins <= Date.now();
  }

  #why(): string {
    const { forecast, earliest } = this.#ready;
    const { budget } = this.spec;
    if (this.blocked !== null) return this.blocked;
    if (this.#rejected !== null) return `rejected: ${this.#rejected}`;
    if (!this.#fits) {
      return `it is expected to take ${Math.ceil(forecast ?? 0)} s, and may take ${budget} s; cutover now begins it in spite of that`;
    }
    const { begins } = this;
    if (begins !== null) return `begins by itself at ${new Date(begins).toISOString()}`;
    const soak =
      earliest === undefined || earliest <= Date.now()
        ? ''
        : `; the time to watch is over at ${new Date(earliest).toISOString()}`;
    return `${this.returned === null ? 'waits for approval' : `went back: ${this.returned}; waits for approval`}${soak}`;
  }

  #fingerprint(): string {
    return JSON.stringify([this.#word, this.#at, this.blocked]);
  }

  get #shown(): { id: string; title: string; machine: string } {
    return { id: cutoverStep(this.spec.stage), title: this.spec.title, machine: this.spec.node.name };
  }
}
