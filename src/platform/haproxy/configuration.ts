import { isIPv6 } from 'node:net';

import type { ClientAddress } from '../../cluster/schema.js';
import type { ServiceName } from '../../cluster/services.js';
import type { AccountsCheck, BalancedNode, BalancedService, BalancerDesired } from './desired.js';
import { accountsCheck, healthCheckOf } from './health-check.js';
import { sealed } from './seal.js';

/** Minutes of silence after which HAProxy gives up a connection: IMAP IDLE may be silent for 29 (procedure, rule 14). */
const SILENCE = 35;
/** The same for protocols that stay silent for longer: ActiveSync's long polls and XMPP. */
const LONG_SILENCE = 65;
const LONG_SILENT: ReadonlySet<ServiceName> = new Set(['http', 'https', 'xmpp']);

/** Hours for which a client stays at its node (B5), and how a node is judged: seconds between checks, and how many. */
export const AFFINITY_HOURS = 10;
export const CHECKS = { every: 3, fall: 3, rise: 2 } as const;

/** Minutes for which a silent connection of a service is kept. */
export function silenceOf(service: ServiceName): number {
  return LONG_SILENT.has(service) ? LONG_SILENCE : SILENCE;
}

/**
 * Port on which an old HAProxy hands the affinity table to its successor at a reload. Below 1024, so that no user's
 * process can pose as either.
 */
const HANDOVER_PORT = 1023;

/** Port on which HAProxy answers its own health checks; below 1024 for the same reason. */
const ACCOUNTS_PORT = 1022;

/** The backend that only holds the affinity table. */
const AFFINITY_TABLE = 'affinity';

/** The backend that only knows which nodes know their accounts. */
export const ACCOUNTS = 'accounts';

/** The word that ends the line of a node that is not let in. */
export const NOT_ADMITTED = 'disabled';

/**
 * HAProxy's whole configuration (G25): per service one frontend and one backend, in TCP mode because of STARTTLS; one
 * affinity table for all services, so that a user's web session and mail meet the same node (B5); the master as
 * backup (B6); nodes outside `admitted` take no connections. Pure; for HAProxy 2.6 and later.
 */
export function renderConfiguration(desired: BalancerDesired, admitted: ReadonlySet<string>, socket: string): string {
  const { address, services, accounts } = desired;
  const transparent = [accounts, ...services].some((service) => service?.clientAddress === 'transparent');
  const sections = [
    globalSection(socket, transparent),
    DEFAULTS,
    affinitySections(address),
    ...(accounts === undefined ? [] : [accountsSections(desired, accounts, admitted)]),
    ...services.map((service) => serviceSections(desired, service, admitted)),
  ];
  return sealed(sections.join('\n'));
}

function globalSection(socket: string, transparent: boolean): string {
  // connections from foreign addresses are root's alone, and HAProxy does not start as anybody else then
  const user = transparent ? '' : '    user haproxy\n    group haproxy\n';
  return `global
    log /dev/log local0
    chroot /var/lib/haproxy
${user}    daemon
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
    # a single failed check takes no node out
    default-server inter ${CHECKS.every}s fall ${CHECKS.fall} rise ${CHECKS.rise} on-marked-down shutdown-sessions
`;

function affinitySections(address: string): string {
  return `# The new process gets the affinity table from the old one, so a reload moves no user to another node.
peers icewarp-rollout
    peer icewarp-rollout ${isIPv6(address) ? '127.0.0.1' : ownAddress(address)}:${HANDOVER_PORT}

backend ${AFFINITY_TABLE}
    stick-table type ${isIPv6(address) ? 'ipv6' : 'ip'} size 200k expire ${AFFINITY_HOURS}h peers icewarp-rollout
`;
}

/**
 * A node that has lost the accounts database greets on every port and lets nobody in. One question by SMTP finds it, and
 * every service asks HAProxy for the answer; but a node is taken out only where another one is better.
 */
function accountsSections(
  { address, nodes }: BalancerDesired,
  { recipient, port, clientAddress }: AccountsCheck,
  admitted: ReadonlySet<string>,
): string {
  const asked = { port, clientAddress, check: 'check' };
  const lost = nodes.map(
    ({ id }) =>
      `    http-request return status 503 if { path /${id} } { nbsrv(${ACCOUNTS}) gt 0 } !{ srv_is_up(${ACCOUNTS}/${id}) }`,
  );
  return block([
    'frontend health',
    '    mode http',
    '    no log',
    `    bind ${endpoint(ownAddress(address), ACCOUNTS_PORT)}`,
    ...lost,
    '    http-request return status 200',
    '',
    `backend ${ACCOUNTS}`,
    ...accountsCheck(recipient).map((line) => `    ${line}`),
    ...nodes.map((node) => serverLine({ ...node, backup: false }, address, asked, admitted.has(node.id))),
  ]);
}

function askAccounts(address: string): readonly string[] {
  return [
    `tcp-check connect addr ${isIPv6(address) ? `[${ownAddress(address)}]` : ownAddress(address)} port ${ACCOUNTS_PORT}`,
    'tcp-check send-lf "GET /%[srv_name] HTTP/1.0\\r\\n\\r\\n"',
    'tcp-check expect rstring "^HTTP/1.[01] 200"',
  ];
}

function serviceSections(
  { address, nodes, accounts }: BalancerDesired,
  { name, port, nodePort, clientAddress }: BalancedService,
  admitted: ReadonlySet<string>,
): string {
  const { lines, words } = healthCheckOf(name, accounts === undefined ? [] : askAccounts(address));
  const silence = LONG_SILENT.has(name) ? LONG_SILENCE : undefined;
  const served = { port: nodePort, clientAddress, check: words };
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
    ...nodes.map((node) => serverLine(node, address, served, admitted.has(node.id))),
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

interface Served {
  readonly port: number;
  readonly clientAddress: ClientAddress | undefined;
  readonly check: string;
}

function serverLine(
  { id, address, weight, backup }: BalancedNode,
  balancer: string,
  { port, clientAddress = 'hidden', check }: Served,
  admitted: boolean,
): string {
  const words = ['    server', id, endpoint(address, port), 'weight', weight];
  words.push(...sourceWords(address, balancer, clientAddress), check);
  if (backup) words.push('backup');
  if (!admitted) words.push(NOT_ADMITTED);
  return words.join(' ');
}

/**
 * From which address HAProxy speaks to a node: its own one, always the same, so that a node can exempt it and tell it
 * from every other program of this machine; or the client's.
 */
function sourceWords(node: string, balancer: string, clientAddress: ClientAddress): string[] {
  const any = isIPv6(node) ? '[::]' : '0.0.0.0';
  if (clientAddress === 'transparent') return ['source', any, 'usesrc', 'clientip'];
  const own = isIPv6(node) === isIPv6(balancer) ? ['source', isIPv6(balancer) ? `[${balancer}]` : balancer] : [];
  return clientAddress === 'proxy' ? [...own, 'send-proxy'] : own;
}

/** Where this machine's HAProxy speaks to itself, of the family of the address that it speaks from. */
function ownAddress(balancer: string): string {
  if (isIPv6(balancer)) return '::1';
  return balancer.startsWith('127.') ? balancer : '127.0.0.1';
}

function endpoint(address: string, port: number): string {
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

function block(lines: readonly (string | false | undefined | 0)[]): string {
  return `${lines.filter((line) => typeof line === 'string').join('\n')}\n`;
}
