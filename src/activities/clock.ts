import { apart, type Lead } from '../cluster/clocks.js';
import { RolloutError } from '../cluster/errors.js';
import type { Database } from '../platform/mysql.js';

/** Looks at the server's clock; the quickest answer tells most. */
const LOOKS = 3;

/**
 * Compares this machine's clock with that of the database server, which every node can ask (B12). Names of messages
 * begin with the time, and times in the database are compared with those of nodes.
 *
 * @throws RolloutError CLOCK_OFF when they differ by more than a second.
 */
export async function assertSameClock(database: Database, server: string): Promise<void> {
  const off = apart(await leadOver(database));
  if (off === null) return;
  throw new RolloutError(
    'CLOCK_OFF',
    `this machine’s clock is ${off} that of the database server ${server}; expected is at most 1 s`,
  );
}

/** How far this machine's clock is ahead of the database server's: the most exact of a few looks. */
export async function leadOver(database: Database): Promise<Lead> {
  // In the hour after the end of summer time the local time names two moments.
  await database.run("SET SESSION time_zone = '+00:00'");
  const leads: Lead[] = [];
  for (let look = 0; look < LOOKS; look += 1) leads.push(await lead(database));
  return leads.reduce((best, one) => (one.unsure < best.unsure ? one : best));
}

async function lead(database: Database): Promise<Lead> {
  const asked = Date.now();
  const [row] = await database.rows<{ now: string | number }>('SELECT UNIX_TIMESTAMP(NOW(6)) AS now');
  const unsure = (Date.now() - asked) / 2;
  return { ahead: asked + unsure - Number(row?.now) * 1000, unsure };
}
