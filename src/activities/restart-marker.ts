import { ensureStopped, runningModules } from '../icewarp/control.js';
import type { Agent } from './agent.js';
import type { Context } from './resource.js';
import { stateFile, type StateFile } from './state-file.js';

/** What is not in effect yet, and what ran before we stopped it. */
export interface RestartMarker {
  /** Changes that the services read only at their start. */
  readonly reasons: readonly string[];
  /** Modules that served until a step stopped them. */
  readonly stopped: readonly string[];
}

const NOTHING: RestartMarker = { reasons: [], stopped: [] };

function marker(agent: Agent): StateFile<RestartMarker> {
  return stateFile<RestartMarker>(agent, 'restart-needed');
}

/** The durable note that services must restart. */
export async function readMarker(agent: Agent): Promise<RestartMarker> {
  return (await marker(agent).read()) ?? NOTHING;
}

/** Notes, BEFORE something is changed, that the services must restart for it: a kill in between loses nothing. */
export async function markRestart(agent: Agent, reason: string): Promise<void> {
  const { reasons, stopped } = await readMarker(agent);
  if (!reasons.includes(reason)) await marker(agent).write({ reasons: [...reasons, reason], stopped });
}

/** Forgets the note: everything was restarted, or there is nothing left to restart. */
export async function clearRestart(agent: Agent): Promise<void> {
  await marker(agent).remove();
}

/**
 * Stops the services for a change, and notes first what served: the step that starts them again, or the rollback,
 * then knows that they did.
 *
 * @throws RolloutError SERVICES_RUNNING when something does not stop.
 */
export async function stopForChange(directory: string, { agent, signal }: Context): Promise<void> {
  const running = await runningModules(directory);
  const { reasons, stopped } = await readMarker(agent);
  if (running.length > 0 && stopped.length === 0) await marker(agent).write({ reasons, stopped: running });
  await ensureStopped(directory, signal);
}
