import { setCurrentDetails, upsertMemo } from '@temporalio/workflow';

import { STAGES, type Stage, type Stop } from '../cluster/stages.js';
import { canonicalFinding } from './plan-identity.js';
import { isStop, ordered, type Finding } from './preflight/finding.js';
import { describeState, isCurrent, progressMarkdown } from './progress-text.js';
import type {
  Act,
  Approval,
  CutoverStatus,
  Direction,
  MemoStatus,
  SkippedList,
  Status,
  StepState,
  StepStatus,
} from './status.js';

/** What operators did that is still told. */
const MOST_ACTS = 50;

/** The state of a running rollout, and the one place that tells it to the Web UI, to the memo and to queries. */
export class Progress {
  readonly kept: string[] = [];
  finished = false;
  #direction: Direction = 'forward';
  #phase = '';
  #paused = false;
  #found: readonly Finding[] = [];
  /** Approvals, with what exactly was approved. */
  readonly #approvals: (Approval & { readonly of: string })[] = [];
  readonly #steps = new Map<string, StepStatus>();
  readonly #cutovers = new Map<Stage, CutoverStatus>();
  readonly #skippedApproved = new Set<string>();
  readonly #acts: Act[] = [];
  readonly #verified = new Set<Stage>();

  constructor(
    private readonly cluster: string,
    private readonly verb: string,
    private readonly by: string,
    private readonly plan?: string,
  ) {}

  get paused(): boolean {
    return this.#paused;
  }

  set paused(value: boolean) {
    this.#paused = value;
    this.#tell();
  }

  get direction(): Direction {
    return this.#direction;
  }

  /** From here on it goes back; a pause of the way forward does not stop the way back. */
  turnBack(): void {
    if (this.#direction === 'back') return;
    this.#direction = 'back';
    this.paused = false;
  }

  enter(phase: string): void {
    this.#phase = phase;
    this.#tell();
  }

  show(step: Omit<StepStatus, 'phase' | 'state'>, state: StepState): void {
    const known = this.#steps.get(step.id);
    this.#steps.set(step.id, { ...step, phase: known?.phase ?? this.#phase, state });
    this.#tell();
  }

  /** All that the preflight has found now: none is approved of unseen. An earlier approval of something else by the same id does not count for it. */
  found(findings: readonly Finding[]): void {
    this.#found = findings;
  }

  get findings(): readonly Finding[] {
    return this.#found;
  }

  /** Findings that stop the rollout and that nobody has approved of. */
  get stops(): readonly Finding[] {
    return this.#found.filter(isStop).filter((one) => this.#approvals.every(({ of }) => of !== canonicalFinding(one)));
  }

  approve(id: string, by: string): void {
    const one = this.#found.find((each) => each.id === id);
    if (one !== undefined) this.#approvals.push({ finding: id, by, of: canonicalFinding(one) });
  }

  /** What an operator did, for the record. */
  acted(by: string, what: string): void {
    this.#acts.push({ at: Date.now(), by, what });
    if (this.#acts.length > MOST_ACTS) this.#acts.shift();
    this.#tell();
  }

  /** Stops of the services that are to come. */
  expect(stops: readonly Stop[]): void {
    for (const { stage, budget } of stops) {
      this.#cutovers.set(stage, { stage, budget, forecast: null, state: 'before', wentBack: [] });
    }
  }

  cutover(stage: Stage, news: (known: CutoverStatus) => CutoverStatus): void {
    const known = this.#cutovers.get(stage);
    if (known !== undefined) this.#cutovers.set(stage, news(known));
    this.#tell();
  }

  /** A stage works in its new place; an adopted way back or a look at the machines may tell so, too. */
  verify(stages: readonly Stage[]): void {
    for (const stage of stages) this.#verified.add(stage);
  }

  /** In order. */
  get verified(): readonly Stage[] {
    return STAGES.filter((stage) => this.#verified.has(stage));
  }

  /** Exactly that list of skipped items may be left behind. */
  approveSkipped(hash: string): void {
    this.#skippedApproved.add(hash);
  }

  get approvedSkipped(): readonly string[] {
    return [...this.#skippedApproved];
  }

  unapproved(lists: readonly SkippedList[]): readonly SkippedList[] {
    return lists.filter(({ hash, count }) => count > 0 && !this.#skippedApproved.has(hash));
  }

  get(id: string): StepStatus | undefined {
    return this.#steps.get(id);
  }

  /** Steps that wait for an operator's answer; `waiting`: also those that wait for their agent. */
  answerable(waiting: boolean): readonly StepStatus[] {
    return [...this.#steps.values()].filter(({ state }) => state.is === 'held' || (waiting && state.is === 'waiting'));
  }

  /** What was under way when the way forward was given up is neither running nor held any more. */
  abandon(): void {
    for (const step of this.#steps.values()) {
      if (isCurrent(step.state)) this.#steps.set(step.id, { ...step, state: { is: 'stopped' } });
    }
  }

  status(undoable: number): Status {
    return {
      cluster: this.cluster,
      verb: this.verb,
      ...this.#agreed,
      direction: this.direction,
      phase: this.#phase,
      paused: this.paused,
      finished: this.finished,
      steps: [...this.#steps.values()],
      kept: this.kept,
      ...this.#preflight,
      ...(this.#cutovers.size === 0 ? {} : { cutovers: [...this.#cutovers.values()] }),
      ...(this.#acts.length === 0 ? {} : { acts: this.#acts }),
      undoable,
    };
  }

  /** Nothing at all without a plan: what is told of a rollout without one stays as it was. */
  get #agreed(): { readonly plan?: string } {
    return this.plan === undefined ? {} : { plan: this.plan };
  }

  /** Nothing at all where nothing was found. */
  get #preflight(): Pick<Status, 'findings' | 'approved'> {
    const approved = this.#approvals.map(({ finding, by }) => ({ finding, by }));
    return {
      ...(this.#found.length === 0 ? {} : { findings: ordered(this.#found) }),
      ...(approved.length === 0 ? {} : { approved }),
    };
  }

  #tell(): void {
    const status = this.status(0);
    setCurrentDetails(progressMarkdown(status));
    const memo: MemoStatus = {
      verb: this.verb,
      by: this.by,
      ...this.#agreed,
      direction: this.direction,
      phase: this.#phase,
      done: status.steps.filter(({ state }) => state.is === 'done' || state.is === 'unchanged').length,
      paused: this.paused,
      now: status.steps
        .filter(({ state }) => isCurrent(state) && state.is !== 'held')
        .map((step) => `${step.id} ${describeState(step.state)}`),
      held: status.steps.flatMap(({ id, state }) => {
        if (state.is !== 'held') return [];
        const { code, why, skippable, approvable } = state;
        return [{ id, code, why, skippable, ...(approvable === undefined ? {} : { approvable }) }];
      }),
    };
    const text = JSON.stringify(memo);
    if (text === this.#told) return;
    this.#told = text;
    upsertMemo({ status: memo });
  }

  #told = '';
}
