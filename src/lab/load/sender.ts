import { LAB_DOMAIN } from '../layout.js';
import { hashOf, sentence, SINK_DOMAIN } from '../production/old-server.js';
import type { Random } from '../random.js';
import { LOAD_DOMAIN } from './message-id.js';
import { type Outgoing, sendMessage } from './smtp.js';
import { pause, type World } from './world.js';

/** Milliseconds between two messages of one sender. */
const PACE = 500;
/** One message of so many leaves for another domain. */
const OUTSIDE = 5;

/** Sends messages until it is told to stop: to the users, and from a user to the world. */
export async function send(world: World, name: string, random: Random): Promise<void> {
  for (let count = 1; !world.stop.aborted; count += 1) {
    const id = `${name}-${count}@${LOAD_DOMAIN}`;
    const { message, hash } = compose(world, id, random);
    world.journal.note({ kind: 'send', id, to: message.to, hash });
    const outcome = await sendMessage(world.server('smtp'), message);
    world.journal.note({ kind: 'answer', id, state: outcome.state });
    if ('reason' in outcome) world.served.smtp.no(outcome.reason);
    else if (outcome.state === 'accepted') world.served.smtp.yes();
    await pause(world, random, PACE);
  }
}

function compose({ users, password }: World, id: string, random: Random): { message: Outgoing; hash: string } {
  const user = `${users[random.between(0, users.length - 1)] ?? ''}@${LAB_DOMAIN}`;
  const leaves = random.between(1, OUTSIDE) === 1;
  const [from, to] = leaves ? [user, `somebody@${SINK_DOMAIN}`] : ['somebody@outside.test', user];
  const body = Array.from({ length: random.skewed(2, 10, 60) }, () => sentence(random)).join('\r\n');
  const head = [`From: <${from}>`, `To: <${to}>`, `Message-ID: <${id}>`, `Subject: ${sentence(random)}`, '', ''];
  const message = { from, to, data: head.join('\r\n') + body, ...(leaves ? { login: { user, password } } : {}) };
  return { message, hash: hashOf(Buffer.from(`${body}\r\n`)) };
}
