import { stat } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { isInstalled, phpIniFile } from '../icewarp/layout.js';
import { loadsRedis, redisStore, sessionStoreIn, withSessionStore, type SessionStore } from '../icewarp/php-ini.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { readTextOrNull } from '../platform/marked-block.js';
import { sha256Of, sha256OrNull } from '../platform/vault.js';
import type { Change, Resource } from './resource.js';
import { markRestart } from './restart-marker.js';

/** The web sessions of one node live in a Redis that all nodes use (B5). */
export interface PhpIniDesired {
  readonly directory: string;
  readonly redis: { readonly host: string; readonly port: number };
}

export interface PhpIniObserved extends SessionStore {
  /** Of the file; null where there is none. */
  readonly sha256: string | null;
}

const REASON = 'php.ini';

/** Session directives in IceWarp's php.ini; the rest of the file is somebody else's. */
export const phpIni: Resource<PhpIniDesired, PhpIniObserved, 'node'> = {
  place: 'node',

  async observe({ directory }) {
    if (!(await isInstalled(directory))) return null;
    const text = await readTextOrNull(phpIniFile(directory));
    return { sha256: sha256OrNull(text), ...sessionStoreIn(text ?? '') };
  },

  diff({ redis }, observed) {
    const wanted = redisStore(redis);
    const differs = ({ handler, path }: SessionStore): boolean => handler !== wanted.handler || path !== wanted.path;
    if (observed !== null && !differs(observed)) return [];
    const before = observed === null || observed.handler === '' ? 'as PHP has them by itself' : inWords(observed);
    return [{ what: 'web sessions', before, after: inWords(wanted) } satisfies Change];
  },

  async apply({ directory, redis }, { vault, agent }) {
    const file = phpIniFile(directory);
    const text = await readTextOrNull(file);
    if (text === null) throw new RolloutError('PHP_INI', `${file} is not there: this build keeps it elsewhere`);
    const wanted = withSessionStore(text, redisStore(redis));
    if (wanted === text) return;
    await vault.keep(Buffer.from(text));
    if (!loadsRedis(text)) {
      throw new RolloutError('PHP_INI', `${file} does not load the extension redis: no web session could be opened`);
    }
    await markRestart(agent, REASON);
    await write(file, wanted);
  },

  async restore({ directory, redis }, before, { vault, agent }) {
    const file = phpIniFile(directory);
    const text = await readTextOrNull(file);
    if (text === null || before === null || sha256Of(text) === before.sha256) return [];
    const original = (await vault.original(before.sha256))?.toString('utf8');
    if (original === undefined || text !== withSessionStore(original, redisStore(redis))) {
      throw new RolloutError('CHANGED_MEANWHILE', `${file} is neither as the rollout left it nor as it was before`);
    }
    await markRestart(agent, `${REASON} put back`);
    await write(file, original);
    return [];
  },
};

function inWords({ handler, path }: SessionStore): string {
  return path === '' ? handler : `${handler} at ${path}`;
}

async function write(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  await writeFileAtomic(file, text, { mode: mode & 0o7777, uid, gid });
}
