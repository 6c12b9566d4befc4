import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

import type { ClusterFile } from '../cluster/schema.js';
import { statusQuery, type Direction, type Status, type StepState, type StepStatus } from '../workflows/status.js';
import { endedText, endFacts, endOf, exitCodeOf, type Ended } from './ended.js';
import { EXIT } from './exit.js';
import { PATIENCE, patiently } from './patience.js';
import { say } from './say.js';
import { askWorkflow } from './status.js';
import { gateAdvice, heldAdvice, heldSteps, pausedText, stepLine } from './status-text.js';
import { describeRollout, rolloutHandle } from './workflows.js';

/** Milliseconds between looks. */
const PAUSE = 500;
/** Milliseconds that the workflow gets to answer one look. */
const ANSWER = 1_500;
/** Looks without an answer before we say that no control worker is there. */
const SILENT_LOOKS = 4;

interface FollowFlags {
  readonly json?: boolean;
  /** What was asked for; a rollout that ended the other way is a difference. */
  readonly wanted?: Direction;
}

/** Prints what happens until the rollout has ended or is held with nothing else under way. @returns the exit code. */
export async function follow(
  client: Client,
  cluster: ClusterFile,
  { json = false, wanted }: FollowFlags,
  file: string,
): Promise<number> {
  const teller = new Teller(json, file);
  let runId: string | undefined; // the run that we began with, also when another one begins meanwhile
  for (;;) {
    const seen = await look(client, cluster, runId).catch(() => 'unreachable' as const);
    if (seen === undefined) return EXIT.failed;
    if (seen === 'unreachable') {
      teller.silent('The Temporal server does not answer. The rollout goes on when it is back; looking again …');
    } else {
      const { ended, status } = seen;
      ({ runId } = seen);
      if (ended !== undefined) {
        teller.end(ended, await lastStatus(client, cluster, runId));
        return exitCodeAfter(ended, wanted);
      }
      if (status === undefined) {
        teller.silent('No control worker answers. Start it with: icewarp-rollout worker --control');
      } else {
        teller.tell(status);
        if (onlyHeld(status)) {
          teller.held(status);
          return EXIT.held;
        }
      }
    }
    await sleep(PAUSE);
  }
}

interface Look {
  readonly runId: string;
  readonly ended?: Ended;
  readonly status?: Status;
}

/** One look; undefined when there is no such run. */
async function look(client: Client, cluster: ClusterFile, run: string | undefined): Promise<Look | undefined> {
  const description = await describeRollout(client, cluster, { runId: run });
  if (description === undefined) return undefined;
  const { runId } = description;
  const ended = await endOf(client, cluster, description);
  if (ended !== undefined) return { runId, ended };
  const { status } = await askWorkflow(client, cluster, Date.now() + ANSWER, runId);
  return status === undefined ? { runId } : { runId, status };
}

/** The last lines come from a worker, which may have to read the whole history first; without one the end is told. */
async function lastStatus(client: Client, cluster: ClusterFile, runId: string): Promise<Status | undefined> {
  const ask = (): Promise<Status> => rolloutHandle(client, cluster, runId).query(statusQuery);
  return patiently(client, ask, { each: PATIENCE, otherwise: 'the last steps are not known' }).catch(() => undefined);
}

function exitCodeAfter(ended: Ended, wanted: Direction | undefined): number {
  const code = exitCodeOf(ended);
  if (code !== EXIT.done || wanted === undefined) return code;
  return (ended.result?.outcome === 'done') === (wanted === 'forward') ? EXIT.done : EXIT.differences;
}

function onlyHeld({ steps }: Status): boolean {
  const under = steps.filter(({ state }) => state.is === 'running' || state.is === 'waiting');
  return under.length === 0 && steps.some(({ state }) => state.is === 'held' || waitsForOperator(state));
}

/** Whether a stop of the services waits for somebody, and not for its time. */
function waitsForOperator(state: StepState): boolean {
  return state.is === 'gate' && (state.at === null || state.skipped.length > 0);
}

/** Tells each thing once. */
class Teller {
  readonly #seen = new Map<string, string>();
  #phase = '';
  #paused = false;
  #silent = 0;

  constructor(
    private readonly json: boolean,
    private readonly file: string,
  ) {}

  /** One look that nobody answered. */
  silent(text: string): void {
    this.#silent += 1;
    if (this.#silent === SILENT_LOOKS) say(this.json, { event: 'silent' }, text);
  }

  /** The steps whose state is new, in order, and a pause. A step that only runs is not told: its end is. */
  tell(status: Status): void {
    this.#silent = 0;
    for (const step of status.steps) {
      const state = JSON.stringify(step.state);
      if (this.#seen.get(step.id) === state) continue;
      this.#seen.set(step.id, state);
      if (step.state.is !== 'running') this.#step(step);
    }
    if (status.paused === this.#paused) return;
    this.#paused = status.paused;
    if (status.paused) say(this.json, { event: 'paused' }, pausedText(this.file));
    else say(this.json, { event: 'resumed' }, 'Goes on after the pause.');
  }

  held(status: Status): void {
    say(
      this.json,
      { event: 'held', status },
      [...heldAdvice(heldSteps(status.steps), this.file), ...gateAdvice(status.steps, this.file)].join('\n'),
    );
  }

  end(ended: Ended, status: Status | undefined): void {
    if (status !== undefined) this.tell(status);
    say(this.json, { event: 'end', ...endFacts(ended), status: status ?? null }, endedText(ended, status, this.file));
  }

  #step(step: StepStatus): void {
    if (step.phase !== this.#phase) say(this.json, { event: 'phase', phase: step.phase }, step.phase);
    this.#phase = step.phase;
    say(this.json, { event: 'step', ...step }, stepLine(step));
  }
}
