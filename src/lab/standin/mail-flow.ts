import { type Address, parseAddress } from './accounts.js';
import { deliver } from './delivery.js';
import { reasonOf } from './file-errors.js';
import type { LiveAccounts } from './live-accounts.js';
import { readLabMachine } from './machine.js';
import { mailboxFolder } from './mailbox-folder.js';
import { messageName } from './message-name.js';
import { dequeue, enqueue, postpone, readQueued, waiting, type Queued } from './queue.js';
import { log } from './service-log.js';
import { queuePaths, serverId, type Server } from './server.js';

export type QueueName = 'incoming' | 'outgoing' | 'retry';

/**
 * What happens to a message after its 250: incoming queue → mailboxes, outgoing queue → the lab's sink. A message
 * leaves a queue only when all its recipients have it, so a crash in between delivers twice rather than never.
 */
export class MailFlow {
  /** The queues that somebody wants to be worked through. */
  private readonly wanted = new Set<QueueName>();
  private working: Promise<void> | undefined;
  private stopping = false;

  constructor(
    private readonly server: () => Server,
    private readonly accounts: LiveAccounts,
  ) {}

  /** Makes a message durable in the incoming queue. */
  async accept(queued: Queued): Promise<void> {
    const server = this.server();
    await enqueue(queuePaths(server).incoming, messageName(serverId(server)), queued);
  }

  /** Works through queues once; those wanted while it works come after that. */
  async work(...queues: readonly QueueName[]): Promise<void> {
    for (const queue of queues) this.wanted.add(queue);
    this.working ??= this.workAll().finally(() => {
      this.working = undefined;
    });
    await this.working;
  }

  /** Ends the work with the message that is in hand: no message is stopped between two of its recipients. */
  async finish(): Promise<void> {
    this.stopping = true;
    await this.working;
  }

  private async workAll(): Promise<void> {
    for (const queue of this.wanted) {
      this.wanted.delete(queue);
      const { incoming, outgoing, retry } = queuePaths(this.server());
      if (queue === 'incoming') await this.each(incoming, (queued) => this.distribute(queued));
      else if (queue === 'outgoing') await this.each(outgoing, relay, retry);
      else await this.each(retry, relay);
    }
  }

  private async each(folder: string, handle: (queued: Queued) => Promise<void>, retry?: string): Promise<void> {
    for (const name of await waiting(folder)) {
      if (this.stopping) return;
      try {
        const queued = await readQueued(folder, name);
        if (queued) await handle(queued);
        await dequeue(folder, name);
      } catch (error) {
        log(this.server(), 'smtp', `${name} stays queued: ${reasonOf(error)}`);
        if (retry !== undefined) await postpone(folder, name, retry);
      }
    }
  }

  private async distribute({ from, to, message }: Queued): Promise<void> {
    const server = this.server();
    const elsewhere: string[] = [];
    const homes = new Map<Address, string>();
    // all of them first: when the database fails in between, nobody has it yet
    for (const recipient of to) {
      const address = parseAddress(recipient);
      const isOurs = address && (await this.accounts.ask((accounts) => accounts.domain(address.domain)));
      const account = isOurs && (await this.accounts.ask((accounts) => accounts.account(address)));
      if (isOurs) homes.set(address, mailboxFolder(server, account ?? { ...address }));
      else elsewhere.push(recipient);
    }
    for (const [address, home] of homes) await deliver(server, address, home, message);
    if (elsewhere.length === 0) return;
    const name = messageName(serverId(server));
    await enqueue(queuePaths(server).outgoing, name, { from, to: elsewhere, message });
  }
}

/** Hands a message to the lab's sink. The lab file is read each time: the sink may come and go. */
async function relay({ from, to, message }: Queued): Promise<void> {
  const { relaySink, address } = readLabMachine();
  if (relaySink === undefined) throw new Error('the lab has no sink for mail to other domains');
  const { createTransport } = await import('nodemailer');
  const transport = createTransport({ ...relaySink, ignoreTLS: true, localAddress: address, connectionTimeout: 5000 });
  try {
    await transport.sendMail({ envelope: { from, to: [...to] }, raw: message });
  } finally {
    transport.close();
  }
}
