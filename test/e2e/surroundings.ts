import { readFile, writeFile } from 'node:fs/promises';

import { parse, stringify } from 'yaml';

import { type Addresses, fullHostName, LAB_DOMAIN, NODES, type NodeName } from '../../src/lab/layout.js';
import { freePort } from '../../src/lab/ports.js';
import { startDns, type DnsServer } from '../support/dns-server.js';
import { listenAt } from '../support/listening.js';
import { startTls } from '../support/tls-server.js';
import type { LabCluster } from './lab-cluster.js';

/** The name that clients of a lab use. */
export const CLIENT_NAME = `mail.${LAB_DOMAIN}`;

/** What surrounds a lab: as it should be, but for what a trap changes. */
export interface Surroundings {
  /** Lines of dnsmasq; null: no DNS server listens. */
  readonly records: readonly string[] | null;
  /** Greeting on port 25 elsewhere, or of the smarthost; null: nobody listens there. */
  readonly greeting: string | null;
  /** Whether all nodes send through the server that greets so. */
  readonly smarthost?: boolean;
  /** Whether the licence server is there. */
  readonly licences: boolean;
  /** The certificate at the clients' name; without it nobody speaks TLS. */
  readonly certificate?: { readonly names: readonly string[]; readonly days: number };
}

/** An SPF record that lets these nodes send and nobody else. */
export function spf(addresses: Addresses, ...nodes: readonly NodeName[]): string {
  return `txt-record=${LAB_DOMAIN},"v=spf1 ${nodes.map((node) => `ip4:${addresses[node]} `).join('')}-all"`;
}

/** Surroundings in which nothing is to be found. */
export function good(addresses: Addresses): Surroundings & { readonly records: readonly string[] } {
  return {
    records: [
      `host-record=${CLIENT_NAME},${addresses.balancer},300`,
      `mx-host=${LAB_DOMAIN},${CLIENT_NAME},10`,
      spf(addresses, ...NODES),
      // each makes the PTR record too
      ...NODES.map((node) => `host-record=${fullHostName(node)},${addresses[node]},300`),
    ],
    greeting: '220 mx.elsewhere.test ESMTP\r\n',
    licences: true,
  };
}

export interface SurroundedLab {
  readonly dns: DnsServer | undefined;
  /** Stops what surrounds it. */
  readonly stop: () => Promise<void>;
  /** And puts its cluster file back. */
  readonly heal: () => Promise<void>;
}

/** Surrounds a lab with real servers and tells its cluster file about them. */
export async function surround(
  { lab }: LabCluster,
  { records, greeting, smarthost = false, licences, certificate }: Surroundings,
): Promise<SurroundedLab> {
  const { addresses, paths } = lab;
  const before = await readFile(paths.clusterFile, 'utf8');
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of undo.splice(0).reverse()) await one();
  };
  const heal = async (): Promise<void> => {
    await stop();
    await writeFile(paths.clusterFile, before);
  };
  const listen = async (says: string): Promise<string> => {
    const { port, close } = await listenAt(addresses.control, (socket) => socket.write(says));
    undo.push(close);
    return `${addresses.control}:${port}`;
  };
  const nobody = async (): Promise<string> => `${addresses.share}:${await freePort([addresses.share])}`;
  try {
    const dns = records === null ? undefined : await startDns(addresses.control, records);
    if (dns !== undefined) undo.push(() => dns.stop());
    const tls = certificate === undefined ? undefined : await startTls(addresses.balancer, certificate);
    if (tls !== undefined) undo.push(() => tls.stop());
    const side = {
      names: [CLIENT_NAME],
      resolvers: [dns?.at ?? (await nobody())],
      [smarthost ? 'smarthost' : 'port25']: greeting === null ? await nobody() : await listen(greeting),
      licenceServer: licences ? await listen('') : await nobody(),
      ...(tls === undefined ? {} : { certificate: tls.port }),
    };
    await writeFile(paths.clusterFile, stringify({ ...(parse(before) as object), public: side }));
    return { dns, stop, heal };
  } catch (error) {
    await stop();
    throw error;
  }
}
