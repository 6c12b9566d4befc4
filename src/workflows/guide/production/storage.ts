import { mailTree, type TreeName } from '../../../icewarp/mail-tree.js';
import type { PassResult } from '../../../transfer/types.js';
import type { SkippedList } from '../../status.js';
import type { Runner } from '../../runner.js';
import { directorySettings } from '../first-node-settings.js';
import { localQueues } from '../first-node-steps.js';
import { finalPassSeconds, treeBack, type BackPart, type TreeMeasured } from '../forecast.js';
import { seenByEveryNode } from '../old-mail.js';
import { plantOldMessages, probeOldMessages } from '../old-messages.js';
import type { Prepared } from '../production.js';
import { probeNodeAlone } from '../probes.js';
import { startServices, stopServices, treeDesired, type First } from './stop.js';

/** Trees, what the operator calls them, and the requirement that moves them. */
const WORDS: Readonly<Record<TreeName, { readonly things: string; readonly guide: string }>> = {
  mail: { things: 'mail', guide: 'G15' },
  archive: { things: 'archives', guide: 'G16' },
  calendar: { things: 'calendar attachments', guide: 'G20' },
};

/** A source that changes faster than it can be copied is not run after for ever. */
const MOST_DELTAS = 5;
/** A pass that takes so much of the one before is as short as it gets. */
const SHRINKS = 0.7;

const about = {
  title: 'directories, archive, automatic check of the configuration',
  guide: 'G14 G16 G19',
  label: 'directories',
};

/** What the mail settings lead to; the calendar is where path.dat says, and moves with the configuration. */
function treesOf({ file }: First): readonly Exclude<TreeName, 'calendar'>[] {
  return file.mail.archive ? ['mail', 'archive'] : ['mail'];
}

function settingsDesired({ file }: First): {
  directory: string;
  mount: string;
  values: ReturnType<typeof directorySettings>;
} {
  return { directory: file.icewarp.directory, mount: file.share.mount, values: directorySettings(file) };
}

/** Whether the node still works on folders of its own. */
export function storageMoves(run: Runner, first: First): Promise<boolean> {
  return run.wouldChange('settings', first.node, settingsDesired(first), about);
}

/**
 * The trees are copied while users work: a first copy, its verification, and further passes until they get no shorter.
 * What the last ones took forecasts the one for which everything stops (procedure, Order 2, steps 6 and 7).
 */
export async function prepareStorage(run: Runner, first: First): Promise<Prepared> {
  await plantOldMessages(run, first);
  return prepareTrees(run, first, treesOf(first));
}

/** Copies trees while users work, and tells how long their final passes will take. */
export async function prepareTrees(run: Runner, first: First, trees: readonly TreeName[]): Promise<Prepared> {
  const [parts, skipped, back]: [(number | null)[], SkippedList[], BackPart[]] = [[], [], []];
  for (const what of trees) {
    const { passes, rewritten, apart } = await passesOver(run, first, what);
    parts.push(run.plans ? null : finalPassSeconds({ passes, rewritten }));
    back.push(treeBack(WORDS[what].things, { passes, rewritten }, first.speed, apart));
    skipped.push(...(await skippedOf(run, first, what)));
  }
  const seconds = parts.every((one) => one !== null) ? parts.reduce<number>((sum, one) => sum + one, 0) : null;
  return { seconds, skipped, back };
}

/** @returns what the passes that copied measured, the oldest first. */
async function passesOver(
  run: Runner,
  first: First,
  what: TreeName,
): Promise<TreeMeasured & { readonly apart: number | null }> {
  const { node } = first;
  const { things, guide } = WORDS[what];
  const desired = treeDesired(first, what);
  const measured = await run.act('roomForMail', node, desired, {
    title: `room and names on the share for ${things}`,
    guide,
    label: what,
  });
  const begins = await run.step('treeSeeded', node, desired, {
    title: `${things} copied to the share while users work`,
    guide,
    label: what,
  });
  const passes: PassResult[] = [];
  const began: number[] = [];
  if (begins) {
    began.push(Date.now());
    const seed = await pass(run, first, what, 'seed', 'seed');
    if (seed !== null) passes.push(seed);
    await run.pass(await input(run, first, what, 'verify'), node, {
      title: `copy of ${things} read again`,
      guide,
      label: `${what}-verify`,
    });
  }
  for (let round = 1; round <= MOST_DELTAS; round += 1) {
    began.push(Date.now());
    const delta = await pass(run, first, what, 'delta', `delta-${round}`);
    if (delta === null) break;
    const earlier = passes.at(-1)?.seconds ?? Infinity;
    passes.push(delta);
    if (delta.seconds > SHRINKS * earlier || delta.seconds < 1) break;
  }
  const [latest, former] = [began.at(-1), began.at(-2)];
  const apart = latest === undefined || former === undefined ? null : (latest - former) / 1_000;
  return { passes, rewritten: measured?.rewritten ?? { files: 0, bytes: 0 }, apart };
}

/** Once more, right before the stop: what has changed while it was waited for. */
export function catchUp(run: Runner, first: First): Promise<void> {
  return catchUpWith(run, first, treesOf(first));
}

export async function catchUpWith(run: Runner, first: First, trees: readonly TreeName[]): Promise<void> {
  for (const what of trees) await pass(run, first, what, 'delta', 'delta-last');
}

async function pass(
  run: Runner,
  first: First,
  what: TreeName,
  kind: 'seed' | 'delta',
  label: string,
): Promise<PassResult | null> {
  const { things, guide } = WORDS[what];
  const title = kind === 'seed' ? `first copy of ${things}` : `what has changed in ${things}`;
  const result = await run.pass(await input(run, first, what, kind), first.node, {
    title,
    guide,
    label: `${what}-${label}`,
  });
  return result === null || 'checked' in result ? null : result;
}

async function input(
  run: Runner,
  first: First,
  what: TreeName,
  kind: 'seed' | 'delta' | 'verify',
): Promise<Parameters<Runner['pass']>[0]> {
  const { file, node } = first;
  const { directory, to, owner } = treeDesired(first, what);
  const place = { title: `where ${WORDS[what].things} are`, guide: WORDS[what].guide, label: what };
  const found = await run.look('treeInForce', node, { directory, what, to }, place);
  const tree = mailTree(what, found?.from ?? '', to, 'live', owner);
  return { cluster: file.name, node: node.name, tree, pass: kind };
}

/** Items that would be left behind: an operator approves of exactly that list. */
async function skippedOf(run: Runner, { node }: First, what: TreeName): Promise<readonly SkippedList[]> {
  const title = `what of ${WORDS[what].things} cannot be carried over`;
  const found = await run.look('skippedItems', node, { what }, { title, guide: 'G15', label: what });
  return found === null || found.missing === 0 ? [] : [{ what, hash: found.hash, count: found.missing }];
}

/** With the services stopped: what is still missing, and a second walk that finds nothing. */
export async function finalPass(run: Runner, first: First, what: TreeName): Promise<void> {
  const { things, guide } = WORDS[what];
  await run.step('treeFinal', first.node, () => ({ ...treeDesired(first, what), skipped: run.approvedSkipped }), {
    title: `final pass over ${things}`,
    guide,
    label: what,
    copies: true,
  });
}

/** The final passes, with nobody writing, the queues, and the settings that lead to the share (steps 9 and 10). */
export async function moveStorage(run: Runner, first: First): Promise<void> {
  const { node, spec } = first;
  const moves = await run.wouldChange('settings', node, settingsDesired(first), about);
  if (moves) await stopServices(run, first, 'storage');
  for (const what of treesOf(first)) {
    await finalPass(run, first, what);
    if (moves) await seenByEveryNode(run, first, node, what);
  }
  await localQueues(run, first, node);
  await run.switched();
  await run.step('settings', node, settingsDesired(first), about);
  await startServices(run, first, 'directories');
  await probeNodeAlone(run, first, spec, 'storage');
  if (moves) await probeOldMessages(run, first, spec, 'storage');
}
