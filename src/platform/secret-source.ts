import { open } from 'node:fs/promises';

import { z } from 'zod';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from './run.js';

/** Milliseconds that a command may take to print a secret. */
const PATIENCE = 30_000;

/** Bytes of the largest file that is read for a secret. */
const LARGEST = 65_536;

/** Where one machine has a secret from, as its agent.yaml says. */
export const secretSource = z.union([
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({
    /** A program and its arguments, such as the command line of a vault; it prints the secret. */
    command: z.array(z.string().min(1)).min(1),
    /** Names of the agent's own environment variables that the program gets, such as its vault's address and token. */
    pass: z.array(z.string().min(1)).min(1).optional(),
  }),
]);

export type SecretSource = z.infer<typeof secretSource>;

/**
 * The text of a secret as its source has it, without the line break at its end; empty where there is none.
 *
 * @param what how it is called in errors, such as `the secret "db"`.
 * @throws RolloutError SECRET_MISSING when the source cannot be read, or others could read it as well.
 */
export async function readSource(what: string, source: SecretSource, signal?: AbortSignal): Promise<string> {
  const text =
    'env' in source
      ? (process.env[source.env] ?? '')
      : 'file' in source
        ? await readPrivate(`the file of ${what}`, source.file)
        : await printedBy(what, source, signal);
  return text.replace(/\r?\n$/, '');
}

/** Looks at the very file that it reads, so that nobody puts another one there between the two. */
async function readPrivate(what: string, file: string): Promise<string> {
  try {
    const handle = await open(file, 'r');
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new RolloutError('SECRET_MISSING', `${what} is no file`);
      if (process.platform !== 'win32') assertPrivate(what, stat);
      if (stat.size > LARGEST) throw new RolloutError('SECRET_MISSING', `${what} is larger than any secret`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof RolloutError) throw error;
    throw new RolloutError('SECRET_MISSING', `${what} cannot be read`, { cause: error });
  }
}

function assertPrivate(what: string, { mode, uid }: { readonly mode: number; readonly uid: number }): void {
  if ((mode & 0o077) !== 0) throw new RolloutError('SECRET_MISSING', `${what} is readable by others: chmod 600`);
  if (uid !== 0 && uid !== process.getuid?.()) {
    throw new RolloutError('SECRET_MISSING', `${what} belongs to another user, who could change it`);
  }
}

async function printedBy(
  what: string,
  { command: [program = '', ...args], pass = [] }: Extract<SecretSource, { command: unknown }>,
  signal?: AbortSignal,
): Promise<string> {
  const env = Object.fromEntries(
    pass.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  try {
    const { stdout } = await runCommand(program, args, {
      timeout: PATIENCE,
      env,
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_FAILED') throw error;
    // Without the cause: it is what the command printed, and that may be the secret, which no log knows to redact yet.
    throw new RolloutError('SECRET_MISSING', `the command of ${what} failed`);
  }
}
