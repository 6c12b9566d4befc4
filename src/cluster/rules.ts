import { publicBreaches } from './public-rules.js';
import type { ClusterFile } from './schema.js';
import { SERVICES } from './services.js';

/** A breach of a rule that spans several places of the file. */
export interface Breach {
  /** Where in the file, as keys and indexes. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The rules between the parts of a cluster that a schema of the parts cannot say. Pure. */
export function breaches(cluster: ClusterFile): readonly Breach[] {
  return [
    ...oneMaster(cluster),
    ...distinct(cluster, 'id', 'two nodes cannot have the same id'),
    ...distinct(cluster, 'serverId', 'two nodes with one server ID overwrite each other’s messages (G17)'),
    ...distinct(cluster, 'address', 'two nodes cannot have the same address'),
    ...distinct(cluster, 'host', 'each node needs a host name of its own (G21)'),
    ...fullTextParts(cluster),
    ...shareParts(cluster),
    ...balancerParts(cluster),
    ...distinctDatabases(cluster),
    ...distinctAccounts(cluster),
    ...foreignOutside(cluster),
    ...separateFolders(cluster),
    ...publicBreaches(cluster),
  ];
}

function oneMaster({ nodes }: ClusterFile): Breach[] {
  const masters = nodes.flatMap((node, index) => (node.role === 'master' ? [index] : []));
  if (masters.length === 1) return [];
  const path = masters.length === 0 ? ['nodes'] : ['nodes', masters[1] ?? 0, 'role'];
  const found = masters.length === 0 ? 'none is' : `${masters.length} are`;
  return [
    { path, message: `exactly one node is the master (G18), ${found}: give one role: master, the others role: slave` },
  ];
}

function distinct({ nodes }: ClusterFile, key: 'id' | 'serverId' | 'address' | 'host', message: string): Breach[] {
  const seen = new Map<string, number>();
  return nodes.flatMap((node, index) => {
    const value = node[key].toLowerCase();
    const first = seen.get(value);
    seen.set(value, first ?? index);
    return first === undefined
      ? []
      : [
          {
            path: ['nodes', index, key],
            message: `${message}: "${node[key]}" is already that of node ${nodes[first]?.id ?? ''}`,
          },
        ];
  });
}

function fullTextParts({ icewarp: { fullText, fullTextUrl } }: ClusterFile): Breach[] {
  if (fullText === 'single' && fullTextUrl === undefined) {
    return [{ path: ['icewarp', 'fullText'], message: 'one full-text server for all nodes needs fullTextUrl' }];
  }
  const useless = fullTextUrl !== undefined && fullText !== undefined && fullText !== 'single';
  return useless
    ? [{ path: ['icewarp', 'fullTextUrl'], message: `fullTextUrl means one server for all nodes, not ${fullText}` }]
    : [];
}

function shareParts({ share }: ClusterFile): Breach[] {
  if (share.kind === 'mounted') return [];
  return (['host', 'password'] as const).flatMap((key) =>
    share[key] === undefined ? [{ path: ['share'], message: `a share of kind smb needs ${key}` }] : [],
  );
}

function balancerParts({ balancer }: ClusterFile): Breach[] {
  if (balancer.kind === 'none') return [];
  const missing = (['address', 'services'] as const).filter((key) => balancer[key] === undefined);
  const ports = new Map<number, number>();
  const doubled = (balancer.services ?? []).flatMap(({ name, port }, index): Breach[] => {
    const listen = port ?? SERVICES[name].port;
    const first = ports.get(listen);
    ports.set(listen, first ?? index);
    return first === undefined
      ? []
      : [
          {
            path: ['balancer', 'services', index, port === undefined ? 'name' : 'port'],
            message: `port ${listen} is taken already, ${name} needs another`,
          },
        ];
  });
  return [
    ...missing.map((key) => ({
      path: ['balancer'],
      message: `a balancer of kind haproxy needs ${key} (or kind: none)`,
    })),
    ...doubled,
  ];
}

function distinctDatabases({ database }: ClusterFile): Breach[] {
  const seen = new Set<string>();
  return Object.entries(database.names).flatMap(([role, name]) => {
    const taken = seen.has(name.toLowerCase());
    seen.add(name.toLowerCase());
    return taken
      ? [
          {
            path: ['database', 'names', role],
            message: `each function needs a database of its own (G4): ${name} is used twice`,
          },
        ]
      : [];
  });
}

function distinctAccounts({ mail }: ClusterFile): Breach[] {
  const seen = new Set([mail.administrator.name]);
  return mail.probes.flatMap((probe, index) => {
    const taken = seen.has(probe.name);
    seen.add(probe.name);
    return taken
      ? [
          {
            path: ['mail', 'probes', index, 'name'],
            message: `${probe.name} is used twice: its mail is removed after each probe`,
          },
        ]
      : [];
  });
}

/** Mail that stays in the own domain proves nothing about other servers. */
function foreignOutside({ mail: { domain, outside } }: ClusterFile): Breach[] {
  if (outside?.address.toLowerCase().endsWith(`@${domain.toLowerCase()}`) !== true) return [];
  return [
    {
      path: ['mail', 'outside', 'address'],
      message: `a mailbox outside belongs to another domain than ${domain}: mail to it must leave the cluster`,
    },
  ];
}

/** What is local to each node must not end up on the share, nor the share below the installation (G3). */
function separateFolders({ share, icewarp }: ClusterFile): Breach[] {
  const below = (inner: string, outer: string): boolean => `${inner}/`.startsWith(`${outer}/`);
  const breach = (path: string[], message: string): Breach[] => [{ path, message }];
  return [
    ...(below(icewarp.local, share.mount)
      ? breach(['icewarp', 'local'], 'Temp, Logs and queues stay on each node’s own disk (G3), not on the share')
      : []),
    ...(below(share.mount, icewarp.directory)
      ? breach(['share', 'mount'], 'the share is mounted outside the installation folder')
      : []),
    ...(below(icewarp.local, icewarp.directory)
      ? breach(['icewarp', 'local'], 'Temp, Logs and queues lie outside the installation folder')
      : []),
  ];
}
