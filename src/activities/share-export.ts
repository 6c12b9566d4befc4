import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { readTextOrNull, withoutBlock } from '../platform/marked-block.js';
import { reloadSamba, sambaAccepts } from '../platform/samba.js';
import { applyBlock, keepFile, observeBlock, restoreBlock } from './text-block.js';
import type { TextBlock, TextBlockObserved } from './text-block.js';
import type { Resource } from './resource.js';

export interface ShareExportDesired {
  /** Name of the share, as in //server/name. */
  readonly name: string;
  readonly path: string;
  /** The only account that may use it; all files belong to it. */
  readonly user: string;
  /** Samba's configuration; default /etc/samba/smb.conf. */
  readonly file?: string;
}

export interface ShareExportObserved extends TextBlockObserved {
  /** Somebody else's share has this name already. */
  readonly foreign: boolean;
}

/** The share itself: a section of its own in Samba's configuration (G6). */
export const shareExport: Resource<ShareExportDesired, ShareExportObserved, 'share'> = {
  place: 'share',
  observe,

  diff: ({ name, path }, observed) => {
    if (observed?.block === 'same') return [];
    const before = observed?.foreign === true ? 'somebody else’s' : (observed?.block ?? 'absent');
    return [{ what: `share ${name}`, before, after: path }];
  },

  apply: async (desired, { signal, vault }) => {
    await keepFile(sectionOf(desired).file, vault);
    if ((await observe(desired)).foreign) {
      throw new RolloutError('SHARE_FOREIGN', `Samba has a share ${desired.name} already, which is not ours`);
    }
    await applyBlock(sectionOf(desired), vault, (text) => test(text, signal));
    await reloadSamba(signal);
  },

  restore: async (desired, before, { signal, vault }) => {
    if (before === null) return [];
    await restoreBlock(sectionOf(desired), before, vault);
    await reloadSamba(signal);
    return [];
  },
};

async function observe(desired: ShareExportDesired): Promise<ShareExportObserved> {
  const section = sectionOf(desired);
  const others = withoutBlock((await readTextOrNull(section.file)) ?? '', section.mark);
  const heading = `[${desired.name.toLowerCase()}]`;
  const foreign = others.split('\n').some((line) => line.trim().toLowerCase() === heading);
  return { ...(await observeBlock(section)), foreign };
}

function sectionOf({ name, path, user, file = '/etc/samba/smb.conf' }: ShareExportDesired): TextBlock {
  const lines = [
    `[${name}]`,
    '   comment = IceWarp cluster',
    `   path = ${path}`,
    `   valid users = ${user}`,
    `   force user = ${user}`,
    '   read only = no',
    '   guest ok = no',
    '   create mask = 0660',
    '   directory mask = 0770',
    // Mail file names differ by case, and no node may see another name than the one that was written.
    '   case sensitive = yes',
    '   mangled names = no',
    // What a node was told is on disk must be on disk.
    '   strict sync = yes',
  ];
  return { file, mark: `share ${name}`, body: lines.join('\n') };
}

/** Lets Samba judge a configuration before it is in force. */
async function test(text: string, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-'));
  try {
    const candidate = join(folder, 'smb.conf');
    await writeFileAtomic(candidate, text);
    if (await sambaAccepts(candidate, signal)) return;
    throw new RolloutError('SHARE_CONFIG', 'Samba does not accept its configuration with our share: see testparm');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
