import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

import { RolloutError } from '../cluster/errors.js';
import type { PayloadKey, PayloadKeys } from './payload-keys.js';

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

const ALGORITHM = 'aes-256-gcm';
/** Bytes of the nonce, new and random for each payload, and of the tag; both stand before the encrypted bytes. */
const NONCE = 12;
const TAG = 16;

/** The value of the metadata `encoding` of what is encrypted. */
const ENCRYPTED = 'binary/encrypted';
const ENCODING = 'encoding';
const KEY_ID = 'encryption-key-id';

/** What a payload may be refused for. */
export type Unreadable = 'PAYLOAD_KEY_UNKNOWN' | 'PAYLOAD_KEY_WRONG';

/**
 * Encrypts payloads on their way to Temporal with AES-256-GCM, and decrypts those that name a key. What was sent before
 * there was a key is taken as it is. Runs outside of the workflow sandbox.
 */
export class EncryptingCodec implements PayloadCodec {
  readonly #keys: PayloadKeys;
  readonly #failure: (code: Unreadable, message: string) => Error;

  /** @param failure makes the error that {@link decode} throws, where a RolloutError would lose its code. */
  constructor(
    keys: PayloadKeys,
    failure = (code: Unreadable, message: string): Error => new RolloutError(code, message),
  ) {
    this.#keys = keys;
    this.#failure = failure;
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    const { current } = this.#keys;
    return Promise.resolve(current === undefined ? payloads : payloads.map((payload) => encrypt(payload, current)));
  }

  /** @throws RolloutError, unless told otherwise: PAYLOAD_KEY_UNKNOWN or PAYLOAD_KEY_WRONG, with the key's id. */
  decode(payloads: Payload[]): Promise<Payload[]> {
    return new Promise((resolve) => resolve(payloads.map((payload) => this.#decrypt(payload))));
  }

  #decrypt(payload: Payload): Payload {
    if (textOf(payload, ENCODING) !== ENCRYPTED) return payload;
    const id = textOf(payload, KEY_ID);
    const key = this.#keys.all.get(id);
    if (key === undefined) {
      throw this.#failure(
        'PAYLOAD_KEY_UNKNOWN',
        `this is encrypted with the key "${id}", which this process does not have`,
      );
    }
    try {
      return decrypt(payload.data ?? new Uint8Array(), { id, key });
    } catch {
      // without the cause: it says no more
      throw this.#failure(
        'PAYLOAD_KEY_WRONG',
        `the key "${id}" of this process is not the one that this is encrypted with`,
      );
    }
  }
}

function encrypt(payload: Payload, { id, key }: PayloadKey): Payload {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(id));
  const plain = PayloadMessage.encode(payload).finish();
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  return {
    metadata: { [ENCODING]: Buffer.from(ENCRYPTED), [KEY_ID]: Buffer.from(id) },
    data: Buffer.concat([nonce, cipher.getAuthTag(), encrypted]),
  };
}

function decrypt(data: Uint8Array, { id, key }: PayloadKey): Payload {
  const decipher = createDecipheriv(ALGORITHM, key, data.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(Buffer.from(id))
    .setAuthTag(data.subarray(NONCE, NONCE + TAG));
  const plain = Buffer.concat([decipher.update(data.subarray(NONCE + TAG)), decipher.final()]);
  return PayloadMessage.decode(plain);
}

function textOf({ metadata }: Payload, name: string): string {
  return Buffer.from(metadata?.[name] ?? []).toString();
}
