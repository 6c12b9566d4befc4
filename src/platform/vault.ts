import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { syncDirectory, writeFileAtomic } from './atomic-file.js';

/** One original that a step has put aside, or the note that there was none. */
interface Entry {
  readonly step: string;
  readonly sha256: string | null;
  readonly base64: string | null;
}

/**
 * The undo vault of one machine: the original bytes of what the rollout changes, which may hold secrets and therefore
 * never travel. Write-once per cluster and step until the rollback has put it back, or `start --forget` has given it up.
 */
export class Vault {
  readonly #root: string;

  constructor(stateDir: string, cluster: string) {
    this.#root = join(stateDir, 'vault', cluster);
  }

  /** The vault as one step sees it. */
  slot(step: string): {
    keep(original: Uint8Array | null): Promise<void>;
    original(sha256: string | null): Promise<Buffer | null>;
    has(): Promise<boolean>;
    close(): Promise<void>;
  } {
    const file = join(this.#root, `${createHash('sha256').update(step).digest('hex').slice(0, 32)}.json`);
    return {
      /** Keeps the original (null: there was none), durably; later calls change nothing. */
      keep: async (original) => {
        if ((await readEntry(file)) !== null) return;
        await mkdir(this.#root, { recursive: true, mode: 0o700 });
        const entry: Entry = {
          step,
          sha256: sha256OrNull(original),
          base64: original === null ? null : Buffer.from(original).toString('base64'),
        };
        await writeFileAtomic(file, JSON.stringify(entry));
        await syncDirectory(this.#root);
      },
      /** @throws RolloutError VAULT_DAMAGED unless the kept original is the one that history names. */
      original: async (sha256) => {
        const entry = await readEntry(file);
        const bytes = entry?.base64 == null ? null : Buffer.from(entry.base64, 'base64');
        if (entry === null || entry.sha256 !== sha256 || (bytes !== null && sha256Of(bytes) !== sha256)) {
          throw new RolloutError('VAULT_DAMAGED', `the original kept for "${step}" is missing or not the one recorded`);
        }
        return bytes;
      },
      has: async () => (await readEntry(file)) !== null,
      close: async () => {
        await rm(file, { force: true });
      },
    };
  }

  /** The steps whose originals are kept. */
  async open(): Promise<readonly string[]> {
    const names = await readdir(this.#root).catch(() => []);
    const entries = await Promise.all(
      names.filter((n) => n.endsWith('.json')).map((n) => readEntry(join(this.#root, n))),
    );
    return entries.flatMap((entry) => (entry === null ? [] : [entry.step])).sort();
  }

  /** Gives up every way back on this machine. */
  async forget(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** Hex sha256 of bytes: how history names content that it must not hold. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The hash of what may not be there: null for nothing. */
export function sha256OrNull(content: Parameters<typeof sha256Of>[0] | null): string | null {
  return content === null ? null : sha256Of(content);
}

async function readEntry(file: string): Promise<Entry | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Entry;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new RolloutError('VAULT_DAMAGED', 'an entry of the undo vault cannot be read', { cause: error });
  }
}
