import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';
import { forgetBarriers } from './firewall.js';
import { type LabPaths, labPaths } from './layout.js';
import { killProcessesOf, processesOf } from './processes.js';
import { readState } from './state.js';
import { releaseSubnet } from './subnet.js';

export interface LabDownOptions {
  /** Leave disks, logs and databases in the folder, to be looked at. */
  readonly keep?: boolean;
}

/**
 * Ends a lab and removes what it stored. Nothing has to be there: it may be called again, after a crash, and while
 * machines are off. Mounts exist only inside the machines' namespaces and end with them.
 *
 * @throws RolloutError LAB_FAILED when a process cannot be ended; then nothing is removed.
 */
export async function labDown(dir: string, { keep = false }: LabDownOptions = {}): Promise<void> {
  const directory = await realpath(dir).catch(() => undefined);
  if (directory === undefined) return;
  if (!(await killProcessesOf(directory))) {
    const pids = processesOf(directory).map(({ pid }) => pid);
    throw new RolloutError('LAB_FAILED', `these processes of the lab could not be ended: ${pids.join(', ')}`);
  }
  const paths = labPaths(directory);
  const state = readState(paths.state);
  if (state === undefined) return;
  await forgetBarriers((table) => table.includes(`-${state.subnet}.`));
  if (!keep) await removeContents(directory, paths);
  await releaseSubnet(state.subnet, directory);
  await rm(paths.state, { force: true });
  if (!keep) await rmdir(directory);
}

/** Removes what the lab itself made; lab.json comes last, so that an interrupted removal can go on. */
async function removeContents(directory: string, paths: LabPaths): Promise<void> {
  // a rollout seals the mount points below the share, so that nothing is written there while it is not mounted
  await runCommand('chattr', ['-R', '-f', '-i', paths.machines], { accept: [0, 1] });
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (path !== paths.state) await rm(path, { recursive: true, force: true });
  }
}
