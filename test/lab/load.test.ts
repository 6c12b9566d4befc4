import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { awayTimes } from '../../src/lab/load/away.js';
import { compareLeaving, compareMessages } from '../../src/lab/load/compare.js';
import { expectationOf, type State } from '../../src/lab/load/expected.js';
import { type Entry, Journal, readJournal } from '../../src/lab/load/journal.js';
import type { Found } from '../../src/lab/load/look.js';
import { compareRows } from '../../src/lab/load/rows.js';
import { Served } from '../../src/lab/load/served.js';
import { type Outcome, sendMessage } from '../../src/lab/load/smtp.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-load-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const send = (id: string, to = 'ada@lab.test'): Entry => ({ kind: 'send', id, to, hash: `hash of ${id}` });
const answer = (id: string, state: 'accepted' | 'bounced' | 'delayed' | 'unknown'): Entry => ({
  kind: 'answer',
  id,
  state,
});
const found = (id: string, more: Partial<Found> = {}): Found => {
  return { id, user: 'ada', folder: 'INBOX', flags: [], hash: `hash of ${id}`, ...more };
};

/** What is wrong, as `what: message`, after these lines of the journal and with these messages there. */
function problems(journal: readonly Entry[], there: readonly Found[], old: readonly string[] = []): string[] {
  const state: State = { folder: 'INBOX', flags: ['\\Seen'] };
  const before = new Map(old.map((id) => [id, { user: 'ada', state }]));
  const expectation = expectationOf(journal, 'lab.test', before);
  return compareMessages('here', expectation, expectation.hashes, there).map(({ what, name }) => `${what}: ${name}`);
}

describe('the checker of a load', () => {
  it('wants what was answered with 250 once, an unknown one at most once, and nothing that was not taken', () => {
    const journal = [
      ...[send('a'), answer('a', 'accepted'), send('b'), answer('b', 'unknown'), send('c'), answer('c', 'delayed')],
      send('never answered'),
    ];
    expect(problems(journal, [found('a')])).toEqual([]);
    expect(problems(journal, [found('a'), found('b'), found('never answered')])).toEqual([]);
    expect(problems(journal, [])).toEqual(['lost: a']);
    expect(problems(journal, [found('a'), found('a'), found('b'), found('b')])).toEqual(['twice: a', 'twice: b']);
    expect(problems(journal, [found('a'), found('c')])).toEqual(['returned: c']);
    expect(problems(journal, [found('a'), found('whose')])).toEqual(['stranger: whose']);
    expect(problems(journal, [found('a', { hash: 'another' })])).toEqual(['content: a']);
    expect(problems(journal, [found('a', { user: 'bob' })])).toEqual(['folder: a']);
  });

  it('wants flags, folders and deletions as the last confirmed change left them', () => {
    const changes: Entry[] = [
      { kind: 'change', number: 1, user: 'ada', id: 'old', change: { what: 'flag', flag: '\\Flagged', on: true } },
      { kind: 'changed', number: 1, done: true },
      { kind: 'change', number: 2, user: 'ada', id: 'old', change: { what: 'flag', flag: '\\Seen', on: false } },
      { kind: 'changed', number: 2, done: true },
      { kind: 'change', number: 3, user: 'ada', id: 'old', change: { what: 'move', to: 'Kept' } },
      { kind: 'changed', number: 3, done: false },
    ];
    expect(problems(changes, [found('old', { flags: ['\\Flagged'] })], ['old'])).toEqual([]);
    expect(problems(changes, [found('old', { flags: ['\\Flagged', '\\Seen'] })], ['old'])).toEqual(['flags: old']);
    expect(problems(changes, [found('old', { folder: 'Kept', flags: ['\\Flagged'] })], ['old'])).toEqual([
      'folder: old',
    ]);
    const deleted: Entry[] = [
      { kind: 'change', number: 4, user: 'ada', id: 'old', change: { what: 'delete' } },
      { kind: 'changed', number: 4, done: true },
    ];
    expect(problems(deleted, [], ['old'])).toEqual([]);
    expect(problems(deleted, [found('old')], ['old'])).toEqual(['returned: old']);
  });

  it('takes both for right where the answer to a change was lost, and a half done move', () => {
    const lost: Entry[] = [{ kind: 'change', number: 1, user: 'ada', id: 'old', change: { what: 'move', to: 'Kept' } }];
    const flags = ['\\Seen'];
    const [here, there] = [found('old', { flags }), found('old', { flags, folder: 'Kept' })];
    for (const state of [[here], [there], [here, there]]) expect(problems(lost, state, ['old'])).toEqual([]);
    expect(problems(lost, [], ['old'])).toEqual(['lost: old']);
    expect(problems(lost, [here, here], ['old'])).toEqual(['twice: old']);
  });

  it('wants mail for elsewhere there once, or once on its way', () => {
    const leaving = new Map([
      ['a', { there: 'always' }],
      ['b', { there: 'perhaps' }],
    ] as const);
    const said = (arrived: string[], queued: string[]): string[] =>
      compareLeaving(
        leaving,
        arrived,
        queued.map((id) => ({ id, place: 'A' })),
      ).map(({ what, name }) => `${what}: ${name}`);
    expect(said(['a'], [])).toEqual([]);
    expect(said(['b'], ['a'])).toEqual([]);
    expect(said([], [])).toEqual(['outside-lost: a']);
    expect(said(['a', 'b'], ['a'])).toEqual(['outside-twice: a']);
    expect(said(['a', 'b', 'b'], [])).toEqual(['outside-twice: b']);
  });
});

describe('the journal of a load', () => {
  it('goes on behind a line that was not finished', () => {
    const path = join(folder, 'journal');
    const first = new Journal(path);
    first.note(send('a'));
    first.close();
    appendFileSync(path, '{"kind":"answer","id":');
    expect(readJournal(path)).toEqual([send('a')]);
    expect(readJournal(`${path}.of-no-load`)).toEqual([]);
    const second = new Journal(path);
    second.note(send('b'));
    second.close();
    expect(readJournal(path)).toEqual([send('a'), send('b')]);
  });

  it('tells when a service was away: from the last time that it served to the next', () => {
    const path = join(folder, 'journal');
    const journal = new Journal(path);
    const smtp = new Served('smtp', journal);
    smtp.yes();
    smtp.no('ECONNREFUSED');
    smtp.no('ECONNREFUSED');
    smtp.yes();
    smtp.yes();
    smtp.no('silent');
    const [first, second, ...others] = awayTimes(readJournal(path));
    expect(others).toEqual([]);
    expect(first).toMatchObject({ service: 'smtp', reason: 'ECONNREFUSED', seconds: expect.any(Number) });
    expect(second).toMatchObject({ reason: 'silent', until: null, seconds: null });
    journal.close();
  });
});

describe('a sender of a load', () => {
  let server: Server;
  /** What the server answers to each line, and to the end of the message; null: it hangs up. */
  async function outcome(answers: Readonly<Record<string, string | null>>): Promise<Outcome> {
    server = createServer((socket) =>
      converse(socket, {
        EHLO: '250 hello',
        MAIL: '250 ok',
        RCPT: '250 ok',
        DATA: '354 go',
        '.': '250 ok',
        ...answers,
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const endpoint = { host: '127.0.0.1', port, localAddress: '127.0.0.1' };
    try {
      return await sendMessage(endpoint, { from: 'a@b.test', to: 'c@d.test', data: 'Subject: x\r\n\r\nx' });
    } finally {
      server.close();
    }
  }

  function converse(socket: Socket, answers: Readonly<Record<string, string | null>>): void {
    socket.on('error', () => undefined);
    socket.write('220 here\r\n');
    socket.on('data', (data) => {
      for (const line of data.toString().split('\r\n')) {
        const said = answers[line === '.' ? line : line.slice(0, 4)];
        if (said === null) socket.destroy();
        else if (said !== undefined) socket.write(`${said}\r\n`);
      }
    });
  }

  it('counts only a 250 for the whole message as accepted', async () => {
    expect(await outcome({})).toEqual({ state: 'accepted' });
    expect(await outcome({ '.': '451 later' })).toEqual({ state: 'delayed', reason: 'answered 451' });
    expect(await outcome({ '.': '554 no' })).toEqual({ state: 'bounced', code: 554 });
    expect(await outcome({ RCPT: '550 unknown' })).toEqual({ state: 'bounced', code: 550 });
  });

  it('knows that a message was not taken when the connection broke before its end, and nothing when it broke after', async () => {
    expect(await outcome({ DATA: null })).toMatchObject({ state: 'delayed' });
    expect(await outcome({ '.': null })).toMatchObject({ state: 'unknown' });
    const nobody = { host: '127.0.0.1', port: 1, localAddress: '127.0.0.1' };
    const message = { from: 'a@b.test', to: 'c@d.test', data: 'x' };
    expect(await sendMessage(nobody, message)).toEqual({ state: 'delayed', reason: 'ECONNREFUSED' });
  });
});

describe('the rows of a database', () => {
  it('have to be there, once, as they were, and no others but the accounts of probes', () => {
    const there = ['["ada"]', '["bob"]', '["bob"]', '["eve"]', '["probe-1","lab.test",0,""]'];
    const found = compareRows('accounts.db', ['["ada"]', '["bob"]', '["cat"]'], there);
    expect(found.map(({ what, name }) => `${what}: ${name}`)).toEqual([
      'twice: ["bob"]',
      'lost: ["cat"]',
      'stranger: ["eve"]',
    ]);
  });
});
