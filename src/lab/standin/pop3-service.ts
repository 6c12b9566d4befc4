import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { cachedCounts } from './directory-cache.js';
import { serveAccounts } from './dovecot-accounts.js';
import { accountsSocket, dovecotFolder, placeOf, writeDovecotConfig } from './dovecot.js';
import { FlagsFile } from './flags-file.js';
import { LiveAccounts } from './live-accounts.js';
import { LiveServer } from './live-server.js';
import { mailboxFolder } from './mailbox-folder.js';
import { pidFile } from './modules.js';
import { log } from './service-log.js';

// POP3 and IMAP: a Dovecot of this node's own below a process that knows the settings and the accounts. It stays root,
// as Dovecot's master does; Dovecot gives each session to the process user.
const accounts = new LiveAccounts(() => live, 'pop3');

const live: LiveServer = LiveServer.start('pop3', async (server) => {
  await accounts.reset();
  writeDovecotConfig(server);
  dovecot.kill('SIGHUP');
});

const { installation } = live.current;
const master = `${dovecotFolder(installation)}run/master.pid`;
const config = writeDovecotConfig(live.current);
await serveAccounts(accountsSocket(installation), installation.processUser, {
  ask: (question) => accounts.ask(question),
  counts: (address) => cachedCounts(live.current, address),
  place: (account) => placeOf(live.current, account),
  flags: (account) => new FlagsFile(`${mailboxFolder(live.current, account)}inbox/flags.dat`, installation.processUser),
});
rmSync(master, { force: true });
const dovecot = spawn('dovecot', ['-F', '-c', config], { stdio: 'inherit' });
dovecot.once('exit', () => process.exit(1));
while (!existsSync(master)) await sleep(20);
writeFileSync(pidFile(installation, 'pop3'), `${process.pid}\n`);
log(live.current, 'pop3', 'started');
