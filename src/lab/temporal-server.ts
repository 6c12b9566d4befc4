import { spawn } from 'node:child_process';
import { access, constants, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';
import type { DaemonPlan } from './daemon.js';
import { MACHINE_ENVIRONMENT } from './host.js';
import type { LabPaths } from './layout.js';
import { identify, labMark, type ProcessId } from './processes.js';
import { isListening, waitReady } from './reachable.js';

/**
 * The development server announces its inner services at 127.0.0.1 whatever address it is given, and cannot reach them
 * on another one. So labs side by side differ in the server's port; the Web UI has the lab's own address.
 */
export const TEMPORAL_HOST = '127.0.0.1';

/** Where the lab's own server listens. */
export interface TemporalPlace {
  readonly port: number;
  readonly uiHost: string;
  readonly uiPort: number;
}

/**
 * Finds the Temporal CLI, which brings the server: on PATH, then in the product's cache folder.
 *
 * @throws RolloutError TEMPORAL_MISSING.
 */
export async function findTemporal(): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const cached = join(cache, 'icewarp-rollout', 'temporal', 'temporal');
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'temporal'));
  for (const file of [...onPath, cached]) if (await isExecutable(file)) return file;
  throw new RolloutError('TEMPORAL_MISSING', `there is no temporal on PATH, nor ${cached}: npm run bootstrap gets it`);
}

/** The development server with its Web UI, outside the machines; its history is kept in a file. */
export function temporalPlan(place: TemporalPlace, paths: LabPaths): DaemonPlan {
  return {
    name: 'temporal',
    grace: 5000,
    start: async () => startServer(await findTemporal(), place, paths),
    ready: async (process) => {
      const binary = await findTemporal();
      const server = { name: 'Temporal server', process, log: paths.temporalLog };
      await waitReady(server, async () => isServing(binary, place));
    },
  };
}

async function startServer(binary: string, place: TemporalPlace, paths: LabPaths): Promise<ProcessId> {
  const log = await open(paths.temporalLog, 'a', 0o600);
  const child = spawn(
    binary,
    [
      ...['server', 'start-dev', '--ip', TEMPORAL_HOST, '--port', String(place.port)],
      ...['--ui-ip', place.uiHost, '--ui-port', String(place.uiPort)],
      ...['--db-filename', paths.temporalDatabase, '--log-level', 'warn'],
    ],
    {
      detached: true,
      cwd: paths.directory,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...MACHINE_ENVIRONMENT, ...labMark(paths.directory) },
    },
  );
  await log.close();
  // A failure to start also shows as a missing process number, which is what is looked at.
  child.once('error', () => undefined);
  child.unref();
  const started = child.pid === undefined ? undefined : identify(child.pid);
  if (started !== undefined) return started;
  throw new RolloutError('LAB_FAILED', `${binary} could not be started`);
}

async function isServing(binary: string, { port }: TemporalPlace): Promise<boolean> {
  if (!(await isListening(TEMPORAL_HOST, port))) return false;
  const args = ['operator', 'namespace', 'describe', '--namespace', 'default', '--address', `${TEMPORAL_HOST}:${port}`];
  try {
    const { exitCode } = await runCommand(binary, args, { accept: [0, 1], timeout: 10_000 });
    return exitCode === 0;
  } catch (error) {
    // Too slow for one look, which is not its last.
    if (error instanceof RolloutError && error.code === 'COMMAND_TIMEOUT') return false;
    throw error;
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
