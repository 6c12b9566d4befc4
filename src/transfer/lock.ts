import { spawn } from 'node:child_process';
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';

/** What the command answers when somebody else holds the lock: no code that it uses for anything else. */
const HELD = 75;

/**
 * Locks a ledger against every other process of this machine (R22).
 *
 * @param dir the ledger's folder, on a local disk.
 * @returns the release; harmless when called again.
 * @throws RolloutError LEDGER_BUSY naming the process that holds it and since when, COMMAND_MISSING without `flock`.
 */
export async function lockLedger(dir: string): Promise<() => void> {
  const lock = await lockFile(join(dir, 'lock'));
  if ('holder' in lock) throw new RolloutError('LEDGER_BUSY', `the ledger ${dir} is in use by ${lock.holder}`);
  return lock.release;
}

/**
 * Locks a file against every other process of this machine. The lock belongs to our open file: it ends with the release
 * or with the process, however that ends, and no child inherits it.
 *
 * @param path on a local disk; it is made, and stays.
 * @returns the release, harmless when called again; or words for the process that holds the lock.
 * @throws RolloutError COMMAND_MISSING without `flock`.
 */
export async function lockFile(path: string): Promise<{ readonly release: () => void } | { readonly holder: string }> {
  // A plain descriptor: a FileHandle that nobody holds any more is closed by the garbage collector, lock and all.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  let open = true;
  const release = (): void => {
    if (open) closeSync(descriptor);
    open = false;
  };
  try {
    if (await lock(descriptor)) {
      sign(descriptor);
      return { release };
    }
    const holder = holderOf(path);
    release();
    return { holder };
  } catch (error) {
    release();
    throw error;
  }
}

/** Says whose lock it is, for the message to others: a full disk, which the ledger reports, must not keep it from us. */
function sign(descriptor: number): void {
  try {
    ftruncateSync(descriptor, 0);
    writeSync(descriptor, `${JSON.stringify({ pid: process.pid, since: new Date().toISOString() })}\n`, 0);
  } catch {
    // the lock itself is held all the same
  }
}

/** Node offers no flock. The command takes the lock for the open file that it inherits, and that outlives it. */
function lock(descriptor: number): Promise<boolean> {
  const child = spawn('flock', ['--nonblock', '--exclusive', '--conflict-exit-code', String(HELD), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', descriptor],
    env: { PATH: process.env['PATH'] },
  });
  return new Promise((resolve, reject) => {
    child.once('error', () => {
      reject(new RolloutError('COMMAND_MISSING', 'there is no command flock on this machine'));
    });
    child.once('exit', (code) => {
      if (code === 0 || code === HELD) resolve(code === 0);
      else reject(new RolloutError('COMMAND_FAILED', 'flock could not lock the file'));
    });
  });
}

function holderOf(path: string): string {
  try {
    const { pid, since } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; since: string };
    return `process ${pid} since ${since}`;
  } catch {
    // it has just been taken and not been signed yet
    return 'another process';
  }
}
