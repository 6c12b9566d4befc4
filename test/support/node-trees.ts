import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { copyShard } from '../../src/activities/copy-shard.js';
import type { TreeDesired } from '../../src/activities/node-tree.js';
import { noteOpened } from '../../src/activities/opened.js';
import { treeFinal, type TreeFinalDesired } from '../../src/activities/tree-final.js';
import { treeSeeded } from '../../src/activities/tree-seeded.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { mailTree } from '../../src/icewarp/mail-tree.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import type { PassResult } from '../../src/transfer/types.js';
import { testContext, type TestContext } from './context.js';
import { fakeIceWarp, type FakeIceWarp } from './fake-icewarp.js';

const VARIABLE = 'C_System_Storage_Dir_MailPath';

/** Seconds since 1970: old enough to be no time that a test gives a file by itself. */
const OLD = 1_600_000_000;

/** The mail of a node that moves to a share as in production: seeded, finished, switched, opened, brought back. */
export class NodeTrees {
  private constructor(
    readonly context: TestContext,
    readonly icewarp: FakeIceWarp,
    readonly desired: TreeFinalDesired,
  ) {}

  static async make(): Promise<NodeTrees> {
    const context = await testContext();
    const directory = join(context.folder, 'icewarp');
    const mount = join(context.folder, 'share');
    const icewarp = await fakeIceWarp(directory, { [VARIABLE]: 'mail/' });
    await mkdir(join(mount, 'mail'), { recursive: true });
    await mkdir(join(directory, 'mail/_outgoing'), { recursive: true });
    await writeFile(join(mount, SENTINEL), sentinelText('test'));
    const tree: TreeDesired = {
      ...{ directory, mount, cluster: 'test', what: 'mail', to: `${join(mount, 'mail')}/` },
      owner: { uid: 1_234, gid: 1_235 },
    };
    return new NodeTrees(context, icewarp, { ...tree, skipped: [] });
  }

  /** The old tree, and the one on the share. */
  get old(): string {
    return join(this.desired.directory, 'mail');
  }
  get share(): string {
    return join(this.desired.mount, 'mail');
  }

  /** Writes files below a root; what lies in the old tree is old. */
  async write(root: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
      if (root === this.old) await utimes(join(root, path), OLD, OLD);
    }
  }

  async seed(kind: 'seed' | 'delta' = 'seed'): Promise<PassResult> {
    const { desired, context } = this;
    await treeSeeded.apply(desired, context);
    const tree = mailTree('mail', this.old, desired.to, 'live', desired.owner);
    const { stateDir } = context.agent.config;
    return copyShard({ tree, kind }, { stateDir, signal: context.signal, tell: () => undefined });
  }

  /** Seeds, finishes, switches the path and opens. */
  async moved(): Promise<void> {
    await this.seed();
    await treeFinal.apply(this.desired, this.context);
    await this.switched();
    await noteOpened(this.context.agent, 'storage', true);
  }

  switched(): Promise<void> {
    return this.icewarp.put(VARIABLE, this.desired.to);
  }

  /** The path as it was: what the settings' own way back does before that of the tree. */
  switchedBack(): Promise<void> {
    return this.icewarp.put(VARIABLE, 'mail/');
  }

  back(context = this.context): Promise<readonly string[]> {
    return treeFinal.restore(this.desired, null, context);
  }

  async remove(): Promise<void> {
    await this.icewarp.stop();
    await this.context.remove();
  }
}

/** Puts content into a file in place, in equal length and with its former time: only its change time tells. */
export async function rewriteQuietly(path: string, content: string): Promise<void> {
  const { atime, mtime, size } = await stat(path);
  if (size !== Buffer.byteLength(content)) throw new Error('not of equal length');
  await writeFile(path, content);
  await utimes(path, atime, mtime);
}

/** Removes paths below a root. */
export async function removeAll(root: string, ...paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(join(root, path), { recursive: true });
}
