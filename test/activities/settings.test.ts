import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';

import { readMarker } from '../../src/activities/restart-marker.js';
import { settings, type SettingsDesired } from '../../src/activities/settings.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

const ACCOUNTS = 'C_System_Storage_Accounts_ODBCConnString';
const MAIL = 'C_System_Storage_Dir_MailPath';
const connection = { host: 'db', port: 3306, database: 'iw', user: 'icewarp', password: { secret: 'database' } };

describe('settings', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: SettingsDesired;

  beforeEach(async () => {
    context = await testContext({ database: 'canary-new' });
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), {
      [ACCOUNTS]: 'old;root;canary-old;db0;3;2',
      [MAIL]: 'mail/',
      C_ActiveSync_DBConnection: '',
      C_ActiveSync_DBUser: '',
      C_ActiveSync_DBPass: '',
    });
    desired = {
      directory: icewarp.directory,
      values: [
        { setting: 'accountsDatabase', connection },
        { setting: 'activeSyncDatabase', connection },
        { setting: 'mailPath', value: '/mnt/mail/' },
        { setting: 'fullTextPath', value: '/mnt/_yodaidx/' },
      ],
    };
  });
  afterEach(() => context.remove());

  it('are not there before IceWarp is', async () => {
    expect(await settings.observe({ ...desired, directory: '/nowhere' }, context)).toBeNull();
    expect(settings.diff(desired, null)).toHaveLength(4);
  });

  it('show no password, neither the old nor the new', async () => {
    const before = await settings.observe(desired, context);
    const text = JSON.stringify([before, settings.diff(desired, before)]);
    expect(text).toContain('old;root;;db0;3;2');
    expect(text).not.toContain('canary');
  });

  it('are written once, in the form that each of them has, and mark a restart', async () => {
    await settings.apply(desired, context);
    expect(await icewarp.value(ACCOUNTS)).toBe('iw;icewarp;canary-new;db;3;2');
    expect(await icewarp.value('C_ActiveSync_DBConnection')).toBe('mysql:host=db;port=3306;dbname=iw');
    expect(await icewarp.value('C_ActiveSync_DBPass')).toBe('canary-new');
    expect(settings.diff(desired, await settings.observe(desired, context))).toEqual([]);
    expect((await readMarker(context.agent)).reasons).toHaveLength(1);
    const count = (await icewarp.calls()).filter((call) => call.startsWith('set')).length;
    await settings.apply(desired, context);
    expect((await icewarp.calls()).filter((call) => call.startsWith('set'))).toHaveLength(count);
  });

  it('leave out what this version does without, but not what it must have', async () => {
    const before = await settings.observe(desired, context);
    expect(before?.values.fullTextPath).toBeNull();
    expect(settings.diff(desired, before).map(({ what }) => what)).not.toContain('fullTextPath');
    const other: SettingsDesired = { ...desired, values: [{ setting: 'logPath', value: '/var/log/' }] };
    await expect(settings.apply(other, context)).rejects.toMatchObject({ code: 'TOOL_FAILED' });
  });

  it('are put back with their passwords', async () => {
    const before = await settings.observe(desired, context);
    await settings.apply(desired, context);
    await settings.restore(desired, before, context);
    await settings.restore(desired, before, context);
    expect(await icewarp.value(ACCOUNTS)).toBe('old;root;canary-old;db0;3;2');
    expect(await icewarp.value(MAIL)).toBe('mail/');
    expect(await icewarp.value('C_ActiveSync_DBPass')).toBe('');
  });

  it('are not put back over what somebody else set', async () => {
    const before = await settings.observe(desired, context);
    await settings.apply(desired, context);
    await icewarp.put(MAIL, '/elsewhere/');
    await expect(settings.restore(desired, before, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    expect(await icewarp.value(MAIL)).toBe('/elsewhere/');
  });
});
