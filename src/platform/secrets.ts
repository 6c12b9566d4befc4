import { RolloutError } from '../cluster/errors.js';
import { Secret } from './secret.js';
import { readSource, type SecretSource } from './secret-source.js';

/** Resolves secret names to values in the one process that uses them, and takes the values out of texts. */
export class SecretStore {
  readonly #sources: Readonly<Record<string, SecretSource>>;
  /** Every value ever resolved, former ones too: a log line may still hold one. */
  readonly #seen = new Set<string>();

  constructor(sources: Readonly<Record<string, SecretSource>>) {
    this.#sources = sources;
  }

  /**
   * The value of a secret, read from its source each time: whoever corrects it there need not restart the agent.
   *
   * @throws RolloutError SECRET_MISSING when agent.yaml does not define it or its source has none; SECRET_UNUSABLE when
   * it holds a character that would break out of a connection string or path.dat.
   */
  async resolve(name: string, signal?: AbortSignal): Promise<Secret> {
    const source = Object.hasOwn(this.#sources, name) ? this.#sources[name] : undefined;
    if (source === undefined) throw new RolloutError('SECRET_MISSING', `agent.yaml defines no secret "${name}"`);
    const value = await readSource(`the secret "${name}"`, source, signal);
    if (value === '') throw new RolloutError('SECRET_MISSING', `the secret "${name}" is empty`);
    if (/[;|\r\n\0]/.test(value)) {
      throw new RolloutError(
        'SECRET_UNUSABLE',
        `the secret "${name}" holds ";", "|" or a line break, which IceWarp cannot carry`,
      );
    }
    this.#seen.add(value);
    return new Secret(value);
  }

  /** The text without any secret that this process has resolved. */
  redact(text: string): string {
    const forms = [...this.#seen].flatMap((value) => [
      value,
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
    ]);
    // The longest first: one that begins like another would otherwise leave its rest behind.
    return forms.sort((a, b) => b.length - a.length).reduce((clean, form) => clean.replaceAll(form, '[secret]'), text);
  }
}
