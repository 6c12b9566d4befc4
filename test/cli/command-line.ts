import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const CLIENT = join(import.meta.dirname, '../../src/client.js');

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command that runs: what it has printed so far, and its end. */
export interface Running {
  readonly printed: () => string;
  readonly ended: Promise<Ran>;
}

/** Starts the command line as an operator does: a process of its own. */
export function begin(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd?: string): Running {
  const child = spawn(process.execPath, [CLIENT, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<Ran>((resolve) => {
    child.once('close', (code) => {
      resolve({ code: code ?? -1, out, err });
    });
  });
  return { printed: () => out + err, ended };
}

/** Runs the command line to its end. */
export function run(args: readonly string[], env?: Readonly<Record<string, string>>, cwd?: string): Promise<Ran> {
  return begin(args, env, cwd).ended;
}

/** Waits for words of a command that goes on. */
export async function said(running: Running, words: string | RegExp, seconds = 60): Promise<void> {
  const until = Date.now() + seconds * 1000;
  const end = running.ended.then(() => 'ended' as const);
  for (;;) {
    const printed = running.printed();
    if (typeof words === 'string' ? printed.includes(words) : words.test(printed)) return;
    const pause = new Promise<undefined>((resolve) => setTimeout(resolve, 100, undefined));
    const over = (await Promise.race([end, pause])) === 'ended' && running.printed() === printed;
    if (over || Date.now() > until) throw new Error(`never said ${String(words)}, but: ${printed}`);
  }
}
