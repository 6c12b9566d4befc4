import { stat } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { isInstalled, holdsSettings } from '../icewarp/layout.js';
import { LINE, lineOf, titleOf, withLines } from '../icewarp/path-dat.js';
import type { PathDat } from '../icewarp/path-dat.js';
import { sha256OrNull } from '../platform/vault.js';
import { refuseAccounts, refuseMail } from './accounts-present.js';
import { isByPasses } from './configuration-copy.js';
import { readMark } from './configuration-mark.js';
import { assertLinesOurs, linesIn, putBackPathDat, readPathDatBytes, writePathDatLines } from './path-dat-file.js';
import { foldersOf, QUEUE_LINES, queuesInForce, stopWithQueuesEmpty } from './queues.js';
import type { Change, Context, Resource } from './resource.js';
import { markRestart, stopForChange } from './restart-marker.js';
import { copyConfiguration } from './shared-configuration.js';
import type { ConfigurationCopy } from './shared-configuration.js';

/** What path.dat of one node says (G17, G18, G20, G21). */
export interface PathDatDesired {
  readonly directory: string;
  /** Line number → content; lines not named keep what they hold. */
  readonly lines: Readonly<Record<number, string>>;
  /** The cluster whose configuration must already be where line 1 points (procedure, rule 1). */
  readonly cluster: string;
  /** The node brings nothing along: accounts and mail of its own would be out of reach from then on. */
  readonly joins?: boolean;
  /** Full addresses of accounts that the rollout makes, which an earlier attempt may have left on a joining node. */
  readonly own?: readonly string[];
  /** Where the share is mounted: the step looks there. */
  readonly mount?: string;
}

export interface PathDatObserved {
  /** Names the original in the vault; null: there is no such file. */
  readonly sha256: string | null;
  /** The lines that are to be written, as they are. Line 5 holds passwords and is never among them. */
  readonly lines: Readonly<Record<number, string>>;
}

const REASON = 'path.dat';

export const pathDat: Resource<PathDatDesired, PathDatObserved, 'node'> = {
  place: 'node',

  async observe(desired) {
    if (!(await isInstalled(desired.directory))) return null;
    const bytes = await readPathDatBytes(desired.directory);
    const lines = linesIn(bytes);
    const shown = numbersOf(desired).map((number) => [number, lineOf(lines, number)] as const);
    return { sha256: sha256OrNull(bytes), lines: Object.fromEntries(shown) };
  },

  diff(desired, observed) {
    return numbersOf(desired).flatMap((number): Change[] => {
      const [before, after] = [observed?.lines[number] ?? '', desired.lines[number] ?? ''];
      if (before === after) return [];
      return [{ what: titleOf(number), before: before || 'empty', after: after || 'empty' }];
    });
  },

  async apply(desired, context) {
    const { directory } = desired;
    const bytes = await readPathDatBytes(directory);
    const lines = linesIn(bytes);
    if (agrees(lines, desired)) return;
    await context.vault.keep(bytes);
    if (desired.joins === true && lineOf(lines, LINE.config) === '') await assertBringsNothing(desired, context);
    const copy = await ownCopy(lines, desired, context);
    if (copy === null) await assertSharedConfiguration(lines, desired, context.signal);
    await stopFor(lines, withLines(lines, desired.lines), desired, context);
    if (copy !== null) {
      // The node may have served for days since its configuration was copied.
      await copyConfiguration(copy, context);
      await assertSharedConfiguration(lines, desired, context.signal);
    }
    await markRestart(context.agent, REASON);
    const ours = numbersOf(desired).map((number) => [number, desired.lines[number] ?? ''] as const);
    await writePathDatLines(directory, lines, Object.fromEntries(ours));
  },

  async restore(desired, before, context) {
    const { directory } = desired;
    if (!(await isInstalled(directory))) return [];
    const bytes = await readPathDatBytes(directory);
    const former = before?.sha256 ?? null;
    if (sha256OrNull(bytes) === former) return [];
    const lines = linesIn(bytes);
    const asBefore = numbersOf(desired).every((number) => lineOf(lines, number) === (before?.lines[number] ?? ''));
    // `apply` fills the vault before its first write: whatever else the file says now is not ours.
    if (asBefore && !(await context.vault.has())) return [];
    const original = await context.vault.original(former);
    assertLinesOurs(lines, linesIn(original), desired.lines);
    await stopFor(lines, linesIn(original), desired, context);
    await markRestart(context.agent, `${REASON} put back`);
    await putBackPathDat(directory, original);
    return [];
  },
};

async function assertBringsNothing({ directory, own = [] }: PathDatDesired, { signal }: Context): Promise<void> {
  await refuseAccounts(directory, own, signal);
  await refuseMail(directory, signal);
}

/**
 * Stops the services; where other queues come into force, with nothing in those that are: the first node's have moved
 * before, with what waited in them, and a joining node brings nothing.
 *
 * @throws RolloutError QUEUE_NOT_EMPTY.
 */
async function stopFor(now: PathDat, next: PathDat, { directory }: PathDatDesired, context: Context): Promise<void> {
  if (QUEUE_LINES.every((number) => lineOf(now, number) === lineOf(next, number))) {
    await stopForChange(directory, context);
    return;
  }
  await stopWithQueuesEmpty(directory, foldersOf(await queuesInForce(directory, context.signal)), context);
}

/** The copy of this node's own configuration that it is about to use; null: it is joined, or joins another's. */
async function ownCopy(
  now: PathDat,
  { directory, lines, cluster, joins }: PathDatDesired,
  { agent }: Context,
): Promise<ConfigurationCopy | null> {
  const { [LINE.config]: config = '', [LINE.spam]: spam = '', [LINE.calendar]: calendar = '' } = lines;
  const folders = [config, spam, calendar];
  if (joins === true || folders.includes('') || lineOf(now, LINE.config) === config) return null;
  const marks = await Promise.all(folders.map(readMark));
  // One of them is enough: a copy that is made anew is away for a while, one after the other.
  const marked = folders.find((_, index) => marks[index]?.cluster === cluster && marks[index].node === agent.machine);
  if (marked === undefined) return null;
  const { uid, gid } = await stat(marked);
  const to = { config, spam, calendar };
  const calendarByPasses = isByPasses(marks[folders.indexOf(calendar)] ?? null);
  return { directory, to, calendarByPasses, cluster, node: agent.machine, uid, gid };
}

/**
 * No node is pointed at a configuration that is not there: IceWarp would write defaults and refuse real mail.
 *
 * @throws RolloutError CONFIG_EMPTY.
 */
async function assertSharedConfiguration(
  now: PathDat,
  { lines, cluster }: PathDatDesired,
  signal: AbortSignal,
): Promise<void> {
  const config = lines[LINE.config] ?? '';
  if (config === '') return;
  if (!(await holdsSettings(config, signal))) throw new RolloutError('CONFIG_EMPTY', `${config} holds no settings`);
  if (lineOf(now, LINE.config) === config) return;
  const mark = await readMark(config);
  // Without a hash the copy was never finished.
  if (mark?.cluster === cluster && mark.hash !== '') return;
  throw new RolloutError('CONFIG_EMPTY', `${config} bears no mark of cluster ${cluster}: nothing was copied there`);
}

function agrees(lines: PathDat, desired: PathDatDesired): boolean {
  return numbersOf(desired).every((number) => lineOf(lines, number) === desired.lines[number]);
}

function numbersOf({ lines }: PathDatDesired): readonly number[] {
  return Object.keys(lines)
    .map(Number)
    .filter((number) => number !== LINE.remoteLogon);
}
