// What the scripts print, and how they run other programs. Node built-ins only: this works before `npm ci`.
import { spawn, spawnSync } from 'node:child_process';

let quiet = false;

/** With quiet on only problems are printed. */
export function setQuiet(value) {
  quiet = value;
}

/** One finished step. */
export function done(text) {
  if (!quiet) console.log(`✓ ${text}`);
}

/** Something that takes a moment starts now. */
export function working(text) {
  if (!quiet) console.log(`… ${text}`);
}

/** What a person must know even with `--quiet`. */
export function problem(text) {
  console.error(`✗ ${text}`);
}

/** Expected trouble: its message is all that a person needs, a stack trace would only hide it. */
export class Stop extends Error {}

/** Runs `main`; a {@link Stop} becomes one line and exit code 1. */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    problem(error.message);
    process.exitCode = 1;
  }
}

/**
 * Asks a program something short and collects the answer.
 *
 * @returns `{ok, absent, out, why}`; `absent` when there is no such program; `why` is one line, empty when ok
 */
export function ask(program, args, { seconds = 30, env = {} } = {}) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
  });
  const out = result.stdout ?? '';
  // Ctrl-C reaches the program first: it means all of us.
  if (result.signal === 'SIGINT') process.exit(130);
  const because = (why, absent = false) => ({ ok: why === '', absent, out, why });
  if (result.error?.code === 'ENOENT') return because(`${program} is not installed`, true);
  if (result.error?.code === 'ETIMEDOUT') return because(`${program} gave no answer in ${seconds} s`);
  if (result.error) return because(`${program} could not be run (${result.error.code})`);
  if (result.status === 0) return because('');
  return because(mainLine(result.stderr) || mainLine(out) || `${program} ended with ${result.status ?? result.signal}`);
}

/** Runs a program that talks to the terminal itself; answers its exit code (1 when a signal ended it). */
export function show(program, args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** The line that most likely says why: the first that speaks of an error, otherwise the last; kept short. */
function mainLine(text) {
  const lines = (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^npm error( code \S+)?$/.test(line));
  return (lines.find((line) => /\b(error|fatal|failed|E):? /i.test(line)) ?? lines.at(-1) ?? '').slice(0, 240);
}
