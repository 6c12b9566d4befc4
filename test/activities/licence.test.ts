import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';

import { licenceFacts } from '../../src/activities/licence-facts.js';
import { licence, type LicenceDesired } from '../../src/activities/licence.js';
import { nodeFacts } from '../../src/activities/node-facts.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('a licence', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: LicenceDesired;

  beforeEach(async () => {
    context = await testContext({ order: 'canary-order' });
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), {
      C_LicenseStatus: '5',
      C_OnlineLicense: '',
      C_License_XML: '<info>\n<item>IM</item>\n</info>',
    });
    desired = { directory: icewarp.directory, order: { secret: 'order' } };
  });
  afterEach(() => context.remove());

  it('is missing until it is activated', async () => {
    expect(licence.diff(desired, await licence.observe(desired, context))[0]?.before).toBe('none');
    await icewarp.put('C_LicenseStatus', '0');
    expect(licence.diff(desired, await licence.observe(desired, context))).toEqual([]);
  });

  it('counts only when IceWarp says so after its activation', async () => {
    const refused = licence.apply(desired, context);
    await expect(refused).rejects.toMatchObject({ code: 'LICENCE_MISSING' });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('canary') });
    expect(await icewarp.value('C_OnlineLicense')).toBe('canary-order');
  });

  it('may be one for evaluation where no order is named', async () => {
    await icewarp.put('C_LicenseStatus', '1');
    const observed = await licence.observe(desired, context);
    expect(licence.diff({ directory: desired.directory }, observed)).toEqual([]);
    expect(licence.diff(desired, observed)).toHaveLength(1);
  });

  it('without an order must be there', async () => {
    const without = { directory: desired.directory };
    await expect(licence.apply(without, context)).rejects.toMatchObject({ code: 'LICENCE_MISSING' });
  });

  it('is not activated twice, and says that activation cannot be undone', async () => {
    await icewarp.put('C_LicenseStatus', '0');
    await licence.apply(desired, context);
    expect(await icewarp.value('C_OnlineLicense')).toBe('');
    expect(await licence.restore(desired, { status: 5 }, context)).toHaveLength(1);
    expect(await licence.restore(desired, { status: 0 }, context)).toEqual([]);
  });

  it('is described without its order', async () => {
    const facts = await licenceFacts.run(desired, context);
    expect(facts).toMatchObject({ status: 5, summary: 'IM' });
    expect(await licenceFacts.run({ directory: '/nowhere' }, context)).toBeNull();
  });
});

describe('the facts of a node', () => {
  it('hold folders and databases in force, without passwords, also where a version lacks some', async () => {
    const context = await testContext();
    try {
      const { directory } = await fakeIceWarp(join(context.folder, 'icewarp'), {
        C_ConfigPath: '/mnt/config/',
        C_System_Storage_Dir_MailPath: 'mail/',
        C_System_Storage_Accounts_ODBCConnString: 'iw;icewarp;canary;db;3;2',
      });
      const facts = await nodeFacts.run({ directory }, context);
      expect(facts).toMatchObject({ version: '14.2.0.1', defaultConfig: false, slave: '', domains: 0 });
      expect(facts?.mailPath).toBe(join(directory, 'mail'));
      expect(facts?.effective['accountsDatabase']).toBe('iw;icewarp;;db;3;2');
      expect(JSON.stringify(facts)).not.toContain('canary');
    } finally {
      await context.remove();
    }
  });
});
