import { AFFINITY_HOURS, CHECKS, renderConfiguration, silenceOf } from '../platform/haproxy/configuration.js';
import type { BalancerDesired } from '../platform/haproxy/desired.js';
import { DEBIAN_PLACES } from '../platform/haproxy/places.js';
import { RolloutError } from '../cluster/errors.js';
import type { ClientAddress } from '../cluster/schema.js';
import { SERVICES } from '../cluster/services.js';
import { balancingOf } from '../workflows/guide/balanced.js';
import { readClusterFile } from './cluster-file.js';
import { EXIT } from './exit.js';
import type { RenderFlags } from './lb.js';

/** What every balancer has to do, whatever it is called (procedure, rule 14). */
export interface Balancing {
  readonly address: string;
  readonly services: readonly {
    readonly name: string;
    readonly port: number;
    readonly nodePort: number;
    /** Never cut off within so many minutes of silence. */
    readonly silentMinutes: number;
    readonly check: string;
    readonly clientAddress: ClientAddress;
  }[];
  readonly nodes: readonly {
    readonly id: string;
    readonly address: string;
    readonly weight: number;
    readonly backup: boolean;
  }[];
  readonly rules: readonly string[];
  /** What must not be balanced. */
  readonly never: readonly string[];
}

const CHECK_IN_WORDS: Readonly<Record<(typeof SERVICES)[keyof typeof SERVICES]['check'], string>> = {
  smtp: 'greeting 220, HELO, 250',
  imap: 'greeting * OK',
  pop3: 'greeting +OK',
  tls: 'TLS handshake',
  tcp: 'connection',
};

const ADDRESS_IN_WORDS: Readonly<Record<ClientAddress, string>> = {
  hidden: 'the node sees the balancer',
  proxy: 'a PROXY header (version 1) names the client',
  transparent: 'the connection bears the client’s address',
};

/** UDP, and FTP with its second connection, do not survive what a TCP balancer does. */
const NEVER = [
  'UDP of any kind: SIP 5060 with media 10000–10255, Minger 4069, SNMP 161',
  'FTP 21 and 990: its second connection would meet another node',
  'administration 32000 and 32001: it is done on one node, by its own name',
] as const;

/** What this cluster needs of a balancer. Pure. */
function balancingFor({ address, services, nodes, accounts }: BalancerDesired): Balancing {
  const { every, fall, rise } = CHECKS;
  return {
    address,
    services: services.map(({ name, port, nodePort, clientAddress = 'hidden' }) => ({
      name,
      port,
      nodePort,
      silentMinutes: silenceOf(name),
      check: CHECK_IN_WORDS[SERVICES[name].check],
      clientAddress,
    })),
    nodes,
    rules: [
      'TCP as it is, also for TLS and STARTTLS: the nodes hold the certificates',
      `one table of clients for all ports: a client stays at its node on every service, for ${AFFINITY_HOURS} hours`,
      'the backup only while no other node serves, and no client stays there',
      `checks every ${every} s; a node is out after ${fall} failures in a row and in again after ${rise} passes; no check logs in`,
      ...(accounts === undefined
        ? []
        : [
            `a node is out of ALL services while SMTP ${accounts.port} does not answer 250 to MAIL FROM:<> and RCPT TO:<${accounts.recipient}>: it has lost the accounts database although its ports greet; unless no other node is better`,
          ]),
      'a node that is taken out: first drain, then wait, then cut its connections',
      'always the same address towards the nodes; on every node it is exempt from intrusion prevention, tarpitting, SPF and DNSBL, and never among the trusted or relay hosts',
    ],
    never: NEVER,
  };
}

/** Prints what a balancer of the operator's has to do. @returns the exit code. */
export async function renderBalancer(file: string, { product, json }: RenderFlags): Promise<number> {
  const desired = balancingOf(await readClusterFile(file));
  if (desired === null) {
    throw new RolloutError(
      'CLUSTER_FILE',
      `${file} must name balancer.address and balancer.services, also for kind: none`,
    );
  }
  const balancing = balancingFor(desired);
  if (product === 'haproxy') {
    const admitted = new Set(desired.nodes.map(({ id }) => id));
    const text = renderConfiguration(desired, admitted, DEBIAN_PLACES.socket);
    process.stdout.write(json === true ? `${JSON.stringify({ file: desired.file, text }, null, 2)}\n` : text);
  } else {
    process.stdout.write(json === true ? `${JSON.stringify(balancing, null, 2)}\n` : balancingText(balancing));
  }
  return EXIT.done;
}

/** The same for people. */
function balancingText({ address, services, nodes, rules, never }: Balancing): string {
  const rows = services.map(({ name, port, nodePort, silentMinutes, check, clientAddress }) => [
    name,
    `${port} → ${nodePort}`,
    `${silentMinutes} min`,
    check,
    ADDRESS_IN_WORDS[clientAddress],
  ]);
  const table = aligned([['service', 'port → node', 'silence', 'check', 'client’s address'], ...rows]);
  const machines = aligned([
    ['node', 'address', 'weight', ''],
    ...nodes.map(({ id, address: at, weight, backup }) => [id, at, String(weight), backup ? 'backup' : '']),
  ]);
  return [
    `Clients use ${address} only.`,
    '',
    ...table,
    '',
    ...machines,
    '',
    'Rules',
    ...rules.map((rule) => `  - ${rule}`),
    '',
    'Not balanced',
    ...never.map((what) => `  - ${what}`),
    '',
  ].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(width(column))).join('  ')}`.trimEnd());
}
