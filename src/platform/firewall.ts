import { isIPv4, isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from './run.js';

/** A firewall table of our own: what it keeps out of this machine, and what it holds back in it. */
export interface Barrier {
  /** Its name; tables of other names are never touched. */
  readonly table: string;
  /** TCP ports of this machine to which nobody may connect, or be connected. */
  readonly closed: readonly number[];
  /** TCP ports of others to which the user may not connect. */
  readonly held: readonly number[];
  readonly uid: number;
  /** Addresses of this machine to which both apply; none: all. */
  readonly addresses: readonly string[];
  /** Addresses of others to which neither applies. */
  readonly admit: readonly string[];
}

/** absent: there is no such table. other: one that is not as it shall be. */
export type BarrierState = 'absent' | 'equal' | 'other';

/** One object of libnftables-json(5). */
type Thing = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const FAMILY = 'inet';
/** Before the usual filters: who is refused by us need not be counted or logged by them. */
const PRIORITY = -10;

/** How a table stands in the kernel. @throws RolloutError COMMAND_MISSING, FIREWALL_REFUSED. */
export async function barrierState(barrier: Barrier, signal: AbortSignal): Promise<BarrierState> {
  if (!(await barriers(signal)).includes(barrier.table)) return 'absent';
  const text = await nft(['list', 'table', FAMILY, barrier.table], signal);
  return isDeepStrictEqual(normal(thingsIn(text)), normal(thingsOf(barrier))) ? 'equal' : 'other';
}

/**
 * Puts a table in force, in one step: there is no moment with half of it, and one of the same name is replaced. It
 * refuses packets, not only new connections, and so ends those that are open; it needs no connection tracking, whose
 * own table a busy server might fill. What it lets pass still meets every other table.
 *
 * @throws RolloutError COMMAND_MISSING, FIREWALL_REFUSED.
 */
export async function raiseBarrier(barrier: Barrier, signal: AbortSignal): Promise<void> {
  await nft(commands(raising(barrier)), signal);
}

/** Asks the kernel whether it would take a table, which it does not get. @throws RolloutError as {@link raiseBarrier}. */
export async function tryBarrier(barrier: Barrier, signal: AbortSignal): Promise<void> {
  await nft(['--check', ...commands(raising(barrier))], signal);
}

/** Takes a table away; nothing happens where there is none. @throws RolloutError as {@link raiseBarrier}. */
export async function lowerBarrier(table: string, signal: AbortSignal): Promise<void> {
  await nft(commands([{ add: named(table) }, { delete: named(table) }]), signal);
}

/** The names of all tables of the family that ours are of. @throws RolloutError as {@link raiseBarrier}. */
export async function barriers(signal: AbortSignal): Promise<readonly string[]> {
  return thingsIn(await nft(['list', 'tables', FAMILY], signal)).map(({ table }) => String(table?.['name']));
}

/** Added before it is deleted: deleting one that is not there would fail. */
function raising(barrier: Barrier): readonly unknown[] {
  const { table } = barrier;
  return [{ add: named(table) }, { delete: named(table) }, ...thingsOf(barrier).map((thing) => ({ add: thing }))];
}

const named = (table: string): Thing => ({ table: { family: FAMILY, name: table } });

function thingsOf({ table, closed, held, uid, addresses, admit }: Barrier): readonly Thing[] {
  const of = { family: FAMILY, table };
  const set = (name: string, type: string, elem: readonly (string | number)[]): Thing => ({
    set: { ...of, name, type, ...(elem.length === 0 ? {} : { elem }) },
  });
  const chain = (hook: string): Thing => ({
    chain: { ...of, name: hook, type: 'filter', hook, prio: PRIORITY, policy: 'accept' },
  });
  const rule = (hook: string, ...expr: readonly unknown[]): Thing => ({ rule: { ...of, chain: hook, expr } });
  /** The rule for packets to or from any address of the machine, or one for each family of those that are named. */
  const refuse = (hook: string, own: 'saddr' | 'daddr', ...match: readonly unknown[]): readonly Thing[] => {
    if (addresses.length === 0) return [rule(hook, ...match, REJECT)];
    return [
      rule(hook, field('ip', own, '@own4'), ...match, REJECT),
      rule(hook, field('ip6', own, '@own6'), ...match, REJECT),
    ];
  };
  return [
    ...[named(table)],
    set('own4', 'ipv4_addr', addresses.filter(isIPv4)),
    set('own6', 'ipv6_addr', addresses.filter(isIPv6)),
    set('admitted4', 'ipv4_addr', admit.filter(isIPv4)),
    set('admitted6', 'ipv6_addr', admit.filter(isIPv6)),
    set('closed', 'inet_service', closed),
    set('held', 'inet_service', held),
    chain('input'),
    chain('output'),
    rule('input', field('ip', 'saddr', '@admitted4'), ACCEPT),
    rule('input', field('ip6', 'saddr', '@admitted6'), ACCEPT),
    ...refuse('input', 'daddr', field('tcp', 'dport', '@closed')),
    rule('output', field('ip', 'daddr', '@admitted4'), ACCEPT),
    rule('output', field('ip6', 'daddr', '@admitted6'), ACCEPT),
    ...refuse(
      'output',
      'saddr',
      { match: { op: '==', left: { meta: { key: 'skuid' } }, right: uid } },
      field('tcp', 'dport', '@held'),
    ),
  ];
}

const ACCEPT = { accept: null };
/** Whoever is refused notices at once, and mail servers try again. */
const REJECT = { reject: { type: 'tcp reset' } };

function field(protocol: string, name: string, right: string): unknown {
  return { match: { op: '==', left: { payload: { protocol, field: name } }, right } };
}

/** Things in an order of their own, rules in theirs, elements sorted, without the kernel's numbers. */
function normal(things: readonly Thing[]): readonly unknown[] {
  const entries = things.flatMap((thing) =>
    Object.entries(thing).map(([kind, { handle: _, elem, ...rest }]) => ({
      key: `${kind} ${String(rest['name'] ?? rest['chain'])}`,
      kind,
      ...rest,
      elements: (Array.isArray(elem) ? elem.map(String) : []).sort(),
    })),
  );
  return entries.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0));
}

/** What `nft` lists, but for what it says of itself. */
function thingsIn(text: string): readonly Thing[] {
  const { nftables } = JSON.parse(text) as { readonly nftables: readonly Thing[] };
  return nftables.filter((thing) => !('metainfo' in thing));
}

/** What nft is to do, all of it or nothing. As an argument: it opens its standard input by name, which no socket has. */
function commands(list: readonly unknown[]): readonly string[] {
  return [JSON.stringify({ nftables: list })];
}

async function nft(args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    return (await runCommand('nft', ['-j', ...args], { signal, timeout: 30_000 })).stdout;
  } catch (error) {
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_FAILED') throw error;
    throw new RolloutError('FIREWALL_REFUSED', 'nftables refuses what is asked of it', { cause: error });
  }
}
