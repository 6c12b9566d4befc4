import { clusterSchema, type ClusterFile } from '../../src/cluster/schema.js';

/** The smallest complete cluster: two nodes, a share, a database, a balancer. */
export function exampleCluster(name: string): ClusterFile {
  return clusterSchema.parse({
    version: 1,
    name,
    database: {
      host: '192.0.2.40',
      administrator: { user: 'root', password: { secret: 'db-admin' } },
      password: { secret: 'db' },
    },
    share: { host: '192.0.2.50', password: { secret: 'share' } },
    nodes: [
      { id: 'A', address: '192.0.2.11', host: 'a.example.com', serverId: '10', role: 'master' },
      { id: 'B', address: '192.0.2.12', host: 'b.example.com', serverId: '11', role: 'slave' },
    ],
    mail: {
      domain: 'example.com',
      administrator: { name: 'admin', password: { secret: 'admin' } },
      probes: [
        { name: 'probe-1', password: { secret: 'probe-1' } },
        { name: 'probe-2', password: { secret: 'probe-2' } },
      ],
    },
    balancer: {
      address: '192.0.2.30',
      services: [{ name: 'smtp', clientAddress: 'proxy' }, { name: 'imap' }, { name: 'pop3' }],
    },
  });
}
