import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';
import { assertConfigurationThere, controlScript, sharedConfigurationOf } from './layout.js';
import { livesInstalled, processesOf } from './processes.js';
import { Tool } from './tool.js';
import { FACTS } from './variables.js';

/** The modules that serve users; each writes `<install>/var/<module>.pid`. */
export const MODULES = ['control', 'cal', 'im', 'pop3', 'smtp'] as const;
export type Module = (typeof MODULES)[number];

/** Milliseconds that starting and stopping may take; the vendor lets its own containers wait as long. */
const LIMIT = 120_000;
/** Milliseconds between two looks. */
const PAUSE = 250;

/** The modules whose process lives. */
export async function runningModules(directory: string): Promise<readonly Module[]> {
  const lives = await Promise.all(MODULES.map((module) => livesInstalled(pidFile(directory, module), directory)));
  return MODULES.filter((_, index) => lives[index]);
}

/**
 * Stops every service and proves it: no process from the installation folder is left.
 *
 * @throws RolloutError SERVICES_RUNNING naming what still runs after two minutes.
 */
export async function ensureStopped(directory: string, signal: AbortSignal): Promise<void> {
  if ((await stillRunning(directory)).length === 0) return;
  await control(directory, ['--stop', 'all'], signal);
  const quiet = await until(async () => (await stillRunning(directory)).length === 0, signal);
  if (quiet) return;
  const names = await stillRunning(directory);
  throw new RolloutError('SERVICES_RUNNING', `still running two minutes after the stop: ${names.join(', ')}`);
}

/** Stands before what only stopped services allow. @throws RolloutError SERVICES_RUNNING naming what runs. */
export async function assertStopped(directory: string): Promise<void> {
  const names = await stillRunning(directory);
  if (names.length > 0) throw new RolloutError('SERVICES_RUNNING', `still running: ${names.join(', ')}`);
}

/**
 * Starts every service and waits until each module lives.
 *
 * @throws RolloutError CONFIG_EMPTY, before anything starts, when the shared configuration is not there;
 * SERVICES_NOT_STARTED naming the modules that did not come up; CONFIG_DEFAULTED when IceWarp took its default
 * configuration instead of the shared one (everything is stopped again: it would answer 550 to real mail).
 */
export async function ensureStarted(directory: string, signal: AbortSignal): Promise<void> {
  await assertConfigurationThere(directory, signal);
  if ((await runningModules(directory)).length < MODULES.length) await control(directory, ['--start'], signal);
  const up = await until(async () => (await runningModules(directory)).length === MODULES.length, signal);
  if (!up) {
    const running = await runningModules(directory);
    const missing = MODULES.filter((module) => !running.includes(module));
    throw new RolloutError('SERVICES_NOT_STARTED', `not running two minutes after the start: ${missing.join(', ')}`);
  }
  if ((await sharedConfigurationOf(directory)) === '') return;
  // Versions before 14 do not say.
  if ((await new Tool(directory, signal).find(FACTS.defaultConfig)) !== '1') return;
  await ensureStopped(directory, signal);
  throw new RolloutError('CONFIG_DEFAULTED', 'IceWarp took its default configuration instead of the shared one');
}

/** Waits for GroupWare, which makes its tables itself (procedure, rule 12). @throws RolloutError GROUPWARE_AWAY. */
export async function awaitGroupware(directory: string, signal: AbortSignal): Promise<void> {
  const tool = new Tool(directory, signal);
  const available = await until(async () => (await tool.find(FACTS.groupwareAvailable)) === '1', signal);
  if (!available) throw new RolloutError('GROUPWARE_AWAY', 'GroupWare was not available within two minutes');
}

async function control(directory: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  // Its exit code is not documented; what counts is which processes live afterwards.
  const accept = Array.from({ length: 256 }, (_, code) => code);
  await runCommand(controlScript(directory), args, { signal, accept, timeout: 2 * LIMIT, silent: true, noted: true });
}

/** What runs of an installation, in words: its modules, and every process of its folder. */
export async function stillRunning(directory: string): Promise<readonly string[]> {
  const [modules, processes] = await Promise.all([runningModules(directory), processesOf(directory)]);
  return [...modules, ...processes.map(({ pid, name }) => `${name} (${pid})`)];
}

async function until(reached: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  const end = Date.now() + LIMIT;
  while (!(await reached())) {
    if (Date.now() > end) return false;
    await sleep(PAUSE, undefined, { signal });
  }
  return true;
}

function pidFile(directory: string, module: Module): string {
  return join(directory, 'var', `${module}.pid`);
}
