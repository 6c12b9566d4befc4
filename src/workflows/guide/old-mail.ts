import type { ShareFitness } from '../../activities/share-fitness.js';
import { sharedFolder, type Machine } from '../../cluster/names.js';
import { mailTree } from '../../icewarp/mail-tree.js';
import type { TreeSize } from '../../platform/tree.js';
import { failure } from '../calls.js';
import type { Cluster } from '../guide.js';
import { runTreePass, type MigrateTreeResult } from '../migrate-tree.js';
import type { Runner } from '../runner.js';

/** How fast the first node works on the share. */
export type ShareSpeed = Pick<ShareFitness, 'filesPerSecond' | 'bytesPerSecond'>;

/** Seconds: what has piled up in less is carried by the final pass, while users wait. */
const SHORT = 300;
/** A source that changes faster than it can be copied is not run after for ever. */
const MOST_DELTAS = 5;

/**
 * The mail or the archives of the first node go to the share (G15, G16): a first copy, its verification and further
 * passes while users work, then a final pass with the services stopped.
 */
export async function moveOldMail(
  run: Runner,
  { file }: Cluster,
  node: Machine<'node'>,
  what: 'mail' | 'archive',
  speed: ShareSpeed | null,
): Promise<void> {
  const { directory } = file.icewarp;
  const { uid, gid, mount } = file.share;
  const to = sharedFolder(file, what === 'mail' ? 'mail' : 'archives');
  const desired = { directory, mount, cluster: file.name, what, to, owner: { uid, gid } };
  const things = what === 'mail' ? 'mail' : 'archives';
  const guide = what === 'mail' ? 'G15' : 'G16';
  const there = await run.act('roomForMail', node, desired, {
    title: `room and names on the share for old ${things}`,
    guide,
    label: what,
  });
  const expected = there === null || speed === null ? null : secondsFor(there, speed);
  await run.step(
    'oldMail',
    node,
    desired,
    { title: `old ${things} copied to the share`, guide, label: what, expected },
    async ({ from }) => {
      const tree = mailTree(what, from, to, 'live', desired.owner);
      const input = { cluster: file.name, node: node.name, tree };
      const seed = complete(await runTreePass({ ...input, pass: 'seed' }, 'seed'));
      const verified = complete(await runTreePass({ ...input, pass: 'verify' }, 'verify'));
      let behind = seed.seconds + verified.seconds;
      for (let round = 1; behind > SHORT && round <= MOST_DELTAS; round += 1) {
        behind = complete(await runTreePass({ ...input, pass: 'delta' }, `delta-${round}`)).seconds;
      }
    },
  );
}

/** What a copy takes on a share of that speed: the files, and the bytes beside them. */
function secondsFor({ files, bytes }: TreeSize, { filesPerSecond, bytesPerSecond }: ShareSpeed): number {
  return Math.ceil(files / filesPerSecond + bytes / bytesPerSecond);
}

/** @throws ApplicationFailure COPY_INCOMPLETE, COPY_DIFFERS. */
function complete({ result }: MigrateTreeResult): MigrateTreeResult['result'] {
  if ('checked' in result) {
    const { outcome, different, differencesFile = '' } = result;
    if (outcome === 'equal') return result;
    throw failure('COPY_DIFFERS', `${different} files on the share are not what was copied: ${differencesFile}`);
  }
  const { outcome, why = '', skippedFile = '' } = result;
  if (outcome === 'done') return result;
  throw failure('COPY_INCOMPLETE', `${why} ${skippedFile}`.trim());
}
