import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { identify } from '../../src/platform/processes.js';
import { eventually } from './eventually.js';

/** Whether a process still runs; one that only waits for its parent to notice its end does not. */
export function lives(pid: number): boolean {
  return identify(pid) !== undefined;
}

/** The process number that a script has written, once it has. */
export async function pidIn(file: string): Promise<number> {
  let text = '';
  await eventually(`a process number is in ${file}`, async () => {
    text = await readFile(file, 'utf8').catch(() => '');
    return text.endsWith('\n');
  });
  return Number(text);
}

/** An agent of its own that runs one command in an attempt of a step, and can be killed. */
export interface OneAttempt {
  readonly pid: number;
  /** Kills the agent alone, as a crash would. */
  kill(): Promise<void>;
}

/** Starts an agent process that notes the command in `folder`. */
export function attemptOf(step: string, folder: string, command: readonly string[]): OneAttempt {
  const script = fileURLToPath(new URL('./noted-command.js', import.meta.url));
  const agent = spawn(process.execPath, [script, folder, step, ...command], { stdio: 'ignore' });
  return {
    pid: agent.pid ?? 0,
    kill: async () => {
      if (agent.exitCode !== null || agent.signalCode !== null) return;
      const ended = once(agent, 'exit');
      agent.kill('SIGKILL');
      await ended;
    },
  };
}
