import { describe, expect, it } from '@jest/globals';

import { explanationOf } from '../../src/cli/explain.js';
import { ERRORS } from '../../src/cluster/errors.js';
import { explanations } from '../../src/cluster/handbook/handbook.js';
import { run } from './command-line.js';

describe('explain', () => {
  it('says what a code means, what it means for mail, and what to do next', async () => {
    const { code, out } = await run(['explain', 'CONFIG_DEFAULTED']);
    expect({ code, out }).toMatchObject({ code: 0 });
    expect(out).toMatch(/^CONFIG_DEFAULTED {2}What is moved to the share\n/);
    expect(out).toMatch(/what it means: .*default configuration/);
    expect(out).toMatch(/for users' mail: .*550/);
    expect(out).toContain(`next:            ${ERRORS.CONFIG_DEFAULTED.next}\n`);
  });

  it('writes links of the handbook as places that can be opened', async () => {
    const { out } = await run(['explain', 'LEASE_LOST']);
    expect(out).toContain('(docs/recovery.md#a-node-stands-still-and-temporal-is-away)');
    expect(out).not.toMatch(/\]\(/);
  });

  it('knows every code, however it is spelled', () => {
    const codes = Object.keys(ERRORS);
    expect(codes.map((code) => explanationOf(code.toLowerCase().replaceAll('_', '-')).code)).toEqual(codes);
    for (const { means, mail } of explanations()) expect(means.length * mail.length).toBeGreaterThan(0);
  });

  it('answers a code that there is not with the nearest, and exit code 2', async () => {
    const { code, err } = await run(['explain', 'AGENT_LOSED']);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('Did you mean AGENT_LOST') });
    expect((await run(['explain', 'DATABASE'])).err).toMatch(/Did you mean DATABASE_DENIED or/);
    expect((await run(['explain', 'zzzzzzzz'])).err).not.toContain('Did you mean');
  });

  it('lists all codes, also as JSON', async () => {
    const [list, json] = await Promise.all([run(['explain']), run(['explain', '--json'])]);
    const codes = (JSON.parse(json.out) as { code: string }[]).map(({ code }) => code);
    expect(codes.sort()).toEqual(Object.keys(ERRORS).sort());
    for (const code of codes) expect(list.out).toContain(`  ${code}\n`);
    const one = JSON.parse((await run(['explain', 'BUSY', '--json'])).out) as unknown;
    expect(one).toMatchObject({ code: 'BUSY', next: ERRORS.BUSY.next, retried: false });
  });
});
