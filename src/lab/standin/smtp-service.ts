import { writeFileSync } from 'node:fs';

import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';

import type { Accounts } from './accounts.js';
import { reasonOf } from './file-errors.js';
import { LiveAccounts } from './live-accounts.js';
import { LiveServer } from './live-server.js';
import { isIn, Lockout } from './lockout.js';
import { readLabMachine } from './machine.js';
import { MailFlow, type QueueName } from './mail-flow.js';
import { pidFile } from './modules.js';
import { log } from './service-log.js';
import { serverHostname } from './server.js';
import { becomeUser } from './system-user.js';

/** Milliseconds between two looks at the queues, and between two tries of postponed mail. */
const WORK_PERIOD = 1000;
const RETRY_PERIOD = 3000;
/** Milliseconds that connected clients get when the service is stopped. */
const STOP_GRACE = 300;

/** An SMTP answer; `responseCode` is what smtp-server sends. */
class Refusal extends Error {
  constructor(
    readonly responseCode: number,
    message: string,
  ) {
    super(message);
  }
}

const accounts = new LiveAccounts(() => live, 'smtp');
const live: LiveServer = LiveServer.start('smtp', () => accounts.reset());
const flow = new MailFlow(() => live.current, accounts);
const lockout = new Lockout();

/** Without the accounts database no mail is accepted and nobody logs in. */
async function askAccounts<T>(question: (accounts: Accounts) => Promise<T>): Promise<T> {
  return accounts.ask(question).catch(() => {
    throw new Refusal(451, '4.3.0 the accounts are not available');
  });
}

async function checkRecipient(address: string, session: SMTPServerSession): Promise<void> {
  const recipient = await askAccounts((known) => known.classify(address));
  const { remoteAddress } = session;
  // the lab file is read each time: what is changed there is felt without a restart
  const { relayFor, lockout: rules } = readLabMachine();
  if (recipient === 'unknown') {
    lockout.note(remoteAddress, rules);
    throw new Refusal(550, '5.1.1 User unknown');
  }
  if (recipient === 'elsewhere' && !session.user && !isIn(remoteAddress, relayFor)) {
    throw new Refusal(550, '5.7.1 We do not relay');
  }
}

async function receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const { mailFrom, rcptTo } = session.envelope;
  const received = `Received: from [${session.remoteAddress}] by ${serverHostname(live.current)}; ${new Date().toUTCString()}\r\n`;
  try {
    await flow.accept({
      from: mailFrom ? mailFrom.address : '',
      to: rcptTo.map(({ address }) => address),
      message: Buffer.concat([Buffer.from(received), ...parts]),
    });
  } catch (error) {
    log(live.current, 'smtp', `a message cannot be queued: ${reasonOf(error)}`);
    throw new Refusal(451, '4.3.0 the message cannot be stored');
  }
  log(live.current, 'smtp', `accepted from ${session.remoteAddress} for ${rcptTo.length} recipient(s)`);
}

function work(...queues: readonly QueueName[]): void {
  flow.work(...queues).catch((error: unknown) => {
    log(live.current, 'smtp', `the queues cannot be worked: ${reasonOf(error)}`);
  });
}

/** Answers smtp-server's callback style from a promise. */
function answer(work: Promise<void>, callback: (error?: Error | null) => void): void {
  work.then(
    () => callback(),
    (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
  );
}

const { installation, machine } = live.current;
const { senderPeriod } = machine;
const smtp = new SMTPServer({
  name: serverHostname(live.current),
  banner: 'IceWarp stand-in ESMTP (lab)',
  authOptional: true,
  allowInsecureAuth: true,
  hideSTARTTLS: true,
  closeTimeout: STOP_GRACE,
  disableReverseLookup: true,
  ...(machine.proxyFrom === undefined ? {} : { useProxy: [...machine.proxyFrom] }),
  onConnect({ remoteAddress }, callback) {
    const blocked = lockout.isBlocked(remoteAddress, readLabMachine().lockout);
    if (blocked) log(live.current, 'smtp', `refused ${remoteAddress}: blocked`);
    callback(blocked ? new Refusal(554, '5.7.1 Your address is blocked') : null);
  },
  onAuth({ username, password }, { remoteAddress }, callback) {
    askAccounts((known) => known.checkPassword(username ?? '', password ?? '')).then(
      (right) => {
        if (!right) lockout.note(remoteAddress, readLabMachine().lockout);
        if (right) callback(null, { user: username });
        else callback(new Refusal(535, '5.7.8 Wrong credentials'));
      },
      (error: unknown) => callback(error as Error),
    );
  },
  onRcptTo({ address }, session, callback) {
    answer(checkRecipient(address, session), callback);
  },
  onData(stream, session, callback) {
    answer(receive(stream, session), (error) => {
      callback(error);
      work('incoming');
      if (senderPeriod === undefined) work('outgoing');
    });
  },
});

// No message is left between two of its recipients, or between the sink's 250 and the end of its wait: a server that is
// stopped never delivers twice. One that is killed may.
process.once('SIGTERM', () => {
  smtp.close(() => {
    void flow.finish().finally(() => process.exit(0));
  });
});

smtp.on('error', (error) => {
  log(live.current, 'smtp', `connection: ${reasonOf(error)}`);
  if (!smtp.server.listening) process.exit(1);
});

smtp.listen(machine.ports.smtp, machine.address, () => {
  writeFileSync(pidFile(installation, 'smtp'), `${process.pid}\n`);
  becomeUser(installation.processUser);
  log(live.current, 'smtp', 'started');
  setInterval(() => work('incoming'), WORK_PERIOD);
  setInterval(() => work('outgoing'), senderPeriod === undefined ? WORK_PERIOD : senderPeriod * 1000);
  setInterval(() => work('retry'), RETRY_PERIOD);
});
