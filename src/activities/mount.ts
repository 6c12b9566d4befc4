import { mkdir, readdir, rm } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { ensureFolder, folderAt, missingParents, removeEmptyFolder } from '../platform/folders.js';
import type { FolderFacts } from '../platform/folders.js';
import { readTextOrNull } from '../platform/marked-block.js';
import { readSentinel } from '../platform/sentinel.js';
import { credentialsFile, credentialsText, entryOf, foreignEntry } from './mount-entry.js';
import type { MountDesired } from './mount-entry.js';
import type { Change, Context, Resource } from './resource.js';
import { applyBlock, keepFile, observeBlock, restoreBlock } from './text-block.js';
import type { TextBlockObserved } from './text-block.js';

export type { MountDesired } from './mount-entry.js';

export interface MountObserved extends TextBlockObserved {
  readonly credentials: 'absent' | 'same' | 'other';
  readonly mounted: boolean;
  /** The cluster that the sentinel of the mounted share names. */
  readonly cluster: string | null;
  /** The mount point while nothing is mounted there. */
  readonly point: (FolderFacts & { readonly sealed: boolean }) | null;
  /** Missing folders above the mount point. */
  readonly parents: readonly string[];
}

/** The share on a node: mounted now and at every boot, proven by its sentinel (procedure, rule 17; B8). */
export const mount: Resource<MountDesired, MountObserved, 'node'> = {
  place: 'node',
  observe,

  diff: ({ source, target, cluster }, observed) => {
    const changes: Change[] = [];
    if (observed === null) return changes;
    const { block, credentials, mounted, cluster: found } = observed;
    if (credentials !== 'same') {
      changes.push({ what: 'credentials of the share', before: credentials, after: 'the share’s account and secret' });
    }
    if (block !== 'same') changes.push({ what: `entry for ${target} at boot`, before: block, after: source });
    if (!mounted) changes.push({ what: target, before: 'not mounted', after: source });
    else if (found !== cluster) {
      changes.push({
        what: target,
        before: found ?? 'mounted, without sentinel',
        after: `share of cluster ${cluster}`,
      });
    }
    return changes;
  },

  apply: async (desired, context) => {
    const { agent, signal, vault } = context;
    const { mounts } = agent.platform;
    const { target, cluster } = desired;
    const entry = entryOf(desired, mounts);
    await keepFile(mounts.table, vault);
    if (await mounts.mounted(target)) await proveShare(desired, context);
    if (await foreignEntry(entry, target)) {
      throw new RolloutError('MOUNT_FAILED', `${mounts.table} has a line for ${target} already, which is not ours`);
    }
    await mkdir(mounts.credentials, { recursive: true, mode: 0o700 });
    await writeFileAtomic(credentialsFile(cluster, mounts.credentials), await credentialsText(desired, context));
    await applyBlock(entry, vault);
    await mounts.tableChanged(signal);
    if (await mounts.mounted(target)) return;
    await preparePoint(target, context);
    await mounts.mount(target, signal);
    try {
      await proveShare(desired, context);
    } catch (error) {
      // Whatever is mounted there, it is not this cluster's share, and nothing may be written to it.
      if (error instanceof RolloutError && error.code === 'SHARE_FOREIGN') await mounts.unmount(target, signal);
      throw error;
    }
  },

  restore: async (desired, before, context) => {
    if (before === null) return [];
    const { agent, signal, vault } = context;
    const { mounts } = agent.platform;
    const { target, cluster } = desired;
    if (!before.mounted && (await mounts.mounted(target))) {
      const found = await readSentinel(target, signal);
      if (found !== cluster) {
        const now = found === null ? 'something without sentinel' : `the share of cluster ${found}`;
        throw new RolloutError('CHANGED_MEANWHILE', `${now} is mounted at ${target}, expected ours or nothing`);
      }
      await mounts.unmount(target, signal);
    }
    await restoreBlock(entryOf(desired, mounts), before, vault);
    await mounts.tableChanged(signal);
    const file = credentialsFile(cluster, mounts.credentials);
    if (before.credentials === 'absent') await rm(file, { force: true });
    return [
      ...(before.credentials === 'other' ? [`${file} keeps the present password of the share’s account`] : []),
      ...(before.mounted ? [] : await restorePoint(target, before, context)),
    ];
  },
};

async function observe(desired: MountDesired, context: Context): Promise<MountObserved> {
  const { mounts } = context.agent.platform;
  const { target, cluster } = desired;
  const mounted = await mounts.mounted(target);
  const point = mounted ? null : await folderAt(target);
  const credentials = await readTextOrNull(credentialsFile(cluster, mounts.credentials));
  const same = credentials === (await credentialsText(desired, context));
  return {
    ...(await observeBlock(entryOf(desired, mounts))),
    credentials: credentials === null ? 'absent' : same ? 'same' : 'other',
    mounted,
    cluster: mounted ? await readSentinel(target, context.signal) : null,
    point: point === null ? null : { ...point, sealed: await mounts.sealed(target, context.signal) },
    parents: mounted ? [] : await missingParents([target]),
  };
}

/** @throws RolloutError SHARE_FOREIGN unless what is mounted is this cluster's share. */
async function proveShare({ target, cluster, source }: MountDesired, { signal }: Context): Promise<void> {
  const found = await readSentinel(target, signal);
  if (found === cluster) return;
  const now = found === null ? 'a folder without sentinel' : `the share of cluster ${found}`;
  throw new RolloutError('SHARE_FOREIGN', `at ${target} is ${now}, expected ${source} with the sentinel of ${cluster}`);
}

/** An empty folder into which nobody can write, so that an unmounted share is an error and never a local mailbox. */
async function preparePoint(target: string, { agent, signal }: Context): Promise<void> {
  const { mounts } = agent.platform;
  if ((await folderAt(target)) !== null) {
    const files = (await readdir(target)).length;
    if (files > 0) {
      throw new RolloutError('FOLDER_CONFLICT', `the mount point ${target} holds ${files} local files, expected none`);
    }
    if (await mounts.sealed(target, signal)) return;
  }
  await ensureFolder(target, { uid: 0, gid: 0, mode: '0' });
  await mounts.seal(target, true, signal);
}

async function restorePoint(target: string, before: MountObserved, { agent, signal }: Context): Promise<string[]> {
  const { mounts } = agent.platform;
  const { point, parents } = before;
  if ((await folderAt(target)) !== null && point?.sealed !== true) {
    await mounts.seal(target, false, signal);
    if (point !== null) await ensureFolder(target, point);
    else if (!(await removeEmptyFolder(target))) return [`${target} stays: it holds files`];
  }
  for (const path of [...parents].sort().reverse()) await removeEmptyFolder(path);
  return [];
}
