import type { ShareFitness } from '../../activities/share-fitness.js';
import { sharedFolder, type Machine } from '../../cluster/names.js';
import { mailTree } from '../../icewarp/mail-tree.js';
import type { TreeSize } from '../../platform/tree.js';
import type { Cluster } from '../guide.js';
import { completePass, runTreePass } from '../migrate-tree.js';
import type { Runner } from '../runner.js';
import { plantOldMessages } from './old-messages.js';

/** How fast the first node works on the share. */
export type ShareSpeed = Pick<ShareFitness, 'filesPerSecond' | 'bytesPerSecond'>;

/** What mail and archives are called, on the share too, and the requirement that moves them. */
const THINGS = {
  mail: { things: 'mail', guide: 'G15' },
  archive: { things: 'archives', guide: 'G16' },
} as const;

/** Seconds: what has piled up in less is carried by the final pass, while users wait. */
const SHORT = 300;
/** A source that changes faster than it can be copied is not run after for ever. */
const MOST_DELTAS = 5;

/**
 * The mail or the archives of the first node go to the share (G15, G16): a first copy, its verification and further
 * passes while users work, then a final pass with the services stopped, after which every node has to see it all.
 *
 * @returns whether any moves.
 */
export async function moveOldMail(
  run: Runner,
  cluster: Cluster,
  node: Machine<'node'>,
  what: 'mail' | 'archive',
  speed: ShareSpeed | null,
): Promise<boolean> {
  const { file } = cluster;
  const { directory } = file.icewarp;
  const { uid, gid, mount } = file.share;
  const { things, guide } = THINGS[what];
  const to = sharedFolder(file, things);
  const desired = { directory, mount, cluster: file.name, what, to, owner: { uid, gid } };
  const there = await run.act('roomForMail', node, desired, {
    title: `room and names on the share for old ${things}`,
    guide,
    label: what,
  });
  const expected = there === null || speed === null ? null : secondsFor(there, speed);
  const moves = await run.step(
    'oldMail',
    node,
    desired,
    { title: `old ${things} copied to the share`, guide, label: what, expected },
    async ({ from }) => {
      if (what === 'mail') await plantOldMessages(run, cluster);
      const tree = mailTree(what, from, to, 'live', desired.owner);
      const input = { cluster: file.name, node: node.name, tree };
      const seed = completePass(await runTreePass({ ...input, pass: 'seed' }, 'seed'));
      const verified = completePass(await runTreePass({ ...input, pass: 'verify' }, 'verify'));
      let behind = seed.seconds + verified.seconds;
      for (let round = 1; behind > SHORT && round <= MOST_DELTAS; round += 1) {
        behind = completePass(await runTreePass({ ...input, pass: 'delta' }, `delta-${round}`)).seconds;
      }
    },
  );
  if (moves) await seenByEveryNode(run, cluster, node, what);
  return moves;
}

/**
 * Nothing of what the tree held when the services had stopped is missing on the share, through every node (rule 18). Now,
 * because they are still stopped: later, users move and delete.
 */
async function seenByEveryNode(
  run: Runner,
  { file, on }: Cluster,
  maker: Machine<'node'>,
  what: 'mail' | 'archive',
): Promise<void> {
  const { uid, gid, mount } = file.share;
  const { things, guide } = THINGS[what];
  const input = {
    what,
    to: sharedFolder(file, things),
    mount,
    cluster: file.name,
    owner: { uid, gid },
    pass: sharedFolder(file, '_yodaidx'),
  };
  const title = `old ${things}`;
  const about = { guide, label: what, disturbs: true };
  await run.act(
    'shareInventory',
    maker,
    { ...input, own: true },
    { ...about, title: `${title}: what it held with the services stopped` },
  );
  const others = on.nodes.filter((node) => node !== maker);
  const find = async (node: Machine<'node'>): Promise<void> => {
    await run.act(
      'mailFound',
      node,
      { ...input, own: node === maker },
      { ...about, title: `${title}: nothing is missing, a sample by hash` },
    );
  };
  await run.each(others, find);
  // last, because it takes the list off the share
  await find(maker);
}

/** What a copy takes on a share of that speed: the files, and the bytes beside them. */
function secondsFor({ files, bytes }: TreeSize, { filesPerSecond, bytesPerSecond }: ShareSpeed): number {
  return Math.ceil(files / filesPerSecond + bytes / bytesPerSecond);
}
