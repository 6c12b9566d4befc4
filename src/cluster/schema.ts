import { isIP, isIPv6 } from 'node:net';

import { z } from 'zod';

import { endpointOf } from './endpoint.js';
import { SERVICES, type ServiceName } from './services.js';

/** Characters that end a field, a share entry or a line in IceWarp's connection strings and path.dat. */
const FIELD_BREAKERS = /[;|\r\n]/;

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'expected a lower-case letter, then at most 30 letters, digits or hyphens');

const hostName = z
  .string()
  .regex(
    /^(?=.{1,253}$)[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/,
    'expected a host name such as mail-a.example.com',
  );

/** One spelling for each address: IPv6 has many, and addresses are compared. */
const address = z
  .string()
  .refine((text) => isIP(text) !== 0, 'expected an IP address such as 192.0.2.11')
  .transform((text) => (isIPv6(text) ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text));
const host = z.union([address, hostName]);
const port = z.int().min(1).max(65_535);

/** A host, perhaps with a port: `mx.example.net`, `192.0.2.1:25`, `[2001:db8::1]:25`. */
const endpoint = (usual: number): z.ZodString =>
  z.string().refine((text) => {
    const read = endpointOf(text, usual);
    return read !== null && host.safeParse(read.host).success;
  }, 'expected a host, or host:port, such as mx.example.net or 192.0.2.1:25');

const dnsServer = z
  .string()
  .refine((text) => isIP(endpointOf(text, 53)?.host ?? '') !== 0, 'expected an IP address, or IP:port');

/** A name that ends up in a connection string, in path.dat or in SQL: nothing that would break out of its field. */
const fieldText = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => !FIELD_BREAKERS.test(text), '";", "|" and line breaks would break IceWarp’s connection strings')
  .regex(/^[A-Za-z0-9_.@-]+$/, 'expected letters, digits, "_", ".", "@" or "-"');

const databaseName = z.string().regex(/^[A-Za-z0-9_]{1,64}$/, 'expected at most 64 letters, digits or underscores');

const absolutePath = z
  .string()
  .max(1_024, 'expected a path of at most 1024 characters')
  .regex(/^\/[A-Za-z0-9_./-]*$/, 'expected an absolute path of letters, digits, "_", "-" and "."')
  .refine((text) => !text.split('/').includes('..'), '".." is not allowed in a path')
  .transform((text) => (text.length > 1 ? text.replace(/\/+$/, '') : text));

/** A password is never written here: only the NAME under which each machine's agent.yaml finds it. */
const secret = z.strictObject(
  { secret: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected the name of a secret, such as share-account') },
  { error: () => 'a password never stands in this file: write { secret: NAME } and define NAME in agent.yaml' },
);

/** Where a full-text service answers. IceWarp's console writes `http://127.0.0.1:25793`, and without `http://` elsewhere. */
const serviceUrl = z
  .string()
  .regex(
    /^(https?:\/\/)?[A-Za-z0-9.-]+:\d{1,5}\/?$/,
    'expected a server and its port, such as http://192.0.2.11:25793',
  );

/** Server ID: prefix of the names of messages and logs; at most two characters (G17). */
const serverId = z
  .string()
  .regex(/^[A-Za-z0-9]{1,2}$/, 'expected one or two letters or digits in quotes, such as "10"');

/** What names a build or an installer. */
const label = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected at most 63 letters, digits, ".", "_" or "-"');

const icewarp = z.strictObject({
  /** Name of the installer in each node's agent.yaml (path, sha256, arguments). */
  installer: label.default('icewarp'),
  /** The build every node must run; without it the nodes must only be equal. */
  build: label.optional(),
  directory: absolutePath.default('/opt/icewarp'),
  /** Local disk of each node for Temp, Logs and queues; the same path everywhere. */
  local: absolutePath.default('/var/lib/icewarp'),
  /** Secret with the order id that activates a licence on each node; without it a licence must be there. */
  licence: secret.optional(),
  /**
   * Who makes the full-text index: single, one Yoda for all nodes; guide, one on each node in the same folder; off.
   * Default: single where fullTextUrl is given, otherwise guide.
   */
  fullText: z.enum(['guide', 'single', 'off']).optional(),
  /** Where the one Yoda and its scanner answer to every node. */
  fullTextUrl: z.strictObject({ database: serviceUrl, scanner: serviceUrl }).optional(),
  /** later: nothing is scanned yet. now: for a start a day or more after users came. */
  fullTextScanning: z.enum(['later', 'now']).default('later'),
});

const databases = z.strictObject({
  accounts: databaseName.default('iw_accounts'),
  groupware: databaseName.default('iw_groupware'),
  antispam: databaseName.default('iw_antispam'),
  directoryCache: databaseName.default('iw_dircache'),
  activeSync: databaseName.default('iw_activesync'),
  spamReports: databaseName.default('iw_spamreports'),
});

const database = z.strictObject({
  host,
  port: port.default(3306),
  administrator: z.strictObject({ user: fieldText, password: secret }),
  /** The account with which the nodes use the databases. */
  user: fieldText.default('icewarp'),
  password: secret,
  names: databases.prefault({}),
});

const share = z.strictObject({
  /** smb: made on the share server by its agent, mounted on the nodes. mounted: made and mounted by you; only checked. */
  kind: z.enum(['smb', 'mounted']).default('smb'),
  host: host.optional(),
  port: port.default(445),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,80}$/)
    .default('icewarp'),
  /** Folder on the share server. */
  path: absolutePath.default('/srv/icewarp'),
  /** Mount point on every node. */
  mount: absolutePath.default('/mnt/icewarp'),
  /** OS user and group with the same name and numbers on the share server and on every node (G6, G9). */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,30}$/, 'expected a lower-case user name')
    .default('icewarp'),
  uid: z.int().min(100).max(65_000).default(1500),
  gid: z.int().min(100).max(65_000).default(1500),
  password: secret.optional(),
});

const node = z.strictObject({
  id: z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,14}$/, 'expected a short name such as A or mail-1'),
  address,
  host: hostName,
  serverId,
  role: z.enum(['master', 'slave']),
  /** Address that other mail servers see when this node sends; default its address (B13). */
  outgoing: address.optional(),
  /** Share of the users' connections that this node gets; the master is only the backup. */
  weight: z.int().min(1).max(256).default(10),
});

const account = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected the part before the @, in lower case'),
  password: secret,
});

/** A mailbox of another provider: the only proof that mail for other domains arrives. */
const outside = z.strictObject({
  address: z.email({ error: () => 'expected an address such as probe@other.example' }),
  /** Name to log in with; default the address. */
  user: z
    .string()
    .regex(/^[^\p{Cc}\p{Cs}]{1,254}$/u, 'expected at most 254 characters, none of them a control character')
    .optional(),
  password: secret,
  imap: z.strictObject({
    host,
    port: port.default(993),
    /** implicit: TLS from the first byte. none: only for a mailbox on your own network. */
    tls: z.enum(['implicit', 'starttls', 'none']).default('implicit'),
  }),
});

const mail = z.strictObject({
  /** The first domain; made when the accounts database holds none. */
  domain: hostName,
  administrator: account,
  /** Accounts with which the product proves that mail flows; their mail is removed after each probe. */
  probes: z.array(account).min(2, 'two probe accounts are needed: one sends, one receives').max(10),
  /** Archive every message into the share's folder "archives" (G16). */
  archive: z.boolean().default(false),
  /** Receives a message through every node, by which mail to other domains is proven. */
  outside: outside.optional(),
});

const serviceNames = Object.keys(SERVICES) as [ServiceName, ...ServiceName[]];

/** Whose address the nodes see (B7). */
const clientAddress = z.enum(['hidden', 'proxy', 'transparent']);

const service = z.strictObject({
  name: z.enum(serviceNames),
  /** Port at the balancer; default the protocol's usual one. */
  port: port.optional(),
  /** Port on the nodes; default the protocol's usual one. */
  nodePort: port.optional(),
  /** Where this service differs from the balancer's clientAddress: such as one listener that reads PROXY headers. */
  clientAddress: clientAddress.optional(),
});

const balancer = z.strictObject({
  kind: z.enum(['haproxy', 'none']).default('haproxy'),
  /** The only address that clients know (G26). */
  address: address.optional(),
  services: z.array(service).min(1).optional(),
  /**
   * hidden: the nodes see the balancer. proxy: a PROXY header names the client, which each node's listener must read when
   * it comes from the balancer's address. transparent: connections bear the client's address, and the nodes' way back must
   * lead through the balancer.
   */
  clientAddress: clientAddress.default('hidden'),
  /** Where web sessions live (B5): affinity keeps a client at one node; a Redis of yours is used by every node. */
  sessions: z
    .union([z.literal('affinity'), z.strictObject({ redis: z.strictObject({ host, port: port.default(6379) }) })])
    .default('affinity'),
  /** HAProxy's file on the control machine. */
  file: absolutePath.default('/etc/haproxy/haproxy.cfg'),
});

const backup = z.strictObject({
  /** What it holds. */
  what: z.enum(['databases', 'share', 'configuration', 'mail']),
  /** Where it lies, for whoever needs it in a bad hour. */
  where: z.string().trim().min(1).max(200),
  /** When it was taken, such as 2026-11-20T04:00:00Z. */
  taken: z.iso.datetime({ offset: true, error: 'expected a time such as 2026-11-20T04:00:00Z' }).optional(),
});

/** A time such as 90s, 30m, 24h or 2d, in seconds; a number, as saved plans hold it, is of seconds. */
const duration = z.union([
  z
    .string()
    .regex(/^[1-9]\d{0,5}[smhd]$/, 'expected a time such as 90s, 30m, 24h or 2d')
    .transform(
      (text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3_600, d: 86_400 }[text.at(-1) as 's' | 'm' | 'h' | 'd'],
    ),
  z
    .int()
    .min(1)
    .max(999_999 * 86_400),
]);

/** Who begins a stop. */
const gate = z.union([
  z.enum(['approve', 'now']),
  z.strictObject({ at: z.iso.datetime({ offset: true, error: 'expected a time such as 2026-12-01T02:00:00Z' }) }),
]);

const stop = z.strictObject({
  /** How long users may be without the server; when it will not suffice, everything goes back by itself. */
  budget: duration.prefault('30m'),
  /** approve: it waits for an operator. now: it begins as soon as it can. at: at that time. */
  gate: gate.default('approve'),
});

/** The first node is a server in production: it moves while users work, with short stops (procedure, Order 2). */
const cutover = z.strictObject({
  /** How many stops: three (databases, storage, configuration), two (databases; storage and configuration) or one. */
  stages: z.enum(['three', 'two', 'one']).default('two'),
  /** How long the server runs on its new databases before the next stop. */
  soak: duration.prefault('24h'),
  /** How clients are kept out until the probes have passed. none: they are not. */
  close: z.enum(['firewall', 'none']).default('firewall'),
  /** A node that hears nothing of its rollout for so long during a stop starts its old state by itself. */
  lease: duration.prefault('2m'),
  databases: stop.prefault({}),
  storage: stop.prefault({}),
  configuration: stop.prefault({}),
});

/** What the Internet and the clients see (B13). Left out: nothing of it is looked at, and no client is moved. */
const publicSide = z.strictObject({
  /** Host names that clients use; the last step of a rollout moves them to the balancer. */
  names: z.array(hostName).max(12, 'at most twelve names').default([]),
  /** The balancer's address as clients see it; default balancer.address. */
  address: address.optional(),
  /** DNS servers that are asked instead of each machine's own: those that answer as the Internet sees it. */
  resolvers: z.array(dnsServer).min(1).max(4).optional(),
  /** Every node sends through this server, which then is what others judge; default port 25. */
  smarthost: endpoint(25).optional(),
  /** A mail server elsewhere to which every node tries a connection; default port 25. */
  port25: endpoint(25).optional(),
  /** TLS port whose certificate is looked at; default that of the first TLS service of the balancer. */
  certificate: port.optional(),
  /** Where IceWarp asks about its licence; default port 443. */
  licenceServer: endpoint(443).default('licenseprocessor.icewarp.com'),
});

/** One file describes one cluster. */
export const clusterSchema = z.strictObject({
  version: z.literal(1),
  /** Names the workflow, the task queues and the marks on share and databases. */
  name,
  icewarp: icewarp.prefault({}),
  database,
  share,
  nodes: z.array(node).min(2, 'a cluster has at least two nodes').max(50),
  mail,
  balancer: balancer.prefault({}),
  /** Left out: the first node serves nobody yet (procedure, Order 1). */
  cutover: cutover.optional(),
  /**
   * Who may approve, and let a stop begin: somebody-else than who started the rollout (default anyone). A safeguard against
   * mistakes: names come from the operators' machines.
   */
  approvals: z.enum(['anyone', 'somebody-else']).optional(),
  /** Backups of what is there already; the plan and the preflight repeat them. They are not made or checked. */
  backups: z.array(backup).max(20).optional(),
  public: publicSide.optional(),
});

/** The cluster file as written, with every default filled in. */
export type ClusterFile = z.infer<typeof clusterSchema>;
export type NodeSpec = z.infer<typeof node>;
export type SecretRef = z.infer<typeof secret>;
export type DatabaseNames = z.infer<typeof databases>;
export type DatabaseRole = keyof DatabaseNames;
export type AccountSpec = z.infer<typeof account>;
export type PublicSide = z.infer<typeof publicSide>;
export type ClientAddress = z.infer<typeof clientAddress>;
export type Cutover = z.infer<typeof cutover>;
export type Gate = z.infer<typeof gate>;
export type OutsideMailbox = z.infer<typeof outside>;

export type { ServiceName } from './services.js';
