import { RolloutError } from '../cluster/errors.js';
import { classify } from './errors.js';
import { codeOf } from './io.js';
import type { PassOptions } from './types.js';

/**
 * What an error of the system means that ends a pass: not one of a file that is copied, those are tried again and
 * listed, but of the mark, the lease, the lists, or of work that was tried often enough.
 *
 * @returns the error itself when the system did not cause it.
 */
export function endOfPass(error: unknown, { ledger }: PassOptions): unknown {
  const code = codeOf(error);
  // the database goes no further in this process; what it has committed is whole, and the next one begins there
  if (error instanceof Error && error.message.includes('MDB_PANIC')) {
    return new RolloutError('ENGINE_DIED', `the ledger ${ledger} could not be written`, { cause: error });
  }
  if (error instanceof RolloutError || !/^E[A-Z0-9]+$/.test(code)) return error;
  const { path } = error as NodeJS.ErrnoException;
  const ofLedger = path?.startsWith(`${ledger}/`) === true;
  const cause = { cause: error };
  if (classify(error).is === 'no room') {
    return ofLedger
      ? new RolloutError('LEDGER_FULL', 'the disk of the ledger has no room', cause)
      : new RolloutError('NO_ROOM', 'the destination has no room', cause);
  }
  const where = ofLedger ? 'the ledger’s folder' : 'the source or the destination';
  return new RolloutError('ENGINE_DIED', `the pass ended with ${code} from ${where}`, cause);
}
