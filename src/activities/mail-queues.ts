import { RolloutError } from '../cluster/errors.js';
import { isInstalled } from '../icewarp/layout.js';
import { LINE, lineOf } from '../icewarp/path-dat.js';
import { sha256OrNull } from '../platform/vault.js';
import type { Owner } from './folder-set.js';
import { assertLinesOurs, linesIn, putBackPathDat, readPathDatBytes, writePathDatLines } from './path-dat-file.js';
import type { Lines } from './path-dat-file.js';
import { moveQueues, takeQueuesBack } from './queue-move.js';
import { countQueued, foldersOf, letArrive, QUEUE_ROLES, queuesInForce, type Queues } from './queues.js';
import type { Change, Resource } from './resource.js';
import { markRestart, stopForChange } from './restart-marker.js';

/** Where the queues of the first node shall be: on its own disk (B2; procedure, rule 3). */
export interface MailQueuesDesired {
  readonly directory: string;
  /** As path.dat names them. */
  readonly queues: Queues;
  readonly owner: Owner;
}

export interface MailQueuesObserved {
  /** The folders in force. */
  readonly queues: Queues;
  /** What path.dat says of them. */
  readonly lines: Queues;
  /** Messages that wait in those in force. */
  readonly waiting: number;
  /** Names the original path.dat in the vault; null: there is none. */
  readonly sha256: string | null;
}

/** Milliseconds that running services get to deliver what has come in. */
const DELIVERY = 20_000;

/**
 * The queues of the first node move to its own disk, with what waits in them, exactly once: with the services stopped,
 * copied and made durable, compared, and the old folder renamed to a name at which no service looks, before path.dat
 * names the new ones (B2; procedure, rule 3).
 */
export const mailQueues: Resource<MailQueuesDesired, MailQueuesObserved, 'node'> = {
  place: 'node',

  async observe({ directory }, { signal }) {
    if (!(await isInstalled(directory))) return null;
    const bytes = await readPathDatBytes(directory);
    const queues = await queuesInForce(directory, signal);
    const waiting = await countQueued(foldersOf(queues), signal);
    return { queues, lines: queueLines(bytes), waiting, sha256: sha256OrNull(bytes) };
  },

  diff({ queues }, observed) {
    return QUEUE_ROLES.flatMap((role): Change[] => {
      if (observed?.lines[role] === queues[role]) return [];
      const before = observed?.queues[role] ?? '';
      return [{ what: `${role} queue`, before: before === '' ? 'unknown' : before, after: queues[role] }];
    });
  },

  async apply(desired, context) {
    const { directory, queues, owner } = desired;
    const now = await mailQueues.observe(desired, context);
    if (now === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${directory}`);
    if (mailQueues.diff(desired, now).length === 0) return;
    const bytes = await readPathDatBytes(directory);
    await context.vault.keep(bytes);
    await letArrive(directory, now.queues.incoming, DELIVERY, context.signal);
    await stopForChange(directory, context);
    await moveQueues(now.queues, queues, owner, context);
    await markRestart(context.agent, 'mail queues');
    await writePathDatLines(directory, linesIn(bytes), desiredLines(desired));
  },

  async restore(desired, before, context) {
    const { directory, queues } = desired;
    if (before === null || !(await isInstalled(directory))) return [];
    if (!(await context.vault.has())) return [];
    const bytes = await readPathDatBytes(directory);
    const original = await context.vault.original(before.sha256);
    assertLinesOurs(linesIn(bytes), linesIn(original), desiredLines(desired));
    const switched = QUEUE_ROLES.every((role) => queueLines(bytes)[role] === queues[role]);
    await stopForChange(directory, context);
    await markRestart(context.agent, 'mail queues put back');
    return takeQueuesBack({ from: before.queues, to: queues, switched }, context, async () => {
      if (sha256OrNull(bytes) !== before.sha256) await putBackPathDat(directory, original);
    });
  },
};

function queueLines(bytes: Buffer | null): Queues {
  const lines = linesIn(bytes);
  const of = (role: keyof Queues): string => lineOf(lines, LINE[role]);
  return { outgoing: of('outgoing'), retry: of('retry'), incoming: of('incoming') };
}

function desiredLines({ queues }: MailQueuesDesired): Lines {
  return Object.fromEntries(QUEUE_ROLES.map((role) => [LINE[role], queues[role]]));
}
