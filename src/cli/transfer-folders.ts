import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';

/** Milliseconds: longer than a share needs, shorter than patience. */
const TIMEOUT = 20_000;

export interface Folders {
  readonly source: string;
  readonly destination: string;
  readonly ledger: string;
}

/**
 * The real paths of what a copy is about, which must lie apart.
 *
 * @throws RolloutError SOURCE_MISSING, SHARE_UNREACHABLE when one of them does not answer, USAGE.
 */
export async function foldersOf(source: string, destination: string, ledger: string): Promise<Folders> {
  const from = await realFolder(source);
  if (from === null) throw new RolloutError('SOURCE_MISSING', `${source} is no folder that can be entered`);
  const to = await realFolder(destination);
  if (to === null) throw new RolloutError('USAGE', `${destination} is no folder that can be entered: make it first`);
  const folders = { source: from, destination: to, ledger: await futurePath(resolve(ledger)) };
  assertApart({ 'the source': from, 'the destination': to });
  assertOutside('the ledger', folders.ledger, { 'the source': from, 'the destination': to });
  return folders;
}

/** The real path of a folder that may not be there yet, outside others. @throws RolloutError USAGE. */
export async function outside(what: string, path: string, others: Readonly<Record<string, string>>): Promise<string> {
  const real = await futurePath(resolve(path));
  assertOutside(what, real, others);
  return real;
}

/** Asked of a command, because a share whose server died blocks the process that looks, for as long as it likes. */
async function realFolder(path: string): Promise<string | null> {
  try {
    const args = ['--canonicalize-existing', '--zero', '--', `${path}/.`];
    const { exitCode, stdout } = await runCommand('realpath', args, { timeout: TIMEOUT, accept: [0, 1] });
    return exitCode === 0 ? stdout.replace(/\0$/, '') : null;
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_TIMEOUT') throw error;
    throw new RolloutError('SHARE_UNREACHABLE', `${path} does not answer`, { cause: error });
  }
}

async function futurePath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return join(await futurePath(dirname(path)), basename(path));
  }
}

function assertApart(folders: Readonly<Record<string, string>>): void {
  for (const [what, path] of Object.entries(folders)) {
    const others = Object.fromEntries(Object.entries(folders).filter(([name]) => name !== what));
    assertOutside(what, path, others);
  }
}

function assertOutside(what: string, path: string, others: Readonly<Record<string, string>>): void {
  for (const [other, root] of Object.entries(others)) {
    if (!isWithin(path, root)) continue;
    throw new RolloutError('USAGE', `${what} ${path} lies in ${other} ${root}: they must be apart`);
  }
}

function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(root === '/' ? '/' : `${root}/`);
}
