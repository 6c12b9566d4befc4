import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../../cluster/errors.js';
import { ACCOUNTS } from '../../platform/haproxy/configuration.js';
import { askHaproxy } from './runtime.js';

/** What HAProxy thinks of one node for one service. */
export interface ServerState {
  readonly service: string;
  readonly node: string;
  /** HAProxy's own word, such as `UP`, `UP 1/3`, `DOWN` or `MAINT`. */
  readonly status: string;
  /** How the last check ended, such as `L7OK` or `L4CON`; empty before the first one has. */
  readonly check: string;
}

/** Milliseconds within which a node passes every check twice in a row, even if it was down a moment ago. */
const VERDICT = 30_000;
const GLANCE = 300;

/** The servers in the answer to `show stat`. */
function parseStates(answer: string): readonly ServerState[] {
  const [header = '', ...lines] = answer.replace(/^# /, '').split('\n');
  const names = header.split(',');
  const column = (name: string): number => names.indexOf(name);
  const [proxy, server, status, check] = ['pxname', 'svname', 'status', 'check_status'].map(column);
  if (proxy === undefined || server === undefined || status === undefined || check === undefined) return [];
  return lines
    .map((line) => line.split(','))
    .filter((cells) => cells.length > status && !['', 'FRONTEND', 'BACKEND'].includes(cells[server] ?? ''))
    .map((cells) => ({
      service: cells[proxy] ?? '',
      node: cells[server] ?? '',
      status: cells[status] ?? '',
      // a star marks a check that is under way
      check: (cells[check] ?? '').replace(/^\* /, ''),
    }));
}

/** What the running HAProxy thinks of every node. */
export async function statesNow(socket: string, signal: AbortSignal): Promise<readonly ServerState[]> {
  return parseStates(await askHaproxy(socket, 'show stat', signal));
}

/** The nodes that the running HAProxy lets clients to, whatever its checks say. */
export function admittedNow(states: readonly ServerState[]): ReadonlySet<string> {
  return new Set(states.filter(({ status }) => !status.startsWith('MAINT')).map(({ node }) => node));
}

/**
 * Waits until a node has passed HAProxy's own checks on every service: the affinity keeps a prober away from a node that
 * is let in later, so that only this shows whether it would be used.
 *
 * @returns the number of services.
 * @throws RolloutError PROBE_FAILED with the checks that failed.
 */
export async function passesChecks(node: string, socket: string, signal: AbortSignal): Promise<number> {
  const deadline = Date.now() + VERDICT;
  for (;;) {
    const states = (await statesNow(socket, signal)).filter((state) => state.node === node);
    const wrong = states.filter(({ status, check }) => status !== 'UP' || !/^L[467]OK$/.test(check));
    if (states.length > 0 && wrong.length === 0) {
      return states.filter(({ service }) => service !== ACCOUNTS).length;
    }
    const out = states.length === 0 || wrong.some(({ status }) => status.startsWith('MAINT'));
    if (out || Date.now() > deadline) throw new RolloutError('PROBE_FAILED', failedChecks(node, wrong));
    await sleep(GLANCE, undefined, { signal });
  }
}

function failedChecks(node: string, wrong: readonly ServerState[]): string {
  const named = wrong
    .map(({ service, status, check }) => `${service} is ${status} (${check || 'not checked'})`)
    .join(', ');
  const why = wrong.some(({ service }) => service === ACCOUNTS)
    ? '; by SMTP the node does not take mail for the probe account from the balancer’s address: it must be exempt from greylisting, blocking and intrusion prevention, and with clientAddress proxy the listener must read PROXY headers from it'
    : '';
  return `HAProxy’s checks of node ${node}: expected every service to be up, but ${named || 'it does not know the node'}${why}`;
}
