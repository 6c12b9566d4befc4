import { readFile, stat } from 'node:fs/promises';

import { AGENT_FILE } from '../platform/agent-file.js';
import { Daemon } from './daemon.js';
import { DIST, NODE } from './host.js';
import { type AgentName, isNode } from './layout.js';
import type { Machine } from './machine.js';
import type { ProcessId } from './processes.js';
import { waitReady } from './reachable.js';
import type { ProcessBook } from './state.js';

const LOG = '/var/log/icewarp-rollout.log';

/**
 * The worker of the product that runs on one machine, as its own process there.
 *
 * @param env what is added to its environment.
 */
export function agentOn(
  machine: Machine,
  agent: AgentName,
  temporalAddress: string,
  book: ProcessBook,
  env: Readonly<Record<string, string>> = {},
): Daemon {
  const args = [`${DIST}/src/worker.js`, ...workerArguments(agent), '--agent', AGENT_FILE];
  const log = machine.disk + LOG;
  let told = 0;
  const start = async (): ReturnType<Machine['spawn']> => {
    told = await lengthOf(log);
    return machine.spawn(NODE, args, {
      log: LOG,
      env: { ...temporalEnvironment(), TEMPORAL_ADDRESS: temporalAddress, ...env },
    });
  };
  const ready = async (process: ProcessId): Promise<void> => {
    await waitReady({ name: `agent ${agent}`, process, log }, async () => saysReady(log, told));
  };
  return new Daemon({ name: `agent ${agent}`, grace: 15_000, start, ready }, book);
}

/** Bytes that are in a log already. */
async function lengthOf(log: string): Promise<number> {
  return stat(log).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Whether the worker has said since then that it polls its queue. */
async function saysReady(log: string, since: number): Promise<boolean> {
  const text = await readFile(log);
  return text.subarray(since).includes('"event":"ready"');
}

function workerArguments(agent: AgentName): string[] {
  return isNode(agent) ? ['--node', agent] : [`--${agent}`];
}

/** What else the operator's session says about the server (namespace, TLS, API key), when it is not the lab's own. */
function temporalEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => name.startsWith('TEMPORAL_'));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
