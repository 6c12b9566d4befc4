import { HELD, type Chapter } from './chapter.js';

/** What the machines have to offer, and IceWarp on them. */
export const ABOUT_MACHINES: readonly Chapter[] = [
  {
    title: 'Database',
    mail: HELD,
    entries: {
      DATABASE_UNREACHABLE: {
        means: 'The database server does not answer.',
        mail: 'A node that uses this database already cannot look up its users as long as it is away; other servers keep their mail and try again.',
      },
      DATABASE_DENIED: { means: 'The database server refuses the account.' },
      DATABASE_FAILED: { means: 'The database server refuses a statement.' },
      CLOCK_OFF: {
        means: 'The clocks of a node and of the database server, or of the share, differ by more than a second.',
      },
    },
  },
  {
    title: 'Users, share, mounts, folders',
    mail: HELD,
    entries: {
      PLATFORM_UNKNOWN: { means: 'An agent was started on something other than Linux.' },
      USER_CONFLICT: {
        means:
          'The user’s name or number is taken by another, or a process still runs as the user who is to be removed.',
      },
      SERVICE_MISSING: { means: 'A system service is not installed.' },
      SHARE_UNREACHABLE: {
        means:
          'The share server does not answer, or, in the middle of a step, the mounted share has not for about a minute.',
        mail: 'A node that uses the share already can neither deliver nor show mail as long as it is away; other servers keep theirs and try again.',
      },
      SHARE_DENIED: { means: 'The share server refuses the account.' },
      SHARE_FOREIGN: { means: 'The share, or what is mounted, belongs to another cluster or to somebody else.' },
      SHARE_CONFIG: { means: 'Samba refuses its configuration.' },
      SHARE_NOT_MOUNTED: {
        means:
          'At the mount point is no sentinel file that names this cluster: the share is not mounted, or it is another one.',
        mail: 'Prevented: a node that starts now makes mailboxes on its own disk, which no other node sees.',
      },
      SHARE_STALE: {
        means: 'A node does not see within 10 s, or not with the same owner, what the others wrote.',
        mail: 'Prevented: a mailbox that looks different on each node.',
      },
      SHARE_LOCKS: {
        means:
          'A lock that one node holds on the share is granted to another node as well: two servers would write one mailbox at once.',
        mail: 'Prevented: mailboxes that two servers damage by writing at once.',
      },
      SHARE_UNFIT: {
        means:
          'The share is mounted with options that lose mail, such as NFS `soft`; or it does not hold names that the old mail has; or a change is seen on another node only after more than ten seconds.',
      },
      SHARE_FULL: {
        means: 'The share has not the room for the old mail or archives. Nothing was stopped yet.',
        mail: 'Nothing: users go on working on the old server.',
      },
      MOUNT_FAILED: { means: 'The share could not be mounted, or fstab has somebody else’s line for that place.' },
      MOUNT_BUSY: { means: 'Something still uses the mounted share.' },
      FOLDER_CONFLICT: { means: 'Something else is where a folder shall be.' },
      WRITE_REFUSED: {
        means:
          'A disk or the share did not take a change: it is read-only, full or broken, or the share was exported anew. The message has the path and the system’s name for the error.',
      },
      FOLDER_UNWRITABLE: { means: 'The mail server’s user cannot create, write, rename and delete in a folder.' },
    },
  },
  {
    title: 'Balancer and probes',
    mail: HELD,
    entries: {
      PHP_INI: {
        means: 'IceWarp’s `php.ini` is not there, or does not load PHP’s extension for Redis (`balancer.sessions`).',
      },
      REDIS_UNUSABLE: { means: 'A node does not reach the Redis of the web sessions, or it wants a password.' },
      BALANCER_REJECTED: {
        means: 'HAProxy refuses the configuration, or it does not name the node that is to be let in.',
        mail: 'HAProxy goes on with the configuration that it has.',
      },
      BALANCER_FOREIGN: {
        means: 'HAProxy’s file on the control machine is somebody else’s and serves clients; it is not taken over.',
        mail: 'Nothing: that HAProxy goes on serving its clients.',
      },
      BALANCER_DOWN: {
        means: 'HAProxy does not run, or has not taken over its configuration.',
        mail: 'Clients that come through the balancer may be refused until it runs.',
      },
      PROBE_FAILED: {
        means:
          'A mail server answered wrongly: it refused a known user, took an unknown one, relayed, or a message was lost or doubled. Or the balancer: a check of it fails, a node does not see the client, or one client locks out another (see [whose address the nodes see](preflight.md#whose-address-the-nodes-see)).',
        mail: 'Users would meet the same. A node that is about to be let in stays out of the balancer until it is mended.',
      },
      PROBE_NOT_READY: {
        means: 'A mail server answered, but only that it cannot serve yet.',
        mail: 'Users would be told the same: the service begins, or waits for something. Other servers try again.',
      },
      PROBE_UNREACHABLE: {
        means: 'Nobody answers at a mail port.',
        mail: 'Nobody is served at that port; other servers keep their mail and try again.',
      },
    },
  },
  {
    title: 'IceWarp on a node',
    mail: HELD,
    entries: {
      FIREWALL_REFUSED: {
        means: 'The node cannot be closed: nftables, or the kernel, does not take the product’s table.',
      },
      NOT_QUIET: {
        means:
          'Services are stopped, and still something writes, listens or would start them again; the message names process, number and file.',
      },
      NOT_INSTALLED: { means: 'There is no IceWarp where the step expects one.' },
      INSTALLER_MISSING: { means: 'agent.yaml on that machine names no installer of that name.' },
      INSTALLER_CHANGED: { means: 'The installer’s file is missing or has another sha256 than agent.yaml says.' },
      INSTALL_FAILED: {
        means: 'The installer ended, but IceWarp is not installed, or not in the version that was registered.',
      },
      INSTALLATION_DIFFERS: { means: 'IceWarp is there in another folder or build. The product never upgrades.' },
      NODE_JOINED: {
        means: 'The node’s path.dat points at a shared configuration, into which an installer would copy its defaults.',
      },
      TOOL_FAILED: { means: 'IceWarp’s command line did not do or answer what it was asked.' },
      SETTING_UNKNOWN: { means: 'This version of IceWarp lacks a setting that a cluster needs.' },
      PASSWORD_POLICY: { means: 'IceWarp’s password policy refuses an account’s password.' },
      SERVICES_RUNNING: { means: 'Something still runs two minutes after the services were stopped.' },
      SERVICES_NOT_STARTED: {
        means: 'A service does not run two minutes after the start.',
        mail: 'That node serves nobody yet; other servers keep their mail and try again.',
      },
      GROUPWARE_AWAY: { means: 'GroupWare was not available within two minutes, so its tables cannot be made.' },
      LICENCE_MISSING: { means: 'The licence is not valid and no order is named, or activating it did not help.' },
      LICENCE_UNREADABLE: { means: 'The licence’s description cannot be read, so it cannot be compared.' },
      MIGRATION_UNKNOWN: {
        means:
          'IceWarp’s own migration of databases is not there or does not answer as assumed, or the database is in no SQLite file. Nothing was moved; see [below](#databases-by-hand).',
      },
      MIGRATION_FAILED: {
        means:
          'IceWarp’s own migration says that it failed; the message names its log on that node. The old file is as it was.',
      },
      ROWS_DIFFER: {
        means:
          'After the migration the database does not hold the rows of the old one; the message names tables, counts and some keys. A `retry` empties our half copy and begins anew.',
      },
      KEYS_CLASH: {
        means:
          'Keys that are different in the old database are the same for the database server, such as names that differ by case; the message lists some. Nothing was moved.',
      },
      CHANGES_LOST: {
        means:
          'On the way back, what users have changed in a database since it was moved could not be brought along; the message lists it. The old file is in force, without it.',
      },
      TABLES_FOREIGN: { means: 'The database holds tables that are not IceWarp’s.' },
      TABLES_MISSING: { means: 'IceWarp reported success, but its tables are not there.' },
    },
  },
];
