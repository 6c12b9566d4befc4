import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { RolloutError } from '../../cluster/errors.js';
import { Daemon } from '../daemon.js';
import type { Lab } from '../handle.js';
import { DIST, MACHINE_ENVIRONMENT, NODE } from '../host.js';
import type { NodeName } from '../layout.js';
import { identify, labMark, type ProcessId } from '../processes.js';
import { LATER_IS_NOW } from '../outside-server.js';
import { waitReady } from '../reachable.js';
import { processBook } from '../state.js';
import { loadFiles } from './journal.js';

/** Where the load's clients go. */
export type Target = NodeName | 'balancer';

/** What the process of the load says once its clients have begun. */
export const RUNNING = 'the load runs';

/**
 * Starts the load on a lab with a server in production: a process of its own that sends mail and uses mailboxes until it
 * is told to stop. One that runs already goes on.
 *
 * @param seed of its random numbers
 */
export async function startLoad(lab: Lab, target: Target, seed: number): Promise<void> {
  await targetLoad(lab, target);
  await loadDaemon(lab, seed).start();
}

/** Sends the clients to another server from now on. */
export async function targetLoad(lab: Lab, target: Target): Promise<void> {
  const file = loadFiles(lab.directory).target;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, target);
  await rename(`${file}.new`, file);
}

/** Ends the load after what its clients have in hand. */
export async function stopLoad(lab: Lab): Promise<void> {
  await loadDaemon(lab, 0).stop();
}

/** Lets the provider outside take the mail that it has put off until now. */
export async function takeLater(lab: Lab): Promise<void> {
  await lab.machine('control').run('touch', [LATER_IS_NOW]);
}

/** The load's process, for tests that kill it. */
export function loadDaemon(lab: Lab, seed: number): Daemon {
  const { log } = loadFiles(lab.directory);
  const ready = async (process: ProcessId): Promise<void> => {
    const says = async (): Promise<boolean> => (await readFile(log, 'utf8')).includes(RUNNING);
    await waitReady({ name: 'load', process, log }, says);
  };
  const start = async (): Promise<ProcessId> => startProcess(lab, log, seed);
  return new Daemon({ name: 'load', grace: 30_000, start, ready }, processBook(lab.paths.state));
}

async function startProcess({ directory }: Lab, log: string, seed: number): Promise<ProcessId> {
  const output = await open(log, 'w', 0o600);
  const child = spawn(NODE, [`${DIST}/src/lab/load/load-process.js`, directory, String(seed)], {
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    cwd: '/',
    env: { ...MACHINE_ENVIRONMENT, ...labMark(directory) },
  });
  await output.close();
  child.unref();
  const started = child.pid === undefined ? undefined : identify(child.pid);
  if (started === undefined) throw new RolloutError('LAB_FAILED', `the load did not start: see ${log}`);
  return started;
}
