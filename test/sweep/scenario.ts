import { readFile, writeFile } from 'node:fs/promises';

import {
  checkLoad,
  type Lab,
  type LabUpOptions,
  productionOf,
  shareElsewhere,
  storeOfShare,
  takeLater,
} from '../../src/lab/lab.js';
import type { Snapshot } from '../e2e/snapshot.js';
import { cutOff, databaseAway, oldAttempt, type Outage, shareUnwritable } from './outages.js';

/** A rollout that is swept: on which lab, and by which command. */
export interface Scenario {
  /** Heading of its table in docs/reliability.md. */
  readonly title: string;
  readonly lab: Omit<LabUpOptions, 'dir' | 'log'>;
  /** What an administrator does before. */
  readonly prepare?: (lab: Lab) => Promise<void>;
  /** The command line, to which the lab's cluster file is added. */
  readonly command: readonly [verb: string, ...flags: string[]];
  /** What it meets in one more rollout. */
  readonly outages: readonly Outage[];
  /** What its users find at the end, besides what machines, databases and share hold. */
  readonly users?: (lab: Lab) => Promise<Snapshot>;
}

/** A stop has room for many kills, and a node waits so long for news in it that an outage of a minute is too long. */
const CUTOVER = ['soak: 1s', 'lease: 30s', 'databases: { budget: 15m }', 'storage: { budget: 15m }'];

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  fresh: {
    title: 'Order 1: a fresh cluster',
    lab: { agents: true, oldMail: true },
    command: ['start', '--yes', '--detach'],
    outages: [
      databaseAway('A/tables:stopped'),
      oldAttempt('A', 'mailAccounts'),
      shareUnwritable('A/sharedConfiguration'),
      cutOff('B', 'services:shared'),
    ],
  },
  production: {
    title: 'Order 2: a server in production',
    lab: { agents: true, production: { messages: 40, mailboxes: 4 } },
    prepare: prepareProduction,
    command: ['start', '--yes', '--detach'],
    outages: [
      databaseAway('A/databaseMove'),
      shareUnwritable('A/treeFinal:mail'),
      oldAttempt('A', 'sharedConfiguration'),
      cutOff('A', 'treeFinal:archive'),
    ],
    users: mailOfUsers,
  },
};

async function prepareProduction(lab: Lab): Promise<void> {
  const file = lab.paths.clusterFile;
  const text = await readFile(file, 'utf8');
  const changed = text.replace(/^cutover:\n {2}soak: 1m$/m, ['cutover:', ...CUTOVER].join('\n  '));
  if (changed === text) throw new Error(`${file} has no cutover to change`);
  await writeFile(file, changed);
  await shareElsewhere(lab);
}

/** Every message by IMAP through each way to it, with flags, folder and UIDVALIDITY; archives, attachments, mail outside. */
async function mailOfUsers(lab: Lab): Promise<Snapshot> {
  await takeLater(lab);
  const store = storeOfShare(lab, await productionOf(lab));
  const { problems } = await checkLoad(lab, { imap: ['A', 'B', 'C', 'balancer'], store, patience: 60 });
  return { 'what users miss': problems.map((problem) => JSON.stringify(problem)).join('\n') };
}
