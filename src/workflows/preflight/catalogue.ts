import { BETWEEN } from './catalogue/between.js';
import type { Severity } from './finding.js';

/** What is the same of every finding of one kind. */
export interface KindOfFinding {
  /** Its ids: NODE is a node's id, NAME a database, PORT a port, FOLDER what lies there. */
  readonly pattern: string;
  readonly severity: Severity;
  readonly guide: string;
  readonly would: string;
  readonly mend: string;
  readonly approvable: boolean;
  readonly volatile?: true;
}

/** Every kind of finding that a preflight knows; docs/preflight.md lists them all. */
export const CATALOGUE = {
  ...BETWEEN,
  portTaken: {
    pattern: 'NODE/port-PORT-taken',
    severity: 'stops',
    guide: 'G1 G10',
    would: 'IceWarp could not listen there, and that service would be missing on this node',
    mend: 'end that program and keep it from starting at boot, such as a mail server that came with the system',
    approvable: true,
  },
  usualPortTaken: {
    pattern: 'NODE/usual-port-PORT-taken',
    severity: 'tells',
    guide: 'G10',
    would: 'IceWarp usually listens there too; a service that the cluster file does not name might not start',
    mend: 'end that program, or give IceWarp’s service another port',
    approvable: false,
  },
  roomLittle: {
    pattern: 'NODE/room-FOLDER',
    severity: 'stops',
    guide: 'G10 G3',
    would: 'the installation, logs or queues would fill the disk, and mail would be refused',
    mend: 'make room there, or name a folder on a larger disk in the cluster file',
    approvable: true,
    volatile: true,
  },
  roomTight: {
    pattern: 'NODE/tight-FOLDER',
    severity: 'tells',
    guide: 'G10 G3',
    would: 'queues of a busy day and logs of a month may not fit',
    mend: 'give it more room before users come',
    approvable: false,
    volatile: true,
  },
  mountHides: {
    pattern: 'NODE/mount-hides',
    severity: 'stops',
    guide: 'G22 B8',
    would: 'the share would be mounted over these files, and nobody would see them any more',
    mend: 'move them elsewhere, so that the mount point is an empty folder',
    approvable: false,
  },
  hostElsewhere: {
    pattern: 'NODE/host-elsewhere',
    severity: 'warns',
    guide: 'G21',
    would: 'the node would greet and be known with the name of another machine',
    mend: 'let the name mean this node’s address, in DNS or in /etc/hosts, or correct the cluster file',
    approvable: false,
  },
  hostUnknown: {
    pattern: 'NODE/host-unknown',
    severity: 'tells',
    guide: 'G21',
    would: 'what looks the node up by its own name, on this machine, does not find the address that others use',
    mend: 'let the name mean this node’s address, in DNS or in /etc/hosts',
    approvable: false,
  },
  scheduledWriter: {
    pattern: 'NODE/scheduled-writer',
    severity: 'warns',
    guide: 'G15 G23',
    would: 'it may write while configuration and mail are copied, or to the old folders afterwards',
    mend: 'switch it off for the time of the rollout, and see what it should do afterwards',
    approvable: false,
  },
  externalMailboxes: {
    pattern: 'NODE/external-mailboxes',
    severity: 'stops',
    guide: 'B4',
    would: 'these mailboxes would be left behind: only what lies in the mail folder goes to the share',
    mend: 'move them into the mail folder; or see that every node reaches them at the same path, and approve',
    approvable: true,
  },
  osFamilyDiffers: {
    pattern: 'cluster/os-family-differs',
    severity: 'stops',
    guide: 'B12',
    would: 'builds, libraries and paths may differ between nodes that share one configuration',
    mend: 'use the same system on every node',
    approvable: true,
  },
  osVersionDiffers: {
    pattern: 'cluster/os-version-differs',
    severity: 'warns',
    guide: 'B12',
    would: 'libraries of the nodes differ, and with them what fails on one node only',
    mend: 'bring the nodes to the same version',
    approvable: false,
  },
  architectureDiffers: {
    pattern: 'cluster/architecture-differs',
    severity: 'stops',
    guide: 'B12',
    would: 'the nodes cannot run the same build of IceWarp',
    mend: 'use machines of the same architecture',
    approvable: true,
  },
  buildsDiffer: {
    pattern: 'cluster/builds-differ',
    severity: 'stops',
    guide: 'B12',
    would: 'the newer node would migrate the shared databases at its first start, without a way back',
    mend: 'bring every node to the same build of IceWarp',
    approvable: false,
  },
  buildOther: {
    pattern: 'NODE/build-other',
    severity: 'stops',
    guide: 'B12',
    would: 'an installation is never upgraded by a rollout: the step would be held',
    mend: 'bring the node to that build, or correct icewarp.build in the cluster file',
    approvable: false,
  },
  serverOld: {
    pattern: 'control/database/version',
    severity: 'stops',
    guide: 'G4 B1',
    would: 'the server does not understand CREATE USER IF NOT EXISTS, with which accounts are made',
    mend: 'use MySQL 5.7 or MariaDB 10.2, or a newer one',
    approvable: false,
  },
  wildcardUser: {
    pattern: 'control/database/wildcard-user',
    severity: 'warns',
    guide: 'G5',
    would: 'the cluster’s account would be open from more addresses than its nodes, perhaps with another password',
    mend: 'drop that account once nothing uses it',
    approvable: false,
  },
  anonymousUser: {
    pattern: 'control/database/anonymous-user',
    severity: 'warns',
    guide: 'G5',
    would: 'the server may take a node for nobody, who may do nothing, and lets anyone in at these addresses',
    mend: 'drop that account once nothing uses it',
    approvable: false,
  },
  connectionsFew: {
    pattern: 'control/database/connections-few',
    severity: 'warns',
    guide: 'G4',
    would: 'nodes are refused under load, and users cannot log in',
    mend: 'raise max_connections on the database server',
    approvable: false,
  },
  connectionsUsual: {
    pattern: 'control/database/connections',
    severity: 'tells',
    guide: 'G4',
    would: 'it may be too little under load: the vendor’s staff set 600 and more for large servers',
    mend: 'raise max_connections on the database server before users come',
    approvable: false,
  },
  packetSmall: {
    pattern: 'control/database/packet-small',
    severity: 'warns',
    guide: 'G4',
    would: 'large items of calendars and contacts are refused by the database',
    mend: 'raise max_allowed_packet on the database server',
    approvable: false,
  },
  packetUsual: {
    pattern: 'control/database/packet',
    severity: 'tells',
    guide: 'G4',
    would: 'it may be too little for large items: the vendor’s staff set 512 MB and more for large servers',
    mend: 'raise max_allowed_packet on the database server before users come',
    approvable: false,
  },
  namesOfTables: {
    pattern: 'control/database/names-of-tables',
    severity: 'tells',
    guide: 'G4',
    would: 'names of tables that differ by case are different tables; the vendor’s staff set 1',
    mend: 'it can only be set before the server’s first start: decide now, not with data in it',
    approvable: false,
  },
  engineOther: {
    pattern: 'control/database/engine',
    severity: 'warns',
    guide: 'G4',
    would: 'new tables would know no transactions, and a power cut would damage them',
    mend: 'set default_storage_engine to InnoDB on the database server',
    approvable: false,
  },
  databaseForeign: {
    pattern: 'control/database/NAME-foreign',
    severity: 'stops',
    guide: 'G4 G12',
    would: 'tables are only made in an empty database: the step would be held',
    mend: 'name another database in the cluster file; approve only what an interrupted rollout of this cluster left',
    approvable: true,
  },
  databaseInUse: {
    pattern: 'control/database/NAME-in-use',
    severity: 'tells',
    guide: 'G12 G13',
    would: 'the cluster would use them as they are',
    mend: 'see that they belong to no other IceWarp; otherwise name another database in the cluster file',
    approvable: false,
  },
  databaseCollation: {
    pattern: 'control/database/NAME-collation',
    severity: 'warns',
    guide: 'G4',
    would: 'only new tables would be utf8mb4; the tables in it keep what they have, and letters may be lost',
    mend: 'convert its tables to utf8mb4, or name an empty database in the cluster file',
    approvable: false,
  },
} as const satisfies Record<string, KindOfFinding>;

export type FindingKind = keyof typeof CATALOGUE;
