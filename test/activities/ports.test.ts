import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, it } from '@jest/globals';

import { onOwnMachine } from '../support/own-machine.js';

/** What the scenario noted: support/ports-scenario.ts says what it does, the tests here what must come of it. */
let results: Record<string, unknown>;

const CHANGE = { what: '2 ports of users, mail that goes out' };
const ANSWER = 'hello yourself';
const CLOSED = ['yes', []];

beforeAll(async () => {
  const script = fileURLToPath(new URL('../support/ports-scenario.js', import.meta.url));
  results = await onOwnMachine(script, { network: 'own' });
}, 120_000);

it('the scenario runs to its end', () => {
  expect(results['crash']).toBeUndefined();
});

describe('a node that is closed', () => {
  it('can be, and being asked whether it can changes nothing', () => {
    const closes = ['no', [{ ...CHANGE, before: 'open', after: 'closed to all but 2 machines' }]];
    expect(results['closable']).toEqual({ obstacle: 'none' });
    expect(results['open']).toEqual([['no', []], closes, true]);
  });

  it('is so at once, applied once or twice', () => {
    expect([results['closed'], results['again']]).toEqual([CLOSED, CLOSED]);
  });

  it('cuts who was connected, by IPv4 and IPv6, but for the machines of the cluster', () => {
    expect(results['connected']).toEqual(['connected', 'connected', 'connected', 'connected', ANSWER]);
    expect(results['cut']).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(results['goesOn']).toBe(ANSWER);
  });

  it('lets an answer through that is under way, such as the 250 of a message that it has taken', () => {
    expect(results['underWay']).toBe('250 it is ours');
  });

  it('refuses who is new at its services, and at no other port', () => {
    expect(results['refused']).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'connected']);
    expect(results['admitted']).toBe('connected');
  });

  it('reaches itself at each of its addresses', () => {
    expect(results['itself']).toEqual([true, true, true, true]);
  });

  it('holds what its mail user sends to strangers, and nothing else', () => {
    expect(results['held']).toEqual({ mail: [false, false], web: true, admitted: true, others: true });
  });

  it('is closed anew where somebody has changed how', () => {
    const mends = [{ ...CHANGE, before: 'closed otherwise', after: 'closed to all but 2 machines' }];
    expect(results['changed']).toEqual(['otherwise', mends]);
    expect(results['mended']).toEqual(CLOSED);
  });

  it('is closed again before services start on a machine that was restarted meanwhile', () => {
    expect(results['restarted']).toEqual([{ again: false }, { again: true }, CLOSED]);
  });

  it('is opened without a trace, with every other table as it was', () => {
    expect(results['opened']).toEqual([['no', []], 'connected', true, true]);
  });

  it('is closed again by the way back of its opening, and opened by that of its closing, also twice', () => {
    expect(results['openUndone']).toEqual([[], CLOSED]);
    expect(results['closedUndone']).toEqual([[], true]);
    expect(results['undoneTwice']).toEqual([[], true]);
    expect(results['neverOpened']).toEqual([[], false]);
  });

  it('stays closed where it was before, and the operator is told how to open it', () => {
    const told = 'the ports stay closed, as they were: nft delete table inet icewarp-rollout-lab opens them';
    expect(results['keptClosed']).toEqual([[told], true]);
  });

  it('is closed or open and nothing between when the agent is killed, and then as it shall be', () => {
    expect(results['killed']).toEqual({
      beforeClosing: { signal: 'SIGKILL', left: 1, then: 0 },
      afterOpening: { signal: 'SIGKILL', left: 0, then: 0 },
      untouched: true,
    });
  });

  it('is closed at one address alone where machines share a kernel', () => {
    expect(results['oneAddress']).toEqual([CLOSED, 'ECONNREFUSED', 'connected', false]);
  });

  it('needs to know whose mail it holds', () => {
    expect(results['noUser']).toMatchObject({ code: 'USER_CONFLICT' });
  });
});
