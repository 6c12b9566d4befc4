import type { DaemonPlan } from './daemon.js';
import { DIST, NODE } from './host.js';
import { type MailPorts, OUTSIDE_MAILBOX } from './layout.js';
import type { Machine } from './machine.js';
import { isListening, waitReady } from './reachable.js';
import { hashPassword } from './standin/accounts.js';

/** What the process `outside-mailbox.js` is told; on the control machine, gone with its power like the mail. */
export const OUTSIDE_FILE = '/run/outside-mailbox.json';

/** The IDs of messages that came for the domains whose mail is only counted, one a line; on the control machine's disk. */
export const ARRIVALS = '/var/lib/outside-arrivals';

/** Once this file is there, mail that had to come again is taken. */
export const LATER_IS_NOW = '/run/outside-later-is-now';

export interface OutsideMailbox {
  readonly address: string;
  readonly ports: { readonly smtp: number; readonly imap: number };
  /** The only account, as a full address. */
  readonly user: string;
  /** Its password, hashed in a form that Dovecot checks itself. */
  readonly password: string;
}

const LOG = '/var/log/outside.log';

/** Where the mailbox outside is, and what opens it. */
export interface OutsideAccess {
  readonly address: string;
  readonly ports: Pick<MailPorts, 'smtp' | 'imap'>;
  readonly password: () => string;
}

/** The mail server of another provider, on the control machine, which has no mail of its own. */
export function outsidePlan(machine: Machine, { address, ports, password }: OutsideAccess): DaemonPlan {
  return {
    name: 'outside',
    grace: 5_000,
    start: async () => {
      const mailbox: OutsideMailbox = { address, ports, user: OUTSIDE_MAILBOX, password: hashPassword(password()) };
      await machine.run('tee', [OUTSIDE_FILE], { input: JSON.stringify(mailbox) });
      return machine.spawn(NODE, [`${DIST}/src/lab/outside-mailbox.js`], { log: LOG });
    },
    ready: async (process) => {
      const server = { name: 'outside', process, log: machine.disk + LOG };
      await waitReady(server, async () => isListening(address, ports.smtp));
    },
  };
}
