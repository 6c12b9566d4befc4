import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SMTPServer } from 'smtp-server';

import { isIn, Lockout, type LockoutRules } from '../../../src/lab/standin/lockout.js';
import { eventually } from '../../support/eventually.js';

/** The system's unprivileged user: owner of the mail. */
const NOBODY = 65_534;

export interface MailNodesOptions {
  readonly addresses: readonly string[];
  readonly ports: { readonly smtp: number; readonly imap: number; readonly pop3: number };
  readonly domain: string;
  /** Passwords by account name. */
  readonly accounts: Readonly<Record<string, string>>;
  /** Addresses whose Dovecot numbers messages by itself, instead of in the list beside the mail. */
  readonly numbersItself?: readonly string[];
  /** Addresses whose Dovecot reads a mail folder of its own, as without the share. */
  readonly apart?: readonly string[];
}

/** Mail servers on several addresses over one mail folder: a real Dovecot and an SMTP server that delivers, on each. */
export class MailNodes {
  /** How many copies of each message are delivered: 0 loses it, 2 is the mistake that "exactly once" is about. */
  copies = 1;
  /** Whether unknown users are taken, as a server on default settings would not but an open relay would. */
  takesAll = false;
  /** Addresses that may send to other domains without a login. */
  relayFor: readonly string[] = [];
  /** When an address that guesses names is blocked; nobody is, unless told. */
  lockout: LockoutRules | undefined;
  /** From where SMTP expects PROXY headers, and believes them. */
  readonly proxyFrom: string[] = [];
  /** The nodes' addresses that have lost the accounts database: they greet, and know nobody. */
  readonly lost = new Set<string>();
  readonly #lockout = new Lockout();
  /** Takes mail for other domains of who has logged in, which is refused without it; `host` is the node's name. */
  sendsOut: ((to: string, message: Buffer, host: string) => void) | undefined;
  readonly #smtp: SMTPServer[] = [];
  readonly #dovecots: ChildProcess[] = [];
  #messages = 0;

  private constructor(
    readonly folder: string,
    readonly options: MailNodesOptions,
  ) {}

  static async start(options: MailNodesOptions): Promise<MailNodes> {
    const nodes = new MailNodes(await mkdtemp(join(tmpdir(), 'mail-nodes-')), options);
    await nodes.#prepare();
    await Promise.all(options.addresses.map((address) => nodes.#startDovecot(address)));
    for (const address of options.addresses) await nodes.#startSmtp(address);
    return nodes;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#smtp.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    for (const dovecot of this.#dovecots.filter(({ exitCode }) => exitCode === null)) {
      const ended = once(dovecot, 'exit');
      dovecot.kill('SIGTERM');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #prepare(): Promise<void> {
    const { folder } = this;
    const { accounts, domain } = this.options;
    mkdirSync(join(folder, 'mail'), { mode: 0o755 });
    const users = Object.entries(accounts).map(([name, password]) => `${name}@${domain}:{PLAIN}${password}`);
    writeFileSync(join(folder, 'users'), users.join('\n'), { mode: 0o600 });
    chmodSync(folder, 0o755);
    chownSync(join(folder, 'mail'), NOBODY, NOBODY);
    chownSync(join(folder, 'users'), Number(execFileSync('id', ['-u', 'dovecot'])), 0);
    await Promise.resolve();
  }

  async #startDovecot(address: string): Promise<void> {
    const { folder } = this;
    const { ports, numbersItself = [], apart = [] } = this.options;
    const home = join(folder, address);
    for (const part of ['', 'run', 'state', 'index', 'control', 'apart']) mkdirSync(join(home, part), { mode: 0o755 });
    for (const part of ['index', 'control', 'apart']) chownSync(join(home, part), NOBODY, NOBODY);
    const mail = apart.includes(address) ? join(home, 'apart') : join(folder, 'mail');
    const control = numbersItself.includes(address) ? `:CONTROL=${home}/control/%n` : '';
    const listener = (name: string, port: number): string =>
      `service ${name}-login {\n inet_listener ${name} {\n port = ${port}\n }\n inet_listener ${name}s {\n port = 0\n }\n}`;
    const file = join(home, 'dovecot.conf');
    writeFileSync(
      file,
      `base_dir = ${home}/run
state_dir = ${home}/state
instance_name = ${home.replaceAll('/', '_')}
log_path = ${home}/dovecot.log
protocols = imap pop3
listen = ${address}
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:${mail}/%n:INDEX=${home}/index/%n${control}
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${mail}/%n
}
${listener('imap', ports.imap)}
${listener('pop3', ports.pop3)}
`,
    );
    const dovecot = spawn('dovecot', ['-F', '-c', file], { stdio: 'ignore' });
    this.#dovecots.push(dovecot);
    const master = join(home, 'run/master.pid');
    await eventually('Dovecot serves', () => {
      if (dovecot.exitCode !== null) throw new Error(`Dovecot ended with ${dovecot.exitCode}`);
      return exists(master);
    });
  }

  async #startSmtp(address: string): Promise<void> {
    const server = new SMTPServer({
      authOptional: true,
      allowInsecureAuth: true,
      hideSTARTTLS: true,
      disableReverseLookup: true,
      useProxy: this.proxyFrom,
      onConnect: ({ remoteAddress }, answer) => {
        const blocked = this.#lockout.isBlocked(remoteAddress, this.lockout);
        answer(blocked ? Object.assign(new Error('blocked'), { responseCode: 554 }) : null);
      },
      onAuth: ({ username = '', password }, _session, answer) => {
        const right = this.options.accounts[username.split('@')[0] ?? ''] === password;
        answer(right ? null : new Error('wrong'), right ? { user: username } : undefined);
      },
      onRcptTo: ({ address: to }, { remoteAddress, user }, answer) => {
        if (this.lost.has(address)) {
          answer(Object.assign(new Error('not now'), { responseCode: 451 }));
          return;
        }
        const ours = to.endsWith(`@${this.options.domain}`);
        const relays = isIn(remoteAddress, this.relayFor) || (this.sendsOut !== undefined && user !== undefined);
        const known = ours ? this.#isKnown(to) : relays;
        if (ours && !known) this.#lockout.note(remoteAddress, this.lockout);
        answer(known || this.takesAll ? null : Object.assign(new Error('unknown'), { responseCode: 550 }));
      },
      onData: (stream, { envelope, remoteAddress }, answer) => {
        const parts: Buffer[] = [Buffer.from(`Received: from client\r\n ([${remoteAddress}]) by node; today\r\n`)];
        stream.on('data', (part: Buffer) => parts.push(part));
        stream.on('end', () => {
          for (const { address: to } of envelope.rcptTo) {
            if (this.#isKnown(to)) this.deliver(to, Buffer.concat(parts));
            else this.sendsOut?.(to, Buffer.concat(parts), address);
          }
          answer();
        });
      },
    });
    server.on('error', () => undefined);
    this.#smtp.push(server);
    await new Promise<void>((resolve) => server.listen(this.options.ports.smtp, address, () => resolve()));
  }

  #isKnown(address: string): boolean {
    const [name = '', domain = ''] = address.split('@');
    return Object.hasOwn(this.options.accounts, name) && domain === this.options.domain;
  }

  deliver(to: string, message: Buffer): void {
    const box = join(this.folder, 'mail', to.split('@')[0] ?? '');
    for (const part of ['', 'tmp', 'cur', 'new']) {
      mkdirSync(join(box, part), { recursive: true });
      chownSync(join(box, part), NOBODY, NOBODY);
    }
    for (let copy = 0; copy < this.copies; copy++) {
      const file = join(box, 'new', `${Date.now()}.${this.#messages++}.test`);
      writeFileSync(file, message);
      chownSync(file, NOBODY, NOBODY);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
