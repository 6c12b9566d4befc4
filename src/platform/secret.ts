import { inspect } from 'node:util';

/** What is shown of a secret wherever something is shown of it. */
const SHOWN = '[secret]';

/**
 * A secret value that only {@link reveal} gives out. Logs and JSON show `[secret]`, copies hold nothing, and a text that
 * would be made of it by accident is an error: a password that reads `[secret]` must not be set anywhere.
 */
export class Secret {
  // A private field: neither own keys, nor structuredClone, nor v8.serialize, nor inspect reach it.
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value, for the one call that needs it. */
  reveal(): string {
    return this.#value;
  }

  toJSON(): string {
    return SHOWN;
  }

  /** @throws TypeError always: `${secret}`, `'' + secret` and String(secret) are mistakes. */
  [Symbol.toPrimitive](): never {
    throw new TypeError('a secret is no text: reveal() it where it is used');
  }

  /** @throws TypeError always, as {@link Symbol.toPrimitive}. */
  toString(): never {
    return this[Symbol.toPrimitive]();
  }

  get [Symbol.toStringTag](): string {
    return 'Secret';
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}
