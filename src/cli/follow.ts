import type { Client } from '@temporalio/client';

import type { ClusterFile } from '../cluster/schema.js';
import type { Direction, Status, StepStatus } from '../workflows/status.js';
import { EXIT } from './exit.js';
import { askWorkflow, exitCodeOf } from './status.js';
import { heldAdvice, stepLine } from './status-text.js';
import { describeRollout } from './workflows.js';

/** Milliseconds between looks. */
const LOOK = 500;
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
  file = 'cluster.yaml',
): Promise<number> {
  const seen = new Map<string, string>();
  let phase = '';
  let silent = 0;
  for (;;) {
    const description = await describeRollout(client, cluster).catch(() => 'unreachable' as const);
    if (description === undefined) return EXIT.failed;
    const status = description === 'unreachable' ? undefined : await askWorkflow(client, cluster);
    silent = status === undefined ? silent + 1 : 0;
    if (silent === SILENT_LOOKS) say(json, { event: 'silent' }, silence(description === 'unreachable'));
    if (status !== undefined) {
      for (const step of news(status, seen)) {
        if (step.phase !== phase) say(json, { event: 'phase', phase: step.phase }, step.phase);
        phase = step.phase;
        say(json, { event: 'step', ...step }, stepLine(step));
      }
    }
    const ended = description !== 'unreachable' && description.status.name !== 'RUNNING';
    if (description !== 'unreachable' && (ended || (status !== undefined && onlyHeld(status)))) {
      if (status !== undefined)
        say(json, { event: ended ? 'end' : 'held', status }, closing(status, ended, description.status.name, file));
      const code = exitCodeOf(description, status);
      const turned = ended && wanted !== undefined && status !== undefined && status.direction !== wanted;
      return code === EXIT.done && turned ? EXIT.differences : code;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

function silence(unreachable: boolean): string {
  return unreachable
    ? 'The Temporal server does not answer. The rollout goes on when it is back; looking again …'
    : 'No control worker answers. Start it with: icewarp-rollout worker --control';
}

/** The steps whose state is new, in order. A step that only runs is not told: its end is. */
function news({ steps }: Status, seen: Map<string, string>): StepStatus[] {
  return steps.filter((step) => {
    const state = JSON.stringify(step.state);
    if (seen.get(step.id) === state) return false;
    seen.set(step.id, state);
    return step.state.is !== 'running';
  });
}

function onlyHeld({ steps }: Status): boolean {
  const under = steps.filter(({ state }) => state.is === 'running' || state.is === 'waiting');
  return under.length === 0 && steps.some(({ state }) => state.is === 'held');
}

function closing(status: Status, ended: boolean, name: string, file: string): string {
  if (!ended) return heldAdvice(status.steps, file).join('\n');
  const changed = status.steps.filter(({ state }) => state.is === 'done').length;
  const kept = status.kept.map((line) => `  left in place: ${line}`);
  const headline =
    name === 'COMPLETED'
      ? `${status.phase}: ${changed} steps done`
      : `ended as ${name.toLowerCase()}: see icewarp-rollout status ${file}`;
  return [headline, ...kept].join('\n');
}

function say(json: boolean, event: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(event) : text}\n`);
}
