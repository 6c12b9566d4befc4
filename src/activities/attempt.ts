import { CommandNotes } from '../platform/command-notes.js';
import type { Agent } from './agent.js';
import { inTurn } from './in-turn.js';
import type { Context } from './resource.js';
import { besideShare } from './share-watch.js';

/**
 * One attempt of a step, and no other beside it: not one of this process that the server has given up after a lost
 * heartbeat, and no command that one of a killed process has left running. As long as it touches the share, it ends
 * when that dies.
 *
 * @param input What the step is given; whoever touches the share directly declares there where it is mounted.
 * @param signal Stops it: the activity's, or that of a way back without one.
 */
export async function attempt<T>(
  agent: Agent,
  step: string,
  input: unknown,
  signal: AbortSignal,
  run: (context: Context) => Promise<T>,
): Promise<T> {
  return besideShare(mountIn(input), signal, (alive) =>
    inTurn(`${agent.machine} ${step}`, alive, async () => {
      const notes = new CommandNotes(agent.config.stateDir, step);
      const ended = await notes.endLeftovers(alive);
      if (ended.length > 0) agent.log('ended what an earlier attempt had left running', { step, ended });
      return notes.run(() => run({ signal: alive, agent, vault: agent.vault.slot(step) }));
    }),
  );
}

function mountIn(input: unknown): string | undefined {
  const { mount } = (input ?? {}) as { readonly mount?: unknown };
  return typeof mount === 'string' ? mount : undefined;
}
