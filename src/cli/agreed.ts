import { createInterface } from 'node:readline/promises';

import { RolloutError } from '../cluster/errors.js';

/** Asks on a terminal. @throws RolloutError USAGE without one: a script must say --yes. */
export async function agreed(question = 'Do it?'): Promise<boolean> {
  if (!process.stdin.isTTY) throw new RolloutError('USAGE', 'not on a terminal: say --yes to go on without a question');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
