import { readFile, stat } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import type { SecretSource } from './agent-config.js';
import { runCommand } from './run.js';

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
  async resolve(name: string, signal?: AbortSignal): Promise<string> {
    const source = Object.hasOwn(this.#sources, name) ? this.#sources[name] : undefined;
    if (source === undefined) throw new RolloutError('SECRET_MISSING', `agent.yaml defines no secret "${name}"`);
    const value = (await read(name, source, signal)).replace(/\r?\n$/, '');
    if (value === '') throw new RolloutError('SECRET_MISSING', `the secret "${name}" is empty`);
    if (/[;|\r\n\0]/.test(value)) {
      throw new RolloutError(
        'SECRET_UNUSABLE',
        `the secret "${name}" holds ";", "|" or a line break, which IceWarp cannot carry`,
      );
    }
    this.#seen.add(value);
    return value;
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

async function read(name: string, source: SecretSource, signal?: AbortSignal): Promise<string> {
  if ('env' in source) return process.env[source.env] ?? '';
  if ('command' in source) return printedBy(name, source.command, signal);
  try {
    const { mode } = await stat(source.file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new RolloutError('SECRET_MISSING', `the file of the secret "${name}" is readable by others: chmod 600`);
    }
    return await readFile(source.file, 'utf8');
  } catch (error) {
    if (error instanceof RolloutError) throw error;
    throw new RolloutError('SECRET_MISSING', `the file of the secret "${name}" cannot be read`, { cause: error });
  }
}

async function printedBy(name: string, [file = '', ...args]: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await runCommand(file, args, { timeout: 30_000, ...(signal === undefined ? {} : { signal }) });
    return stdout;
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_FAILED') throw error;
    // Without the cause: it is what the command printed, and that may be the secret, which no log knows to redact yet.
    throw new RolloutError('SECRET_MISSING', `the command of the secret "${name}" failed`);
  }
}
