import { readFileSync } from 'node:fs';

import { Lab } from '../handle.js';
import { LAB_DOMAIN } from '../layout.js';
import { FOLDERS, userElsewhere, usersOf } from '../production/old-server.js';
import { productionOf } from '../production/production.js';
import { Random } from '../random.js';
import type { Endpoint } from './connection.js';
import { Denied, ImapSession } from './imap.js';
import { Journal, loadFiles, readJournal, type Service } from './journal.js';
import { RUNNING, type Target } from './load.js';
import { MailProgram } from './mail-program.js';
import { send } from './sender.js';
import { Served } from './served.js';
import { Unserved } from './connection.js';
import { pause, type World } from './world.js';

const SENDERS = 3;
/** Users whose mail programs run; one of them has his mailbox elsewhere. */
const PROGRAMS = 4;

const [directory = '', seed = ''] = process.argv.slice(2);
const lab = new Lab(directory);
const size = await productionOf(lab);
const files = loadFiles(directory);
const journal = new Journal(files.journal);
const earlier = readJournal(files.journal);
const run = earlier.filter(({ kind }) => kind === 'begin').length + 1;
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

let number = earlier.reduce((most, entry) => ('number' in entry ? Math.max(most, entry.number) : most), 0);
const world: World = {
  journal,
  served: { smtp: new Served('smtp', journal), imap: new Served('imap', journal) },
  server,
  users: usersOf(size),
  password: lab.secret('mail-users'),
  stop: stop.signal,
  nextNumber: () => (number += 1),
};

/** Looks each time: where the clients go may change while they run. */
function server(service: Service): Endpoint {
  const target = readFileSync(files.target, 'utf8') as Target;
  const ports = target === 'balancer' ? lab.ports.balancer : lab.ports.node;
  return { host: lab.addresses[target], port: ports[service], localAddress: lab.addresses.clients };
}

/** Notes each folder as it is before the load does anything. */
async function noteFolders(user: string, random: Random): Promise<void> {
  while (!stop.signal.aborted) {
    try {
      const imap = await ImapSession.open(server('imap'), `${user}@${LAB_DOMAIN}`, world.password);
      try {
        for (const folder of Object.keys(FOLDERS)) {
          journal.note({ kind: 'folder', user, folder, uidValidity: await imap.open(folder, 'EXAMINE') });
        }
      } finally {
        imap.close();
      }
      return;
    } catch (error) {
      if (!(error instanceof Unserved || error instanceof Denied)) throw error;
      await pause(world, random, 500);
    }
  }
}

journal.note({ kind: 'begin', at: Date.now(), run, seed: Number(seed) });
let turn = 0;
const nextRandom = (): Random => new Random(Number(seed) + run * 1000 + (turn += 1));
for (const user of world.users) await noteFolders(user, nextRandom());
const programs = [userElsewhere(size), ...world.users.slice(0, -1)].slice(0, PROGRAMS);
const clients = [
  ...Array.from({ length: SENDERS }, (_, index) => send(world, `run-${run}-sender-${index + 1}`, nextRandom())),
  ...programs.map((user) => new MailProgram(world, user, nextRandom()).use()),
];
process.stdout.write(`${RUNNING}\n`);
await Promise.all(clients);
journal.note({ kind: 'end', at: Date.now() });
journal.close();
