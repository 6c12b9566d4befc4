import { randomInt } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { imapCount } from '../../src/activities/mail/imap.js';
import { differencesOf } from '../../src/activities/mail/old-message.js';
import { plantOldMessages, probeOldMessages, removeOldMessages } from '../../src/activities/old-messages.js';
import { testContext, type TestContext } from '../support/context.js';
import { MailNodes } from './mail/mail-nodes.js';

const PORTS = { smtp: 2525, imap: 2143, pop3: 2110 };
const DOMAIN = 'example.com';
const PASSWORD = 'kB7.second-w0rd';
const subnet = `127.${randomInt(128, 250)}.${randomInt(1, 250)}`;
const [A, B, AWAY] = [`${subnet}.11`, `${subnet}.12`, `${subnet}.13`];

describe('the old message of a probe account', () => {
  let nodes: MailNodes;
  let context: TestContext;

  beforeEach(async () => {
    context = await testContext({ second: PASSWORD });
    nodes = await MailNodes.start({
      addresses: [A, B, AWAY],
      ports: PORTS,
      domain: DOMAIN,
      accounts: { probe: PASSWORD },
      apart: [AWAY],
    });
    await plantOldMessages.run(through(A), context);
  });

  afterEach(async () => {
    await nodes.stop();
    await context.remove();
  });

  const through = (address: string) => ({
    node: { id: address === A ? 'A' : 'B', address },
    imap: PORTS.imap,
    cluster: 'test',
    domain: DOMAIN,
    accounts: [{ name: 'probe', password: { secret: 'second' } }],
  });
  const probe = (address = B) => probeOldMessages.run(through(address), context);
  const count = (): Promise<number> =>
    imapCount(
      { address: A, port: PORTS.imap },
      { user: `probe@${DOMAIN}`, password: PASSWORD },
      'old message',
      context.signal,
    );
  const inbox = (): string => join(nodes.folder, 'mail/probe/cur');
  const file = async (): Promise<string> => join(inbox(), (await readdir(inbox()))[0] ?? '');

  it('is read through every node, byte for byte, and removed at the end', async () => {
    for (const address of [A, B]) {
      expect((await probe(address)).checks).toEqual([
        expect.stringMatching(/byte for byte and under its old numbers$/),
      ]);
    }
    await removeOldMessages.run(through(A), context);
    expect(await count()).toBe(0);
    expect((await probe()).checks).toEqual([expect.stringContaining('not proven')]);
  });

  it('is there once when the attempt that put it there is repeated', async () => {
    await plantOldMessages.run(through(A), context);
    await probe();
    expect(await count()).toBe(1);
  });

  it('is missed by a node that reads another folder, as without the share', async () => {
    await expect(probe(AWAY)).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('from before the move exactly once, but it was there 0 times') as unknown,
    });
  });

  it('is recognised by its hash when somebody changed one character of it on disk', async () => {
    const path = await file();
    const text = await readFile(path, 'latin1');
    await writeFile(
      path,
      text.replace(/=\r?\n$/, (end) => `+${end.slice(1)}`),
      'latin1',
    );
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringMatching(/a message with the hash [0-9a-f]{64}, but [0-9a-f]{64} came/) as unknown,
    });
  });

  it('is found to have lost its flag, as after a weak copy', async () => {
    const path = await file();
    await rename(path, path.replace(/:2,.*$/, ':2,'));
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('it has lost its flag') as unknown,
    });
  });

  it('is found to have another number when the list of UIDs did not come along', async () => {
    await rm(join(nodes.folder, 'mail/probe/dovecot-uidlist'));
    for (const address of [A, B])
      await rm(join(nodes.folder, address, 'index/probe'), { recursive: true, force: true });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await expect(probe()).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringMatching(/UIDVALIDITY \d+ in INBOX, but \d+ came|under UID/) as unknown,
    });
  });
});

describe('the folders of a mailbox', () => {
  const was = { path: 'INBOX', messages: 5, unseen: 2, uidValidity: '7', uidNext: 9 };

  it('may gain messages, never lose them, nor their numbering', () => {
    expect(
      differencesOf(
        [was],
        [
          { ...was, messages: 6, uidNext: 10 },
          { ...was, path: 'New' },
        ],
      ),
    ).toEqual([]);
    expect(differencesOf([was], [])).toEqual([{ expected: 'folder INBOX', came: 'it was not there' }]);
    expect(differencesOf([was], [{ ...was, messages: 4, unseen: 1, uidNext: 8, uidValidity: '8' }])).toEqual([
      { expected: 'UIDVALIDITY 7 in INBOX', came: '8 came' },
      { expected: 'at least UIDNEXT 9 in INBOX', came: '8 came' },
      { expected: 'at least as many messages as 5 in INBOX', came: '4 came' },
      { expected: 'at least as many unseen messages as 2 in INBOX', came: '1 came' },
    ]);
  });
});
