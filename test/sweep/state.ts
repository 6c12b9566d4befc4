import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SECRETS, type Lab } from '../../src/lab/lab.js';
import { snapshot, type Snapshot } from '../e2e/snapshot.js';

/** Folders of the share whose files are messages: compared by what they hold, because their names hold the time. */
const MAIL = ['mail', 'archives'] as const;
const SHARE = '/srv/icewarp/share';

/** Files whose content is another in every lab: the product's own notes with their times, a hash that holds addresses. */
const MATTERS_NOT = [/^\/var\/lib\/icewarp-rollout\//, /\/\.icewarp-rollout-configuration$/];
/** Files that are there or not as time goes by. */
const LEFT_OUT = [/:\/var\/lib\/icewarp\/logs\//, /\/dovecot[-.][^/]*$/];
/** How Dovecot names messages that it takes itself. */
const NAMED_BY_TIME = /\d{10}\.M\d+P\d+/;

/** Tables of which only this is the same in every lab: they go with time, or hold salted passwords. */
const SUMMED_UP: Readonly<Record<string, string>> = {
  'iw_accounts.MasterJobs':
    'SELECT server_id, COUNT(*) - COUNT(DISTINCT period) AS twice FROM iw_accounts.MasterJobs GROUP BY server_id',
  'iw_accounts.Users': 'SELECT mailbox, domain, admin FROM iw_accounts.Users',
  // what probes left there meanwhile is counted at some time or other
  'iw_dircache.Folders': "SELECT folder, messages, bytes FROM iw_dircache.Folders WHERE folder NOT LIKE '%/probe-%'",
};

/** An archive keeps every message of a probe, and a probe that was tried again has sent again. */
const PROBE = /^icewarp-rollout probe /;

/**
 * What a rollout leaves, item by item, in words that are the same in every lab: all disks, mounts, accounts, databases
 * with their rows, settings, path.dat, messages by mailbox, mail that went outside.
 */
export async function endState(lab: Lab): Promise<Snapshot> {
  const same = sameInEveryLab(lab);
  const files = await snapshot(lab, (content, path) =>
    MATTERS_NOT.some((pattern) => pattern.test(path)) ? 'of its own' : hashOf(same(content.toString('latin1'))),
  );
  const entries = Object.entries(files)
    .filter(([path]) => !MAIL.some((folder) => path.startsWith(`share:${SHARE}/${folder}/`)))
    .filter(([path]) => !LEFT_OUT.some((pattern) => pattern.test(path)))
    .map(([path, what]) => [same(path).replace(NAMED_BY_TIME, '<time>'), same(what)] as const);
  return {
    ...Object.fromEntries(entries),
    ...(await rows(lab, same)),
    ...(await messages(lab)),
    ...(await outside(lab)),
  };
}

/** Addresses, secrets and folders of one lab become names. */
function sameInEveryLab(lab: Lab): (text: string) => string {
  const net = lab.addresses.control.replace(/\d+$/, '');
  const names: [string, string][] = SECRETS.map((name) => [lab.secret(name), `<${name}>`]);
  names.push([net, 'net.'], [lab.directory, '<lab>'], [lab.temporal.address, '<temporal>'], [lab.dist, '<build>/']);
  return (text) =>
    names
      .reduce((changed, [word, name]) => changed.replaceAll(word, name), text)
      .replaceAll(/(?<=IDENTIFIED BY PASSWORD ')\*[0-9A-F]{40}/g, '<hash>')
      // over a file with addresses
      .replaceAll(/(?<=description icewarp-rollout )[0-9a-f]{16}/g, '<seal>');
}

/** Every row of every database of the cluster. */
async function rows(lab: Lab, same: (text: string) => string): Promise<Snapshot> {
  const tables = (await lab.sql(
    "SELECT table_schema AS db, table_name AS name FROM information_schema.tables WHERE table_schema LIKE 'iw\\_%'",
  )) as { db: string; name: string }[];
  const entries: Record<string, string> = {};
  for (const { db, name } of tables) {
    const found = await lab.sql(SUMMED_UP[`${db}.${name}`] ?? `SELECT * FROM \`${db}\`.\`${name}\``);
    entries[`rows of ${db}.${name}`] = found
      .map((row) => same(JSON.stringify(row)))
      .sort()
      .join('\n');
  }
  return entries;
}

/** Mailbox → its messages’ subjects; a message that is there twice is there twice. */
async function messages(lab: Lab): Promise<Snapshot> {
  const { disk } = lab.machine('share');
  const entries: Record<string, string[]> = {};
  for (const top of MAIL) {
    const root = join(disk, SHARE, top);
    for (const name of await readdir(root, { recursive: true }).catch(() => [])) {
      if (!/\.imap[^/]*$/.test(name)) continue;
      const mailbox = name.replace(/(\/(new|cur|tmp))?\/[^/]*$/, '');
      const [, subject = 'no subject'] = /^Subject: (.*?)\r?$/m.exec(await readFile(join(root, name), 'utf8')) ?? [];
      if (top === 'archives' && PROBE.test(subject)) continue;
      (entries[`messages in ${top}/${mailbox}`] ??= []).push(subject);
    }
  }
  return Object.fromEntries(
    Object.entries(entries).map(([mailbox, subjects]) => [mailbox, subjects.sort().join('\n')]),
  );
}

/** How many messages lie in the mailbox outside. */
async function outside(lab: Lab): Promise<Snapshot> {
  const { stdout } = await lab
    .machine('control')
    .run('find', ['/run/outside/mail', '-name', '*.outside*', '-type', 'f']);
  return { 'messages outside': String(stdout.split('\n').filter(Boolean).length) };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
