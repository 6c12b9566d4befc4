import { stringify } from 'yaml';
import type { z } from 'zod';

import type { clusterSchema } from '../cluster/schema.js';
import {
  type Addresses,
  DATABASE_ADMINISTRATOR,
  fullHostName,
  LAB_DOMAIN,
  NODES,
  OUTSIDE_MAILBOX,
  type Ports,
} from './layout.js';
import { LAB_CLUSTER } from './machine-files.js';

const MAIL_SERVICES = ['smtp', 'pop3', 'imap'] as const;

/**
 * The cluster file for a lab's machines: what an operator would write for them.
 *
 * @param production the first node is a server with users: it moves with short stops
 */
export function labClusterFile(
  lab: { readonly addresses: Addresses; readonly ports: Ports },
  production = false,
): string {
  const { addresses, ports } = lab;
  const cluster: z.input<typeof clusterSchema> = {
    version: 1,
    name: LAB_CLUSTER,
    icewarp: { licence: { secret: 'licence-order' } },
    database: {
      host: addresses.database,
      port: ports.database,
      administrator: { user: DATABASE_ADMINISTRATOR, password: { secret: 'database-administrator' } },
      password: { secret: 'database-icewarp' },
    },
    share: { host: addresses.share, port: ports.share, password: { secret: 'share-account' } },
    nodes: NODES.map((id, index) => ({
      id,
      address: addresses[id],
      host: fullHostName(id),
      serverId: String(10 + index),
      role: index === 0 ? 'master' : 'slave',
    })),
    mail: {
      domain: LAB_DOMAIN,
      administrator: { name: 'admin', password: { secret: 'mail-administrator' } },
      probes: [
        { name: 'probe-1', password: { secret: 'probe-1' } },
        { name: 'probe-2', password: { secret: 'probe-2' } },
      ],
      archive: true,
      outside: {
        address: OUTSIDE_MAILBOX,
        password: { secret: 'outside-mailbox' },
        imap: { host: addresses.outside, port: ports.outside.imap, tls: 'none' },
      },
    },
    balancer: {
      address: addresses.balancer,
      services: MAIL_SERVICES.map((name) => ({
        name,
        port: ports.balancer[name],
        nodePort: ports.node[name],
        // Dovecot would read PROXY headers only on a port of its own
        ...(name === 'smtp' ? { clientAddress: 'proxy' as const } : {}),
      })),
    },
    ...(production ? { cutover: { soak: '1m' } } : {}),
  };
  return `# The cluster of this lab. Made by: icewarp-rollout lab up\n${stringify(cluster)}`;
}
