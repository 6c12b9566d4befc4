import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { SMTPServer } from 'smtp-server';

import { ARRIVALS, LATER_IS_NOW, OUTSIDE_FILE, type OutsideMailbox } from './outside-server.js';
import { LATER_DOMAIN, SINK_DOMAIN } from './production/old-server.js';

const HOME = '/run/outside';
const BOX = `${HOME}/mail`;
const MASTER = `${HOME}/run/master.pid`;
/** The system's unprivileged user: owner of the mail. */
const NOBODY = 65_534;

/** A mailbox of another provider: SMTP for everybody, and IMAP through a real Dovecot. Mail to two more domains is counted. */
async function serve({ address, ports, user, password }: OutsideMailbox): Promise<void> {
  endFormer();
  for (const part of ['run', 'state', 'mail', 'mail/new', 'mail/cur', 'mail/tmp']) {
    mkdirSync(`${HOME}/${part}`, { recursive: true });
    if (part.startsWith('mail')) chownSync(`${HOME}/${part}`, NOBODY, NOBODY);
  }
  writeFileSync(`${HOME}/users`, `${user}:${password}\n`);
  // Dovecot's own user reads it; it holds a hash, and the machine has no users
  chmodSync(`${HOME}/users`, 0o644);
  writeFileSync(`${HOME}/dovecot.conf`, dovecotConfig(address, ports.imap));
  const dovecot = spawn('dovecot', ['-F', '-c', `${HOME}/dovecot.conf`], { stdio: 'inherit' });
  dovecot.once('exit', () => process.exit(1));
  process.once('SIGTERM', () => dovecot.kill('SIGTERM'));
  while (!existsSync(MASTER)) await sleep(20);
  listen(address, ports.smtp, user);
}

/** A killed process leaves its Dovecot behind, which keeps the port. */
function endFormer(): void {
  if (!existsSync(MASTER)) return;
  const pid = Number(readFileSync(MASTER, 'utf8'));
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
  rmSync(MASTER, { force: true });
}

function listen(address: string, port: number, user: string): void {
  let messages = 0;
  const smtp = new SMTPServer({
    name: 'outside.test',
    authOptional: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    onRcptTo: ({ address: to }, _session, answer) => {
      answer(refusal(to.toLowerCase(), user));
    },
    onData: (stream, { remoteAddress, envelope }, answer) => {
      const parts: Buffer[] = [
        Buffer.from(`Received: from [${remoteAddress}] by outside.test; ${new Date().toUTCString()}\r\n`),
      ];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        if (envelope.rcptTo.some(({ address: to }) => domainOf(to) !== undefined)) {
          noteArrival(Buffer.concat(parts));
          answer();
          return;
        }
        const name = `${Date.now()}.${process.pid}_${messages++}.outside`;
        writeFileSync(`${BOX}/tmp/${name}`, Buffer.concat(parts));
        chownSync(`${BOX}/tmp/${name}`, NOBODY, NOBODY);
        renameSync(`${BOX}/tmp/${name}`, `${BOX}/new/${name}`);
        answer();
      });
    },
  });
  smtp.on('error', () => {
    if (!smtp.server.listening) process.exit(1);
  });
  smtp.listen(port, address);
}

/** Why a recipient is not accepted; null where he is. */
function refusal(to: string, user: string): Error | null {
  const refuse = (code: number, text: string): Error => Object.assign(new Error(text), { responseCode: code });
  if (to === user || domainOf(to) === SINK_DOMAIN) return null;
  if (domainOf(to) !== LATER_DOMAIN) return refuse(550, 'User unknown');
  return existsSync(LATER_IS_NOW) ? null : refuse(451, '4.7.1 Come again later');
}

/** The domain of an address whose mail is only counted. */
function domainOf(to: string): string | undefined {
  return [SINK_DOMAIN, LATER_DOMAIN].find((domain) => to.toLowerCase().endsWith(`@${domain}`));
}

/** Notes a message by its ID, durably before it is answered: whoever has a 250 knows that it is counted. */
function noteArrival(message: Buffer): void {
  const [, id = ''] = /^Message-ID: <(.*)>\r?$/im.exec(message.toString('latin1')) ?? [];
  const file = openSync(ARRIVALS, 'a', 0o600);
  writeSync(file, `${id}\n`);
  fsyncSync(file);
  closeSync(file);
}

function dovecotConfig(address: string, port: number): string {
  return `
base_dir = ${HOME}/run
state_dir = ${HOME}/state
instance_name = outside
log_path = /dev/stderr
protocols = imap
listen = ${address}
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:${BOX}
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = scheme=SSHA512 ${HOME}/users
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${BOX}
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`;
}

await serve(JSON.parse(readFileSync(OUTSIDE_FILE, 'utf8')) as OutsideMailbox);
