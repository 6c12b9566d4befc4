import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { mountSmallDisk, type SmallDisk } from '../support/mounts.js';
import { makeMailTree } from '../support/trees/mail-tree.js';
import { makeSides, type Sides } from './engine-scenario.js';

/** A tree of messages to be copied, in memory: what is asked is what a kill leaves, and a disk would only take its time. */
export interface MailScene {
  readonly disk: SmallDisk;
  readonly sides: Sides;
  readonly remove: () => Promise<void>;
}

/** @param name tells whose it is. */
export function makeMailScene(name: string, seed: number, files: number): MailScene {
  const folder = mkdtempSync(join(tmpdir(), `icewarp-rollout-${name}-`));
  const disk = mountSmallDisk(folder, { inodes: 10 * files });
  const sides = makeSides(folder);
  makeMailTree(sides.source, { seed, files, filesPerFolder: 150, bytes: 2_000 });
  const remove = async (): Promise<void> => {
    await disk.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { disk, sides, remove };
}
