import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

import { parse, stringify } from 'yaml';

import { freePort } from '../../../src/lab/ports.js';
import { startDns } from '../../support/dns-server.js';
import { startTls } from '../../support/tls-server.js';
import type { LabCluster } from '../lab-cluster.js';
import type { Trap } from './trap.js';

const DOMAIN = 'lab.test';
const NAME = `mail.${DOMAIN}`;
const NODES = ['A', 'B', 'C'] as const;

type Addresses = LabCluster['lab']['addresses'];

/** What surrounds a lab: as it should be, but for what a trap changes. */
interface Surroundings {
  /** Lines of dnsmasq; null: no DNS server listens. */
  readonly records: readonly string[] | null;
  /** Greeting on port 25 elsewhere; null: nobody listens there. */
  readonly greeting: string | null;
  /** Whether the licence server is there. */
  readonly licences: boolean;
  /** The certificate at the clients' name; without it nobody speaks TLS. */
  readonly certificate?: { readonly names: readonly string[]; readonly days: number };
}

function hostOf(node: (typeof NODES)[number]): string {
  return `mail-${node.toLowerCase()}.${DOMAIN}`;
}

/** The record of a node, with its PTR record. */
function hostRecord(addresses: Addresses, node: (typeof NODES)[number]): string {
  return `host-record=${hostOf(node)},${addresses[node]},300`;
}

function spf(addresses: Addresses, ...nodes: readonly (typeof NODES)[number][]): string {
  return `txt-record=${DOMAIN},"v=spf1 ${nodes.map((node) => `ip4:${addresses[node]} `).join('')}-all"`;
}

function good(addresses: Addresses): Surroundings & { readonly records: readonly string[] } {
  return {
    records: [
      `host-record=${NAME},${addresses.balancer},300`,
      `mx-host=${DOMAIN},${NAME},10`,
      spf(addresses, ...NODES),
      ...NODES.map((node) => hostRecord(addresses, node)),
    ],
    greeting: '220 mx.elsewhere.test ESMTP\r\n',
    licences: true,
  };
}

/** Surrounds a lab with real servers and tells its cluster file about them. */
async function surround(
  { lab }: LabCluster,
  { records, greeting, licences, certificate }: Surroundings,
): Promise<() => Promise<void>> {
  const { addresses, paths } = lab;
  const before = await readFile(paths.clusterFile, 'utf8');
  const undo: (() => unknown)[] = [() => writeFile(paths.clusterFile, before)];
  const heal = async (): Promise<void> => {
    for (const one of undo.reverse()) await one();
  };
  const listen = async (says: string): Promise<string> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(says);
    }).listen(0, addresses.control);
    await once(server, 'listening');
    undo.push(() => server.close());
    const at = server.address();
    return `${addresses.control}:${at !== null && typeof at === 'object' ? at.port : 0}`;
  };
  const nobody = async (): Promise<string> => `${addresses.share}:${await freePort([addresses.share], 0)}`;
  try {
    const dns = records === null ? undefined : await startDns(addresses.control, records);
    if (dns !== undefined) undo.push(() => dns.stop());
    const tls = certificate === undefined ? undefined : await startTls(addresses.balancer, certificate);
    if (tls !== undefined) undo.push(() => tls.stop());
    const side = {
      names: [NAME],
      resolvers: [dns?.at ?? (await nobody())],
      port25: greeting === null ? await nobody() : await listen(greeting),
      licenceServer: licences ? await listen('') : await nobody(),
      ...(tls === undefined ? {} : { certificate: tls.port }),
    };
    await writeFile(paths.clusterFile, stringify({ ...(parse(before) as object), public: side }));
    return heal;
  } catch (error) {
    await heal();
    throw error;
  }
}

/** A trap in which the surroundings differ from good ones. */
function trap(
  said: Pick<Trap, 'fault' | 'finds' | 'words' | 'also'>,
  other: (addresses: Addresses, usual: ReturnType<typeof good>) => Partial<Surroundings>,
): Trap {
  return {
    ...said,
    set: (cluster) => {
      const usual = good(cluster.lab.addresses);
      return surround(cluster, { ...usual, ...other(cluster.lab.addresses, usual) });
    },
  };
}

/** The same records but for those that begin so. */
function instead(records: readonly string[], begin: string, ...others: readonly string[]): { records: string[] } {
  return { records: [...records.filter((line) => !line.startsWith(begin)), ...others] };
}

const ofName = `host-record=${NAME},`;
const ofB = `host-record=${hostOf('B')},`;
const certificateAt = `control/certificate/${NAME}`;

/** Faults of what the Internet and the clients see: the lab's surroundings are real servers. */
export const OUTSIDE_TRAPS: readonly Trap[] = [
  trap(
    {
      fault: 'a client name that leads to a node',
      finds: `control/names/${NAME}-elsewhere`,
      words: /leads to .*\.11, /,
    },
    ({ A }, { records }) => instead(records, ofName, `address=/${NAME}/${A}`),
  ),
  trap(
    {
      fault: 'a client name whose old address is kept for a day',
      finds: `control/names/${NAME}-ttl`,
      words: /for 86400 s/,
      also: [`control/names/${NAME}-elsewhere`],
    },
    ({ database }, { records }) => instead(records, ofName, `${ofName}${database},86400`),
  ),
  trap(
    { fault: 'a client name that nobody knows', finds: `control/names/${NAME}-unknown`, words: /has no address/ },
    (_, { records }) => instead(records, ofName),
  ),
  trap(
    {
      fault: 'mail from outside that goes to one node',
      finds: 'control/names/mx-node',
      words: /goes to mail-b\.lab\.test/,
    },
    (_, { records }) => instead(records, 'mx-host', `mx-host=${DOMAIN},${hostOf('B')},10`),
  ),
  trap(
    { fault: 'a domain without a mail server', finds: 'control/names/mx-missing', words: /no MX record/ },
    (_, { records }) => instead(records, 'mx-host'),
  ),
  trap({ fault: 'an SPF record without one node', finds: 'B/spf', words: /SPF forbids it/ }, (addresses, { records }) =>
    instead(records, 'txt-record', spf(addresses, 'A', 'C')),
  ),
  trap(
    { fault: 'an outgoing address without a name', finds: 'B/ptr-missing', words: /has no name/ },
    ({ B }, { records }) => instead(records, ofB, `address=/${hostOf('B')}/${B}`),
  ),
  trap(
    {
      fault: 'an outgoing address with a name that does not lead back',
      finds: 'B/ptr-unconfirmed',
      words: /named old\.lab\.test/,
    },
    ({ B }, { records }) =>
      instead(
        records,
        ofB,
        `address=/${hostOf('B')}/${B}`,
        `ptr-record=${B.split('.').reverse().join('.')}.in-addr.arpa,old.${DOMAIN}`,
      ),
  ),
  trap(
    {
      fault: 'a node that greets with a name which nobody knows',
      finds: 'B/helo',
      words: /mail-b\.lab\.test has no address in DNS/,
    },
    ({ B }, { records }) => instead(records, ofB, `host-record=other.${DOMAIN},${B}`),
  ),
  trap(
    {
      fault: 'a closed port 25',
      finds: 'A/port-25-out',
      words: /refused the connection/,
      also: ['B/port-25-out', 'C/port-25-out'],
    },
    () => ({ greeting: null }),
  ),
  trap(
    {
      fault: 'a port 25 where somebody says no',
      finds: 'A/port-25-out',
      words: /greeted with 554/,
      also: ['B/port-25-out', 'C/port-25-out'],
    },
    () => ({ greeting: '554 not from your network\r\n' }),
  ),
  trap(
    {
      fault: 'a licence server that is not reached',
      finds: 'A/licence-server',
      words: /refused the connection/,
      also: ['B/licence-server', 'C/licence-server'],
    },
    () => ({ licences: false }),
  ),
  trap(
    {
      fault: 'a certificate without the clients’ name',
      finds: `${certificateAt}-lacks-names`,
      words: /not issued for mail\.lab\.test/,
      also: [`${certificateAt}-untrusted`],
    },
    () => ({ certificate: { names: [hostOf('A')], days: 300 } }),
  ),
  trap(
    { fault: 'a certificate that has ended', finds: `${certificateAt}-not-valid`, words: /ended on \d{4}-/ },
    () => ({ certificate: { names: [NAME], days: -2 } }),
  ),
  trap(
    {
      fault: 'a certificate that ends soon',
      finds: `${certificateAt}-ends-soon`,
      words: /ends on \d{4}-/,
      also: [`${certificateAt}-untrusted`],
    },
    () => ({ certificate: { names: [NAME], days: 10 } }),
  ),
  trap(
    {
      fault: 'a DNS server that does not answer',
      finds: 'control/names/dns-silent',
      words: /DNS did not answer/,
      also: NODES.map((node) => `${node}/dns-silent`),
    },
    () => ({ records: null }),
  ),
];
