import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';

import { type Lab, labDown, labUp, NODES, shareElsewhere } from '../../src/lab/lab.js';
import { type CheckAnswer, checkLoad, storeOfA } from '../../src/lab/load/check.js';
import { loadFiles, readJournal } from '../../src/lab/load/journal.js';
import { loadDaemon, startLoad, stopLoad, takeLater } from '../../src/lab/load/load.js';
import { ARRIVALS } from '../../src/lab/outside-server.js';
import { homeOnDisk } from '../../src/lab/production/content.js';
import { userElsewhere } from '../../src/lab/production/old-server.js';
import { runCommand } from '../../src/platform/run.js';
import { eventually } from '../support/eventually.js';
import { newSeed } from '../support/trees/random.js';

jest.setTimeout(120_000);

const SIZE = { messages: 400, mailboxes: 4 };
const PATIENCE = 30;

let lab: Lab;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'icewarp-rollout-production-'));
  lab = await labUp({ dir, agents: false, production: SIZE, log: () => undefined });
});
afterAll(async () => {
  await labDown(lab.directory);
});

const check = async (): Promise<CheckAnswer> =>
  checkLoad(lab, { imap: ['A'], store: storeOfA(lab, SIZE), patience: PATIENCE });
const services = async (...words: string[]): Promise<void> => {
  await lab.machine('A').run('/opt/icewarp/icewarpd.sh', words);
};
const rowsOf = async (file: string, query: string): Promise<string> =>
  (await lab.machine('A').run('sqlite3', [`/opt/icewarp/${file}`, query])).stdout;
const away = (answer: CheckAnswer): string[] => answer.away.map(({ service }) => service);

describe("the lab's server in production", () => {
  it('holds everything in SQLite, and waiting mail', async () => {
    const said = [
      await rowsOf('config/accounts.db', "SELECT COUNT(*), SUM(path <> '') FROM Users"),
      await rowsOf('calendar/groupware.db', "SELECT COUNT(*), SUM(content LIKE '%attachments/%') FROM Items"),
      await rowsOf('spam/antispam.db', 'SELECT verdict, COUNT(*) FROM Senders GROUP BY verdict'),
      await rowsOf('config/directorycache.db', 'SELECT COUNT(*), SUM(messages) > 200 FROM Folders'),
    ];
    expect(said).toEqual(['5|1', '80|12', '0|250\n1|250', '4|1']);
    const { disk } = lab.machine('A');
    const waiting = readdirSync(`${disk}/opt/icewarp/mail/_outgoing/retry`).filter((name) => name.endsWith('.dat'));
    expect(waiting.length).toBeGreaterThanOrEqual(2);
    const elsewhere = `/srv/mailboxes/lab.test/${userElsewhere(SIZE)}/\n`;
    expect(readFileSync(`${disk}/opt/icewarp/config/externaldirs.dat`, 'utf8')).toBe(elsewhere);
  });

  it('may have its mailbox elsewhere on a file server, in sight of every node', async () => {
    await shareElsewhere(lab);
    const folder = `/srv/mailboxes/lab.test/${userElsewhere(SIZE)}/inbox/.Kept`;
    for (const node of NODES) expect((await lab.machine(node).run('ls', [folder])).stdout).toContain('cur');
  });

  it('serves users who never stop; when it is away, they say so, and all is as they left it', async () => {
    await startLoad(lab, 'A', newSeed());
    await sleep(2_000);
    // the watchdog brings it back
    await services('--stop', 'smtp');
    const told = (what: string): boolean =>
      readJournal(loadFiles(lab.directory).journal).some(
        (entry) => (entry.kind === 'away' || entry.kind === 'back') && `${entry.service} ${entry.kind}` === what,
      );
    await eventually('SMTP is there again', () => told('smtp back'));
    await services('--stop');
    // a machine in a hurry has them back before a client comes by
    await eventually('the clients of IMAP are not served', () => told('imap away'));
    await services('--start');
    await sleep(1_500);
    // a load that dies leaves what it had in hand unknown, and goes on
    await loadDaemon(lab, 0).kill();
    await startLoad(lab, 'A', newSeed());
    await sleep(1_000);
    await stopLoad(lab);
    const answer = await check();
    expect(answer.problems).toEqual([]);
    expect(answer.counts.accepted).toBeGreaterThan(5);
    expect(answer.counts.changes).toBeGreaterThan(10);
    expect(away(answer)).toEqual(expect.arrayContaining(['smtp', 'imap']));
    for (const { seconds } of answer.away) expect(seconds).toBeGreaterThan(0);
    await takeLater(lab);
    const outside = (): number =>
      readFileSync(lab.machine('control').disk + ARRIVALS, 'utf8').split('later-').length - 1;
    await eventually('what had to come again has come', () => outside() === 2);
    expect((await check()).problems).toEqual([]);
  });

  it('shows every damage by its name', async () => {
    const home = homeOnDisk(lab.machine('A').disk, 'user02', SIZE);
    const inbox = join(home, 'inbox');
    // Dovecot moves what is new when it is looked at: from here on the names stay
    await services('--stop');
    const names = readdirSync(join(inbox, 'cur')).sort();
    const untouched = new Set(untouchedIds());
    const files = names.map((name) => join(inbox, 'cur', name)).filter((file) => untouched.has(idIn(file)));
    const [lost = '', twice = '', flags = '', content = ''] = files;
    const damaged = [lost, twice, flags, content].map(idIn);
    await runCommand('rm', [lost]);
    copyFileSync(twice, twice.replace(/\.imap.*/, '-copy.imap:2,'));
    renameSync(flags, flags.replace(/:2,.*/, flags.endsWith('F') ? ':2,' : ':2,F'));
    const text = readFileSync(content);
    text.write('x', text.length - 5);
    writeFileSync(content, text);
    const arrivals = lab.machine('control').disk + ARRIVALS;
    const [arrived = ''] = readFileSync(arrivals, 'utf8').split('\n');
    appendFileSync(arrivals, `${arrived}\n`);
    const uidlist = join(inbox, '.Kept/dovecot-uidlist');
    const kept = readFileSync(uidlist, 'utf8');
    writeFileSync(uidlist, kept.replace(/ V\d+/, ' V77'));
    await runCommand('chown', ['--recursive', '1500:1500', inbox]);
    await services('--start');

    const found = (await check()).problems.map(({ what, where, name }) => `${what} (${where}) ${name}`);
    const [lostId = '', twiceId = '', flagsId = '', contentId = ''] = damaged;
    const inMailbox = [`lost ? ${lostId}`, `twice ? ${twiceId}`, `flags ? ${flagsId}`, `content ? ${contentId}`];
    const expected = ['(IMAP of A)', '(disk)'].flatMap((where) => inMailbox.map((one) => one.replace('?', where)));
    const others = [`outside-twice (outside) ${arrived}`, 'uid-validity (IMAP of A) user02/Kept'];
    expect(found.sort()).toEqual([...expected, ...others].sort());
  });
});

/** Messages that no client has changed: what is wrong with them is what was done here. */
function untouchedIds(): string[] {
  const journal = readJournal(loadFiles(lab.directory).journal);
  const changed = new Set(journal.flatMap((entry) => (entry.kind === 'change' ? [entry.id] : [])));
  return Array.from({ length: SIZE.messages }, (_, index) => `old-${index + 1}@lab.test`).filter(
    (id) => !changed.has(id),
  );
}

function idIn(file: string): string {
  return /^Message-ID: <(.*)>/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
}
