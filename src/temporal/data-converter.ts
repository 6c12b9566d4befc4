import { join } from 'node:path';

import { ApplicationFailure, type DataConverter } from '@temporalio/common';

import { ERRORS } from '../cluster/errors.js';
import { EncryptingCodec, type Unreadable } from './payload-codec.js';
import type { PayloadKeys } from './payload-keys.js';

const FAILURE_CONVERTER = join(import.meta.dirname, 'failure-converter.cjs');

/** How a command turns values into what Temporal keeps, and back. Without keys what is encrypted is refused by name. */
export function clientConverter(keys: PayloadKeys): DataConverter {
  return converter(keys, new EncryptingCodec(keys));
}

/**
 * The same for a worker. What it cannot read ends an attempt, never a workflow: the workflow task or the activity is
 * tried again, and a step whose tries are used up is held with the code.
 */
export function workerConverter(keys: PayloadKeys): DataConverter {
  return converter(keys, new EncryptingCodec(keys, attemptFailure));
}

/** The workflows' code in the folder of this build; with keys, the one whose errors have no words in the open either. */
export function workflowBundle(folder: string, { current }: PayloadKeys): { readonly codePath: string } {
  return { codePath: join(folder, current === undefined ? 'workflow-bundle.js' : 'workflow-bundle-encrypted.js') };
}

function converter({ current }: PayloadKeys, codec: EncryptingCodec): DataConverter {
  return { payloadCodecs: [codec], ...(current === undefined ? {} : { failureConverterPath: FAILURE_CONVERTER }) };
}

/** The SDK keeps the type of no other error. */
function attemptFailure(code: Unreadable, message: string): ApplicationFailure {
  const failure = ApplicationFailure.create({ type: code, message, details: [{ next: ERRORS[code].next }] });
  // It names files of this machine, and says no more than the words.
  failure.stack = '';
  return failure;
}
