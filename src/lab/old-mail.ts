import { basename, dirname } from 'node:path';

import type { Machine } from './machine.js';

/** The mailbox on the old server whose mail the rollout has to bring along. */
export const OLD_MAILBOX = 'admin@lab.test';

/** The old messages, in the server's own form; the archive holds a copy of the first. */
export const OLD_MESSAGES = [
  { name: '20190304101112-0001.imap', subject: 'Older than the cluster' },
  { name: '20210607080910-0001.imap', subject: 'Still older than the cluster' },
] as const;

/** A message that waits on the old server for another server to be there, by its place below the mail folder. */
export const WAITING_MESSAGE = '_outgoing/retry/20240506070809-0001.dat';

const INSTALLATION = '/opt/icewarp';
const PROCESS_USER = 'icewarp';

/**
 * Makes a machine a server that already holds mail and an archive: installs the stand-in there, and stops it, as an
 * administrator would before a move.
 */
export async function bringOldMail(machine: Machine, installer: string): Promise<void> {
  const [mailbox = '', domain = ''] = OLD_MAILBOX.split('@');
  // its services run as the user that later owns the share, which is what a cluster asks of an old installation
  await machine.run('groupadd', ['--gid', '1500', PROCESS_USER]);
  await machine.run('useradd', ['--uid', '1500', '--gid', PROCESS_USER, '--no-create-home', PROCESS_USER]);
  await machine.run(installer, ['--auto', '--user', PROCESS_USER]);
  await machine.run(`${INSTALLATION}/icewarpd.sh`, ['--stop']);
  await machine.run(`${INSTALLATION}/tool.sh`, ['set', 'system', 'C_Mail_SMTP_General_HostName', `old.${domain}`]);
  const inbox = `${domain}/${mailbox}/inbox/new`;
  for (const { name, subject } of OLD_MESSAGES) await place(machine, `mail/${inbox}`, name, subject);
  const waiting = `${JSON.stringify({ from: OLD_MAILBOX, to: ['friend@elsewhere.test'] })}\nSubject: waits\r\n\r\nwaits\r\n`;
  await write(machine, `mail/${dirname(WAITING_MESSAGE)}`, basename(WAITING_MESSAGE), waiting);
  const [first] = OLD_MESSAGES;
  await place(machine, `archive/${inbox}`, first.name, first.subject);
}

/** Writes one message with the owner of the mail folder, so that the server can read it. */
async function place(machine: Machine, folder: string, name: string, subject: string): Promise<void> {
  const message = [`From: <${OLD_MAILBOX}>`, `To: <${OLD_MAILBOX}>`, `Subject: ${subject}`, '', subject, ''];
  await write(machine, folder, name, message.join('\r\n'));
}

async function write(machine: Machine, folder: string, name: string, text: string): Promise<void> {
  const path = `${INSTALLATION}/${folder}`;
  await machine.run('mkdir', ['-p', path]);
  await machine.run('tee', [`${path}/${name}`], { input: text });
  const top = `${INSTALLATION}/${folder.split('/', 2).join('/')}`;
  await machine.run('chown', ['--recursive', `--reference=${INSTALLATION}/mail`, top]);
}
