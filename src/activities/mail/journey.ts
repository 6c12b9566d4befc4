import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { secondsSince } from '../elapsed.js';
import { wrongAnswer } from './failure.js';
import { imapCount, imapReceived, imapRemove } from './imap.js';
import { pop3Count } from './pop3.js';
import type { Login, MailServer } from './server.js';
import { sendMessage } from './smtp.js';

/** A message's way: in by SMTP here, out by IMAP and POP3 there. */
export interface Route {
  /** What the way is called in subjects and errors, such as `A>B`. */
  readonly name: string;
  readonly smtp: MailServer;
  readonly imap: MailServer;
  readonly pop3: MailServer | undefined;
  readonly sender: Login;
  readonly recipient: Login;
  /** The recipient's address, where it is not the name that he logs in with. */
  readonly to?: string;
  /** Milliseconds that the message may take; default {@link ARRIVAL}. */
  readonly patience?: number;
  /** Names of a server, one of which must stand in a `Received` line of the message. */
  readonly through?: readonly string[];
}

export interface Journey {
  readonly subject: string;
  /** Seconds from the first word to the server until the message was seen. */
  readonly seconds: number;
  /** The lines in which servers said from whom they received it, the last one first. */
  readonly received: readonly string[];
}

/** Milliseconds that a message may take, between two looks, and before the second look that finds duplicates. */
const ARRIVAL = 30_000;
const GLANCE = 500;
const SECOND_LOOK = 2_000;

/**
 * Sends one message and proves that it is there EXACTLY once, by IMAP and by POP3 (procedure, rule 18); removes it,
 * and what an interrupted journey on the same way has left, whatever the outcome.
 *
 * @throws RolloutError PROBE_FAILED with what came instead; PROBE_UNREACHABLE when a service does not answer.
 */
export async function travel(route: Route, signal: AbortSignal): Promise<Journey> {
  const mark = `icewarp-rollout probe [${route.name}]`;
  const subject = `${mark} ${randomBytes(8).toString('hex')}`;
  const started = Date.now();
  try {
    await sendMessage(route.smtp, route.sender, addressee(route), subject);
    await arrival(route, subject, signal);
    const seconds = secondsSince(started);
    const received = await imapReceived(route.imap, route.recipient, subject, signal);
    await sleep(SECOND_LOOK, undefined, { signal });
    await expectOnce(route, subject, signal);
    expectThrough(route, received);
    await cleared(route, mark, signal);
    return { subject, seconds, received };
  } catch (error) {
    // The failure itself is what the operator must see, not that its traces could not be removed either.
    await imapRemove(route.imap, route.recipient, mark, AbortSignal.timeout(GLANCE * 10)).catch(() => undefined);
    throw error;
  }
}

function addressee({ to, recipient }: Route): string {
  return to ?? recipient.user;
}

async function arrival(route: Route, subject: string, signal: AbortSignal): Promise<void> {
  const { name, imap, recipient, patience = ARRIVAL } = route;
  const deadline = Date.now() + patience;
  while ((await imapCount(imap, recipient, subject, signal)) === 0) {
    if (Date.now() > deadline) {
      throw wrongAnswer(
        `message ${name}`,
        `it in ${addressee(route)}’s inbox within ${patience / 1000} s`,
        'it was not there',
      );
    }
    await sleep(GLANCE, undefined, { signal });
  }
}

async function expectOnce({ name, imap, pop3, recipient }: Route, subject: string, signal: AbortSignal): Promise<void> {
  const byImap = await imapCount(imap, recipient, subject, signal);
  if (byImap !== 1) throw wrongAnswer(`message ${name}`, 'it exactly once by IMAP', `it was there ${byImap} times`);
  if (pop3 === undefined) return;
  const byPop3 = await pop3Count(pop3, recipient, subject, signal);
  if (byPop3 !== 1) throw wrongAnswer(`message ${name}`, 'it exactly once by POP3', `it was there ${byPop3} times`);
}

function expectThrough({ name, through }: Route, received: readonly string[]): void {
  if (through === undefined) return;
  const lines = received.map((line) => line.toLowerCase());
  if (lines.some((line) => through.some((server) => names(line, server.toLowerCase())))) return;
  throw wrongAnswer(
    `message ${name}`,
    `a Received line that names ${through.join(' or ')}`,
    `none of its ${received.length} did`,
  );
}

/** Whether a line names a server as a whole word: 192.0.2.1 is no part of 192.0.2.11. */
function names(line: string, server: string): boolean {
  return line.split(/[^a-z0-9.:-]+/).some((word) => word.replace(/[.;]+$/, '') === server);
}

async function cleared({ name, imap, recipient }: Route, mark: string, signal: AbortSignal): Promise<void> {
  await imapRemove(imap, recipient, mark, signal);
  const left = await imapCount(imap, recipient, mark, signal);
  if (left > 0) throw wrongAnswer(`message ${name}`, 'a removed message to be gone', 'it is still there');
}
