/** What a code means for the rollout, and what the operator does next. */
export interface ErrorKind {
  /** Whether trying the same again, unchanged, can help: an outage can, a wrong password cannot. */
  readonly retryable: boolean;
  /** One sentence: the operator's next step. */
  readonly next: string;
}

const BY_HAND =
  'Mend the cause, or move that database by hand (docs/recovery.md, "Databases by hand"); then: icewarp-rollout retry';
const CHECK_AND_RETRY = 'Mend the cause, then: icewarp-rollout retry';

/**
 * Every error that the product raises on purpose. The code is API: it is the `type` of the failure in Temporal's
 * history, scripts may test it, and retryability is a property of the code alone.
 */
export const ERRORS = {
  // the cluster file and the command line
  CLUSTER_FILE: { retryable: false, next: 'Correct the cluster file, then: icewarp-rollout validate' },
  USAGE: { retryable: false, next: 'See: icewarp-rollout --help' },
  PLAN_DRIFT: {
    retryable: false,
    next: 'Look at the difference, then plan again: icewarp-rollout plan FILE --output PLAN.json',
  },
  PLAN_OTHER: {
    retryable: false,
    next: 'Name the plan of this cluster file, or plan again: icewarp-rollout plan FILE --output PLAN.json',
  },
  // Temporal
  TEMPORAL_UNREACHABLE: { retryable: false, next: 'Start it, or set TEMPORAL_ADDRESS to where it runs' },
  TEMPORAL_CONFIG: {
    retryable: false,
    next: 'Correct the variables TEMPORAL_… of this process, or the configuration file of the Temporal SDK',
  },
  TEMPORAL_PLAIN: {
    retryable: false,
    next: 'Set TEMPORAL_TLS=true and what goes with it; where that network is private and meant: TEMPORAL_PLAIN_TEXT=allow',
  },
  PAYLOAD_KEYS: { retryable: false, next: 'Correct the payload keys: one a line, an id, a blank, 32 bytes in base64' },
  PAYLOAD_KEY_UNKNOWN: {
    retryable: true,
    next: 'Add the key with that id to the payload keys of that process, below the first line; restart it if it is a worker',
  },
  PAYLOAD_KEY_WRONG: {
    retryable: true,
    next: 'Give that process the key that other machines have under that id; restart it if it is a worker',
  },
  NO_CONTROL_WORKER: { retryable: false, next: 'Start it with: icewarp-rollout worker --control' },
  BUSY: { retryable: false, next: 'Follow it with: icewarp-rollout watch' },
  NO_ROLLOUT: { retryable: false, next: 'Start one with: icewarp-rollout start' },
  REFUSED: { retryable: false, next: 'See where it stands with: icewarp-rollout status' },
  // agents
  AGENT_CONFIG: { retryable: false, next: 'Correct agent.yaml on that machine and restart its agent' },
  AGENT_LOST: { retryable: true, next: 'Look at the agent’s log on that machine, then: icewarp-rollout retry' },
  AGENT_VERSION: { retryable: false, next: 'Install the same major version of icewarp-rollout on every machine' },
  SECRET_UNUSABLE: { retryable: false, next: 'Choose another value for the secret, then: icewarp-rollout retry' },
  SECRET_MISSING: {
    retryable: false,
    next: 'Correct the secret’s source, or agent.yaml and restart its agent, then: icewarp-rollout retry',
  },
  // commands of the operating system
  COMMAND_FAILED: { retryable: false, next: CHECK_AND_RETRY },
  COMMAND_MISSING: {
    retryable: false,
    next: 'Install the package that brings the command, then: icewarp-rollout retry',
  },
  COMMAND_TIMEOUT: { retryable: true, next: CHECK_AND_RETRY },
  COMMAND_LEFT: {
    retryable: true,
    next: 'End that process, or restart the machine if nothing ends it, then: icewarp-rollout retry',
  },
  // the way back
  VAULT_OPEN: {
    retryable: false,
    next: 'Keep that original as the way back: start --adopt; give it up: start --forget',
  },
  VAULT_DAMAGED: { retryable: false, next: 'Restore the file from your backup, then: icewarp-rollout skip' },
  CHANGED_MEANWHILE: { retryable: false, next: 'Look at the difference; put it as expected and retry, or skip' },
  LEASE_LOST: {
    retryable: false,
    next: 'See that all is as before on that node, then: icewarp-rollout rollback, and start again',
  },
  LEASE_OTHER: { retryable: false, next: 'End that stop first: icewarp-rollout rollback' },
  AGENT_RUNS: { retryable: false, next: 'Stop the agent of this node, then run the same again' },
  STAGE_OPENED: { retryable: false, next: 'Put it back with what users have changed since: icewarp-rollout rollback' },
  NOT_CONVERGED: { retryable: false, next: 'Look at the agent’s log on that machine, then: icewarp-rollout retry' },
  UNEXPECTED: { retryable: true, next: 'Look at the agent’s log on that machine' },
  // names and clients
  DNS_SILENT: { retryable: true, next: 'Check that the DNS servers named there answer, then: icewarp-rollout retry' },
  CLIENTS_ELSEWHERE: {
    retryable: false,
    next: 'Change DNS as told, then: icewarp-rollout retry; where nothing is published yet: icewarp-rollout skip',
  },
  // rules between machines
  PREFLIGHT_STOPS: {
    retryable: false,
    next: 'Mend what is in the way, then: icewarp-rollout retry; what may stay: icewarp-rollout approve --finding ID',
  },
  RULE_BROKEN: { retryable: false, next: 'Make it so, then: icewarp-rollout retry' },
  // closing a node
  FIREWALL_REFUSED: {
    retryable: false,
    next: 'Let the agent run as root on a machine whose kernel has nftables, then: icewarp-rollout retry',
  },
  NOT_QUIET: { retryable: true, next: 'Stop what is named there, then: icewarp-rollout retry' },
  // database
  DATABASE_UNREACHABLE: {
    retryable: true,
    next: 'Check that the database server runs and its address and port are right',
  },
  DATABASE_DENIED: { retryable: false, next: 'Correct the user or password, then: icewarp-rollout retry' },
  DATABASE_FAILED: { retryable: false, next: CHECK_AND_RETRY },
  CLOCK_OFF: { retryable: false, next: 'Set the clocks right, such as by NTP, then: icewarp-rollout retry' },
  // users, shares, mounts and folders of a machine
  PLATFORM_UNKNOWN: { retryable: false, next: 'Run this part on Linux' },
  USER_CONFLICT: {
    retryable: false,
    next: 'Make the user or its number free on that machine, then: icewarp-rollout retry',
  },
  SERVICE_MISSING: { retryable: false, next: 'Install the service on that machine, then: icewarp-rollout retry' },
  SHARE_UNREACHABLE: { retryable: true, next: 'Check that the share server runs and its address and port are right' },
  SHARE_DENIED: { retryable: false, next: 'Correct the share’s account or password, then: icewarp-rollout retry' },
  SHARE_FOREIGN: { retryable: false, next: 'Use another share or name, or free this one, then: icewarp-rollout retry' },
  SHARE_CONFIG: { retryable: false, next: CHECK_AND_RETRY },
  SHARE_NOT_MOUNTED: { retryable: false, next: 'Mount the share on that machine, then: icewarp-rollout retry' },
  SHARE_STALE: { retryable: true, next: 'Check that all nodes mount the same share' },
  SHARE_LOCKS: {
    retryable: false,
    next: 'Mount the share on every node so that locks reach its server (no nobrl, nolock, local_lock), then: icewarp-rollout retry',
  },
  SHARE_UNFIT: {
    retryable: false,
    next: 'Mount the share with other options, or use another one, then: icewarp-rollout retry',
  },
  SHARE_FULL: { retryable: false, next: 'Make room on the share, then: icewarp-rollout retry' },
  MOUNT_FAILED: { retryable: false, next: CHECK_AND_RETRY },
  MOUNT_BUSY: { retryable: true, next: 'End what still uses the mounted share, then: icewarp-rollout retry' },
  FOLDER_CONFLICT: { retryable: false, next: 'Move away what is in the way, then: icewarp-rollout retry' },
  FOLDER_UNWRITABLE: { retryable: false, next: 'Correct owner and rights of the folder, then: icewarp-rollout retry' },
  WRITE_REFUSED: {
    retryable: true,
    next: 'See that the disk or share is mounted writable, has room and no errors, then: icewarp-rollout retry',
  },
  // balancer and probes
  BALANCER_FOREIGN: {
    retryable: false,
    next: 'Move that configuration away, or balance on another machine, then: icewarp-rollout retry',
  },
  PHP_INI: { retryable: false, next: CHECK_AND_RETRY },
  REDIS_UNUSABLE: { retryable: true, next: 'Start Redis and let the nodes reach it, then: icewarp-rollout retry' },
  BALANCER_REJECTED: { retryable: false, next: CHECK_AND_RETRY },
  BALANCER_DOWN: { retryable: true, next: 'Look at HAProxy’s own log, then: icewarp-rollout retry' },
  PROBE_FAILED: { retryable: false, next: 'Look at that node’s mail services, then: icewarp-rollout retry' },
  PROBE_NOT_READY: { retryable: true, next: 'Look at that service’s log on the node, then: icewarp-rollout retry' },
  PROBE_UNREACHABLE: {
    retryable: true,
    next: 'Check that the service runs and its port can be reached, then: icewarp-rollout retry',
  },
  // IceWarp on a node
  NOT_INSTALLED: { retryable: false, next: CHECK_AND_RETRY },
  INSTALLER_MISSING: {
    retryable: false,
    next: 'Name the installer in agent.yaml on that machine and restart its agent, then: icewarp-rollout retry',
  },
  INSTALLER_CHANGED: {
    retryable: false,
    next: 'Put the installer there that agent.yaml names, then: icewarp-rollout retry',
  },
  INSTALL_FAILED: { retryable: false, next: 'Read the installer’s log on that machine, then: icewarp-rollout retry' },
  INSTALLATION_DIFFERS: {
    retryable: false,
    next: 'Install or name the same build and folder, then: icewarp-rollout retry',
  },
  NODE_JOINED: {
    retryable: false,
    next: 'Do not install on a node that shares its configuration; take it out of the cluster first',
  },
  TOOL_FAILED: { retryable: true, next: CHECK_AND_RETRY },
  SETTING_UNKNOWN: { retryable: false, next: 'Install a version of IceWarp that has this setting' },
  PASSWORD_POLICY: {
    retryable: false,
    next: 'Choose a stronger password for the account, then: icewarp-rollout retry',
  },
  SERVICES_RUNNING: { retryable: true, next: 'Stop what is named there, then: icewarp-rollout retry' },
  SERVICES_NOT_STARTED: {
    retryable: true,
    next: 'Look at IceWarp’s logs on that machine, then: icewarp-rollout retry',
  },
  GROUPWARE_AWAY: { retryable: true, next: 'Look at IceWarp’s logs on that machine, then: icewarp-rollout retry' },
  LICENCE_MISSING: { retryable: false, next: 'Activate a licence on that node, then: icewarp-rollout retry' },
  LICENCE_UNREADABLE: {
    retryable: false,
    next: 'Activate that node’s licence again so that it can be read, then: icewarp-rollout retry',
  },
  ACCOUNTS_PRESENT: {
    retryable: false,
    next: 'Move these accounts and their mail away with IceWarp’s own migration, then: icewarp-rollout retry',
  },
  ACCOUNTS_STRANDED: {
    retryable: false,
    next: 'Move these accounts to the former database or delete them, then retry; or stay on this database: icewarp-rollout skip',
  },
  MIGRATION_UNKNOWN: { retryable: false, next: BY_HAND },
  MIGRATION_FAILED: { retryable: false, next: BY_HAND },
  ROWS_DIFFER: { retryable: false, next: BY_HAND },
  KEYS_CLASH: {
    retryable: false,
    next: 'Rename all but one of them on the old server, then: icewarp-rollout retry',
  },
  CHANGES_LOST: {
    retryable: false,
    next: 'Mend the cause, then: icewarp-rollout retry; or accept that what is listed is lost: icewarp-rollout skip',
  },
  TABLES_FOREIGN: { retryable: false, next: 'Name an empty database in the cluster file' },
  TABLES_MISSING: { retryable: false, next: 'Look at IceWarp’s logs on that machine, then: icewarp-rollout retry' },
  // what is moved to the share
  QUEUE_FOREIGN: {
    retryable: false,
    next: 'See whether those messages were sent, move them out of that folder, then: icewarp-rollout retry',
  },
  QUEUE_NOT_EMPTY: { retryable: false, next: 'Let the queues empty themselves, then: icewarp-rollout retry' },
  COPY_DIFFERS: { retryable: true, next: CHECK_AND_RETRY },
  COPY_INCOMPLETE: {
    retryable: false,
    next: 'Mend what the list named there says, on that machine, then: icewarp-rollout retry',
  },
  SKIPPED_UNAPPROVED: {
    retryable: false,
    next: 'Mend what the list named there says and retry, or approve of exactly that list: icewarp-rollout approve --skipped HASH',
  },
  TOO_MUCH_GONE: {
    retryable: false,
    next: 'See that the share is whole; if users deleted that much, run the command named there on that machine, then: icewarp-rollout retry',
  },
  MAIL_MISSING: {
    retryable: false,
    next: 'See what that node shows at the places listed there, mend its mount or the copy, then: icewarp-rollout retry',
  },
  CONFIG_EMPTY: { retryable: false, next: 'See that the share is mounted and holds the configuration, then retry' },
  CONFIG_DEFAULTED: { retryable: false, next: 'See that the share is mounted and holds the configuration, then retry' },
  CONFIG_FOREIGN: { retryable: false, next: 'Move the files away that are in the way, then: icewarp-rollout retry' },
  STATE_DAMAGED: { retryable: false, next: 'Restore the file from your backup, then: icewarp-rollout retry' },
  // the transfer of a tree
  LEDGER_BUSY: { retryable: false, next: 'Wait until that process has ended, or end it; then run the same again' },
  NO_FINAL_PASS: { retryable: false, next: 'Make a final pass first: icewarp-rollout transfer copy --final' },
  LEDGER_OLDER: { retryable: false, next: 'Rebuild it from both sides with: icewarp-rollout transfer adopt' },
  LEDGER_DAMAGED: { retryable: false, next: 'Rebuild it with: icewarp-rollout transfer adopt' },
  LEDGER_FULL: { retryable: false, next: 'Make room on the ledger’s own disk, then run the same again' },
  LEDGER_OTHER: { retryable: false, next: 'Name the ledger of these two folders, or a new one' },
  DESTINATION_OTHER: {
    retryable: false,
    next: 'Check that the right share is mounted; if it is the ledger that is lost: icewarp-rollout transfer adopt',
  },
  DESTINATION_OLDER: {
    retryable: false,
    next: 'Bring the newest state of the destination back, or accept this one: icewarp-rollout transfer adopt',
  },
  DESTINATION_BUSY: {
    retryable: false,
    next: 'Wait for the transfer named there; if its machine is gone for good, remove the lease file named there',
  },
  SOURCE_MISSING: {
    retryable: false,
    next: 'Check that the source is mounted and named rightly, then run the same again',
  },
  SOURCE_NOT_QUIET: { retryable: false, next: 'Stop what still writes to the source, then run the final pass again' },
  SHARE_HANGS: {
    retryable: true,
    next: 'Check that the share’s server answers; a new run waits by itself until the old process has ended',
  },
  ENGINE_DIED: { retryable: true, next: 'Run the same again: it goes on where it stopped' },
  NO_ROOM: { retryable: true, next: 'Make room at the destination, then run the same again' },
  // the lab
  LAB_ROOT: { retryable: false, next: 'Run the lab as root on a Linux machine' },
  LAB_STATE: { retryable: false, next: 'See: icewarp-rollout lab status' },
  LAB_FAILED: { retryable: false, next: 'Mend the cause, then: icewarp-rollout lab up' },
  TEMPORAL_MISSING: { retryable: false, next: 'Run: npm run bootstrap' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/**
 * The only error that crosses a process boundary: a code and words of our own. Foreign messages never travel in it,
 * because they carry command lines, SQL and passwords; the original goes, redacted, to the local log.
 */
export class RolloutError extends Error {
  override readonly name = 'RolloutError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get next(): string {
    return ERRORS[this.code].next;
  }
}
