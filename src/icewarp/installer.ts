import { homedir } from 'node:os';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import type { Installer } from '../platform/agent-config.js';
import { runCommand } from '../platform/run.js';
import { hashFile } from '../platform/tree.js';

/** Milliseconds: when GroupWare is late, the installer asks a question that nobody answers. */
const TIMEOUT = 30 * 60_000;

/** Its logs, which it writes into the home folder of whoever runs it. */
export function installLogs(): readonly string[] {
  return ['icewarp-install.log', 'icewarp-install-error.log'].map((name) => join(homedir(), name));
}

/**
 * Runs the installer, unattended. It exits 0 whatever happens (B9): that it returns means nothing, see what it left.
 *
 * @throws RolloutError INSTALLER_CHANGED when the file is not the one that agent.yaml names by its sha256.
 */
export async function runInstaller(
  { path, sha256, arguments: own }: Installer,
  { user, directory }: { readonly user: string; readonly directory: string },
  signal: AbortSignal,
): Promise<void> {
  if ((await checksum(path, signal)) !== sha256) {
    throw new RolloutError('INSTALLER_CHANGED', `${path} is not the file whose sha256 agent.yaml names`);
  }
  const auto = own.includes('--auto') || own.includes('-a') ? [] : ['--auto'];
  const args = [...own, ...auto, '--user', user, '--install-dir', directory];
  await runCommand(path, args, { signal, timeout: TIMEOUT, silent: true, noted: true, env: { HOME: homedir() } });
}

async function checksum(path: string, signal: AbortSignal): Promise<string> {
  try {
    return await hashFile(Buffer.from(path), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new RolloutError('INSTALLER_CHANGED', `${path} cannot be read`, { cause: error });
  }
}
