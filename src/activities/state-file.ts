import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { syncDirectory, writeFileAtomic } from '../platform/atomic-file.js';
import type { Agent } from './agent.js';

/** A small durable note of one resource about its own unfinished work, in the agent's state folder. */
export interface StateFile<T> {
  readonly path: string;
  /** null: there is none. @throws RolloutError STATE_DAMAGED when it cannot be read. */
  read(): Promise<T | null>;
  write(value: T): Promise<void>;
  remove(): Promise<void>;
}

/** The note called `<stateDir>/<name>.json`. It never holds a secret. */
export function stateFile<T>(agent: Pick<Agent, 'config'>, name: string): StateFile<T> {
  const folder = agent.config.stateDir;
  const path = join(folder, `${name}.json`);
  return {
    path,
    read: async () => {
      try {
        return JSON.parse(await readFile(path, 'utf8')) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw new RolloutError('STATE_DAMAGED', `${path} cannot be read`, { cause: error });
      }
    },
    write: async (value) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(path, `${JSON.stringify(value)}\n`);
    },
    remove: async () => {
      await rm(path, { force: true });
      await syncDirectory(folder).catch(() => undefined);
    },
  };
}
