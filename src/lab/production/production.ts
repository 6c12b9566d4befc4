import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Lab } from '../handle.js';
import { LAB_DOMAIN } from '../layout.js';
import { INSTALLER } from '../machine-files.js';
import { LAB_FILE, type LabMachine } from '../standin/machine.js';
import { WATCHDOG } from '../standin/variables.js';
import { fillDatabases, INSTALLATION, pathOf, writeFiles } from './content.js';
import { type OldServerSize, userElsewhere } from './old-server.js';

/** The user of the services, who later owns the share: what a cluster asks of an old installation. */
const PROCESS_USER = { name: 'icewarp', id: 1500 } as const;

/** Seconds between two looks of the watchdog, and between two runs through the outgoing queue. */
const WATCHDOG_PERIOD = 1;
const SENDER_PERIOD = 3;

/**
 * Makes node A a server in production: one machine that runs, with everything in SQLite, mail and an archive, entries in
 * calendars with files beside them, messages in its queues, a mailbox outside of the mail folder, and a watchdog.
 */
export async function makeProduction(lab: Lab, size: OldServerSize): Promise<void> {
  const machine = lab.machine('A');
  const tool = async (...words: readonly string[]): Promise<void> => {
    await machine.run(`${INSTALLATION}/tool.sh`, words);
  };
  await machine.run('groupadd', ['--gid', String(PROCESS_USER.id), PROCESS_USER.name]);
  const user = ['--uid', String(PROCESS_USER.id), '--gid', PROCESS_USER.name, '--no-create-home', PROCESS_USER.name];
  await machine.run('useradd', user);
  await changeLabFile(machine.disk, { watchdogPeriod: WATCHDOG_PERIOD, senderPeriod: SENDER_PERIOD });
  await machine.run(INSTALLER, ['--auto', '--user', PROCESS_USER.name]);
  await machine.run(`${INSTALLATION}/icewarpd.sh`, ['--stop']);
  await tool('set', 'system', 'C_OnlineLicense', lab.secret('licence-order'));
  await tool('set', 'system', ...settings());
  const inboxes = writeFiles(machine, PROCESS_USER.id, size);
  const passwords = { users: lab.secret('mail-users'), administrator: lab.secret('mail-administrator') };
  await fillDatabases(machine, size, passwords, inboxes);
  // once more through the tool, which also lists it
  const elsewhere = userElsewhere(size);
  await tool('set', 'account', `${elsewhere}@${LAB_DOMAIN}`, 'U_MailboxPath', pathOf(elsewhere, size));
  await machine.run(`${INSTALLATION}/icewarpd.sh`, ['--start']);
  await writeFile(sizeFile(lab), JSON.stringify(size), { mode: 0o600 });
}

/** How much the server in production of a lab held when it was made. @throws Error ENOENT when it has none. */
export async function productionOf(lab: Lab): Promise<OldServerSize> {
  return JSON.parse(await readFile(sizeFile(lab), 'utf8')) as OldServerSize;
}

const sizeFile = (lab: Lab): string => join(lab.directory, 'production.json');

function settings(): string[] {
  const archive = ['C_System_Tools_AutoArchive_Enable', '1'];
  const name = ['C_Mail_SMTP_General_HostName', `old.${LAB_DOMAIN}`];
  return [...archive, ...name, ...Object.values(WATCHDOG).flatMap((variable) => [variable, '1'])];
}

async function changeLabFile(disk: string, change: Partial<LabMachine>): Promise<void> {
  const file = disk + LAB_FILE;
  const facts = JSON.parse(await readFile(file, 'utf8')) as LabMachine;
  await writeFile(file, `${JSON.stringify({ ...facts, ...change }, undefined, 2)}\n`);
}
