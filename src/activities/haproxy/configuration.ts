import { isIPv6 } from 'node:net';

import type { ServiceName } from '../../cluster/services.js';
import type { BalancedNode, BalancedService, BalancerDesired } from './desired.js';
import { healthCheckOf } from './health-check.js';
import { sealed } from './seal.js';

/** Minutes of silence after which HAProxy gives up a connection: IMAP IDLE may be silent for 29 (procedure, rule 14). */
const SILENCE = 35;
/** The same for protocols that stay silent for longer: ActiveSync's long polls and XMPP. */
const LONG_SILENCE = 65;
const LONG_SILENT: ReadonlySet<ServiceName> = new Set(['http', 'https', 'xmpp']);

/**
 * Port on which an old HAProxy hands the affinity table to its successor at a reload. Below 1024, so that no user's
 * process can pose as either.
 */
const HANDOVER_PORT = 1023;

/** The backend that only holds the affinity table. */
export const AFFINITY_TABLE = 'affinity';

/** The word that ends the line of a node that is not let in. */
export const NOT_ADMITTED = 'disabled';

/**
 * HAProxy's whole configuration (G25): per service one frontend and one backend, in TCP mode because of STARTTLS; one
 * affinity table for all services, so that a user's web session and mail meet the same node (B5); the master as
 * backup (B6); nodes outside `admitted` take no connections. Pure; for HAProxy 2.6 and later.
 */
export function renderConfiguration(desired: BalancerDesired, admitted: ReadonlySet<string>, socket: string): string {
  const { address, services, nodes } = desired;
  const sections = [
    globalSection(socket),
    DEFAULTS,
    affinitySections(address),
    ...services.map((service) => serviceSections(address, service, nodes, admitted)),
  ];
  return sealed(sections.join('\n'));
}

function globalSection(socket: string): string {
  return `global
    log /dev/log local0
    chroot /var/lib/haproxy
    user haproxy
    group haproxy
    daemon
    # Containers may allow a thousand million open files, for which HAProxy would reserve memory.
    fd-hard-limit 65536
    stats socket ${socket} mode 600 level admin
    stats timeout 30s
    localpeer icewarp-rollout
    # After a reload the old process serves its connections on, without checks; one day it has to end.
    hard-stop-after 12h
`;
}

const DEFAULTS = `defaults
    mode tcp
    log global
    option tcplog
    option log-health-checks
    option redispatch
    balance leastconn
    retries 2
    timeout connect 5s
    timeout check 5s
    timeout client ${SILENCE}m
    timeout server ${SILENCE}m
    timeout tunnel ${SILENCE}m
    timeout client-fin 30s
    timeout server-fin 30s
    default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions
`;

function affinitySections(address: string): string {
  return `# The new process gets the affinity table from the old one, so a reload moves no user to another node.
peers icewarp-rollout
    peer icewarp-rollout ${address.startsWith('127.') ? address : '127.0.0.1'}:${HANDOVER_PORT}

backend ${AFFINITY_TABLE}
    stick-table type ${isIPv6(address) ? 'ipv6' : 'ip'} size 200k expire 10h peers icewarp-rollout
`;
}

function serviceSections(
  address: string,
  { name, port, nodePort }: BalancedService,
  nodes: readonly BalancedNode[],
  admitted: ReadonlySet<string>,
): string {
  const { lines, words } = healthCheckOf(name);
  const silence = LONG_SILENT.has(name) ? LONG_SILENCE : undefined;
  return block([
    `frontend ${name}`,
    `    bind ${endpoint(address, port)}`,
    silence && `    timeout client ${silence}m`,
    `    default_backend ${name}`,
    '',
    `backend ${name}`,
    silence && `    timeout server ${silence}m`,
    silence && `    timeout tunnel ${silence}m`,
    ...lines.map((line) => `    ${line}`),
    ...affinityLines(name, nodes),
    ...nodes.map((node) => serverLine(node, nodePort, words, admitted.has(node.id))),
  ]);
}

/** A client sticks to a node, but never to the backup: it would stay there long after the others are back. */
function affinityLines(service: ServiceName, nodes: readonly BalancedNode[]): string[] {
  const others = nodes.filter(({ backup }) => !backup);
  return [
    ...others.map(({ id }) => `    acl node-up srv_is_up(${service}/${id})`),
    `    stick on src table ${AFFINITY_TABLE} if node-up`,
  ];
}

function serverLine({ id, address, weight, backup }: BalancedNode, port: number, check: string, admitted: boolean) {
  const words = ['    server', id, endpoint(address, port), 'weight', weight, check];
  if (backup) words.push('backup');
  if (!admitted) words.push(NOT_ADMITTED);
  return words.join(' ');
}

function endpoint(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function block(lines: readonly (string | false | undefined | 0)[]): string {
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`;
}
