import { readFileSync } from 'node:fs';

import type { LockoutRules } from './lockout.js';
import type { MigrationFaults } from './migration.js';

/** The file through which the lab tells a machine what a real server would learn from its network card. */
export const LAB_FILE = '/etc/icewarp-lab.json';

export interface LabMachine {
  /** The machine's only address: services listen on it and every connection to a database leaves from it. */
  readonly address: string;
  readonly ports: { readonly smtp: number; readonly pop3: number; readonly imap: number };
  /** The Node.js binary and the compiled product. */
  readonly node: string;
  readonly dist: string;
  /** Where mail for other domains goes; without it such mail stays in the outgoing queue. */
  readonly relaySink?: { readonly host: string; readonly port: number };
  /** Lets the installer fail (and still exit 0, as the real one does): the disk is full. */
  readonly failInstall?: 'disk';
  /** Lets the installer wait, with its files in place and half its work done, until there is this file. */
  readonly installWaitsFor?: string;
  /** Lets every command of `tool` fail that has this word in it; its complaint repeats all of them. */
  readonly failTool?: string;
  /** Lets a migration of databases fail, or lose a row. */
  readonly migration?: MigrationFaults;
  /** UNCONFIRMED, lab only: SMTP expects a PROXY header on connections from these addresses, and believes it. */
  readonly proxyFrom?: readonly string[];
  /** UNCONFIRMED, lab only: addresses and networks that may send to other domains without a login. */
  readonly relayFor?: readonly string[];
  /** UNCONFIRMED, lab only: blocks addresses that guess names; without it nobody is blocked. */
  readonly lockout?: LockoutRules;
  /** What the licence activated on this machine allows; default {@link DEFAULT_LICENCE_ITEMS} of licence.ts. */
  readonly licenceItems?: readonly string[];
  /**
   * Seconds between two looks of the watchdog, which belongs to the control service; without it there is none. That it
   * reads its settings at each look, and ends with the control service, is UNCONFIRMED.
   */
  readonly watchdogPeriod?: number;
  /** Seconds between two runs through the outgoing queue; without it mail to other domains leaves at once. */
  readonly senderPeriod?: number;
  /** Seconds between two rows of the master job; default 5. */
  readonly masterPeriod?: number;
}

/** Reads {@link LAB_FILE}. Its only writer is the lab, so a wrong file is a defect and throws. */
export function readLabMachine(): LabMachine {
  const machine = JSON.parse(readFileSync(LAB_FILE, 'utf8')) as Partial<LabMachine>;
  if (!machine.address || !machine.ports || !machine.node || !machine.dist) {
    throw new Error(`${LAB_FILE} must have address, ports, node and dist`);
  }
  return machine as LabMachine;
}
