import { createAgent, type Agent } from './activities/agent.js';
import { lockAgent } from './activities/lease-keeper.js';
import { inLeaseTurn, isLost, leaseFile, lost, type Lease } from './activities/lease-record.js';
import { openStages } from './activities/opened.js';
import { putStopBackAlone } from './activities/put-back-alone.js';
import { agreed } from './cli/agreed.js';
import { EXIT } from './cli/exit.js';
import type { RecoverFlags } from './cli/recover.js';
import { say } from './cli/say.js';
import { RolloutError } from './cluster/errors.js';
import { loadAgentConfig } from './platform/agent-config.js';

/**
 * Puts back by hand what an unfinished stop has changed on this node, also after its switch.
 *
 * @returns the exit code.
 * @throws RolloutError STAGE_OPENED once users have worked with the new state, AGENT_RUNS beside the node's agent; what a
 * restore fails with: the same again then goes on where it ended.
 */
export async function runRecover({ agent: file, yes, json }: RecoverFlags): Promise<number> {
  const config = await loadAgentConfig(file);
  const lease = await leaseFile({ config }).read();
  const agent = createAgent(config, lease?.machine ?? '');
  await refuseOpened(agent, lease);
  if (lease === null) return nothing(json);
  say(json, { event: 'lease', ...facts(lease) }, leaseText(lease));
  if (lease.state === 'acted') return ended(lease, json);
  const lock = await lockAgent(agent);
  if ('holder' in lock) throw new RolloutError('AGENT_RUNS', `the agent of this node runs: ${lock.holder}`);
  try {
    if (yes !== true && !(await agreed('Put it back?'))) return EXIT.failed;
    await takeOver(agent);
    const now = await putStopBackAlone(agent, new AbortController().signal);
    return now === null ? nothing(json) : ended(now, json);
  } finally {
    lock.release();
  }
}

/** @throws RolloutError STAGE_OPENED once users have worked with what the stop, or without one any stop, has moved. */
async function refuseOpened(agent: Agent, lease: Lease | null): Promise<void> {
  const opened = (await openStages(agent)).filter((stage) => lease === null || lease.moves.includes(stage));
  if (opened.length === 0) return;
  throw new RolloutError('STAGE_OPENED', `users have worked on this node since it was opened: ${opened.join(', ')}`);
}

/** Marks the lease as lost, so that the rollout can go nowhere but back. */
async function takeOver(agent: Agent): Promise<void> {
  await inLeaseTurn(agent, async () => {
    // as it is now that no agent runs
    const now = await leaseFile(agent).read();
    await refuseOpened(agent, now);
    if (now === null || isLost(now)) return;
    const alone = { at: Date.now(), byHand: true, done: 0, kept: [] } as const;
    await leaseFile(agent).write({ ...now, state: 'acting', alone });
  });
}

function nothing(json: boolean | undefined): number {
  say(json, { event: 'nothing' }, 'no rollout has stopped this node: there is nothing to put back');
  return EXIT.done;
}

function ended(lease: Lease, json: boolean | undefined): number {
  const kept = lease.alone?.kept ?? [];
  const text = [
    `${lost(lease).message}.`,
    ...kept.map((line) => `  left in place: ${line}`),
    'Start the agent again. The rollout goes nowhere but back: icewarp-rollout rollback',
  ].join('\n');
  say(json, { event: 'recovered', kept }, text);
  return kept.length > 0 ? EXIT.differences : EXIT.done;
}

/** What a program is told: without what the steps want and found. */
function facts({ machine, stage, state, since, until, undo, alone }: Lease): object {
  const steps = undo.map(({ step, title }) => ({ step, title }));
  return { machine, stage, state, since, until, steps, ...(alone === undefined ? {} : { alone }) };
}

const STATES: Readonly<Record<Lease['state'], string>> = {
  held: 'Not switched yet: the agent puts it back by itself when the lease has run out.',
  switched: 'Switched: the new settings may be in force, and the agent does nothing by itself.',
  acting: 'It was begun to put the old state back.',
  acted: 'The old state is back.',
};

function leaseText({ machine, stage, state, since, until, undo, alone }: Lease): string {
  const time = (at: number): string => new Date(at).toISOString();
  const done = alone?.done ?? 0;
  return [
    `${machine} is stopped for "${stage}" since ${time(since)}; its lease holds until ${time(until)}.`,
    STATES[state],
    ...(state === 'acted'
      ? []
      : [
          'What is put back, in this order:',
          ...undo.slice(done).map(({ step, title }) => `  ${step}: ${title}`),
          '  services as before',
        ]),
  ].join('\n');
}
