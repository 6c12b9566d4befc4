import { createSecretKey, type KeyObject } from 'node:crypto';

import { RolloutError } from '../cluster/errors.js';
import { loadAgentConfig } from '../platform/agent-config.js';
import { readSource, type SecretSource } from '../platform/secret-source.js';

/** Names the file of the keys for this process, instead of what its agent.yaml says. */
const VARIABLE = 'TEMPORAL_PAYLOAD_KEYS';

/** Bytes of an AES-256 key. */
const KEY_BYTES = 32;

const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** A key and the name under which payloads say that they need it. */
export interface PayloadKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** The keys of this process, by their ids. */
export interface PayloadKeys {
  /** Encrypts; without it nothing is encrypted. */
  readonly current?: PayloadKey;
  /** Decrypt: the current one and former ones. */
  readonly all: ReadonlyMap<string, KeyObject>;
}

/** A process that was given no keys. */
const NONE: PayloadKeys = { all: new Map() };

/**
 * The keys of this process: from the file that TEMPORAL_PAYLOAD_KEYS names, otherwise as `payloadKeys` in agent.yaml says.
 *
 * @param configured what agent.yaml says.
 * @throws RolloutError SECRET_MISSING when there is no such file or command, or others may read the file; PAYLOAD_KEYS.
 */
export async function loadPayloadKeys(configured: SecretSource | undefined): Promise<PayloadKeys> {
  const file = process.env[VARIABLE] ?? '';
  const source = file === '' ? configured : { file };
  return source === undefined ? NONE : parsePayloadKeys(await readSource('the payload keys', source));
}

/**
 * The keys of a command, which has no agent.yaml of its own: it takes the machine's where it may read that.
 *
 * @throws RolloutError as {@link loadPayloadKeys}; AGENT_CONFIG when that file is there and wrong.
 */
export async function loadOperatorsPayloadKeys(agentFile: string): Promise<PayloadKeys> {
  return loadPayloadKeys((process.env[VARIABLE] ?? '') === '' ? await configuredIn(agentFile) : undefined);
}

async function configuredIn(agentFile: string): Promise<SecretSource | undefined> {
  try {
    return (await loadAgentConfig(agentFile)).payloadKeys;
  } catch (error) {
    const code = error instanceof RolloutError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
    // no agent runs here, or whoever types is not its user
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}

/**
 * Reads a list of keys: one a line, its id, a blank, 32 bytes in base64. The first one encrypts, all of them decrypt.
 * Empty lines and lines that begin with `#` say nothing.
 *
 * @throws RolloutError PAYLOAD_KEYS, naming the line and nothing that stands in it.
 */
export function parsePayloadKeys(text: string): PayloadKeys {
  const all = new Map<string, KeyObject>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const wrong = (why: string): RolloutError =>
      new RolloutError('PAYLOAD_KEYS', `line ${index + 1} of the payload keys ${why}`);
    const [id = '', encoded = '', ...more] = line.trim().split(/\s+/);
    if (!KEY_ID.test(id) || more.length > 0) throw wrong('is not an id, a blank and a key');
    const bytes = Buffer.from(encoded, 'base64');
    // Node skips what is no base64: only what is written the same again was read as it was meant
    if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== encoded) {
      throw wrong(`has no ${KEY_BYTES} bytes in base64 as its key`);
    }
    if (all.has(id)) throw wrong('has the id of an earlier one');
    all.set(id, createSecretKey(bytes));
  }
  const [first] = all;
  if (first === undefined) throw new RolloutError('PAYLOAD_KEYS', 'the payload keys hold no key');
  return { current: { id: first[0], key: first[1] }, all };
}
