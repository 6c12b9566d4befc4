import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readMarker } from '../../src/activities/restart-marker.js';
import { settings, type SettingsDesired } from '../../src/activities/settings.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { ensureStarted, runningModules } from '../../src/icewarp/control.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';
import { startMariaDb, type MariaDb } from '../support/mariadb.js';

const ACCOUNTS = 'C_System_Storage_Accounts_ODBCConnString';
const MAIL = 'C_System_Storage_Dir_MailPath';
const connection = { host: 'db', port: 3306, database: 'iw', user: 'icewarp', password: { secret: 'database' } };

describe('settings', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: SettingsDesired;
  const share = (): string => `${context.folder}/share/mail/`;

  beforeEach(async () => {
    context = await testContext({ database: 'canary-new' });
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), {
      [ACCOUNTS]: 'old;root;canary-old;db0;3;2',
      [MAIL]: 'mail/',
      C_ConfigPath: 'config/',
      C_ActiveSync_DBConnection: '',
      C_ActiveSync_DBUser: '',
      C_ActiveSync_DBPass: '',
    });
    desired = {
      directory: icewarp.directory,
      values: [
        { setting: 'accountsDatabase', connection },
        { setting: 'activeSyncDatabase', connection },
        { setting: 'mailPath', value: share() },
        { setting: 'fullTextPath', value: '/mnt/_yodaidx/' },
      ],
    };
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  const sets = async (): Promise<readonly string[]> => (await icewarp.calls()).filter((call) => call.startsWith('set'));

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
    const written = await sets();
    await settings.apply(desired, context);
    expect(await sets()).toEqual(written);
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

  it('leave no user behind in another accounts database, but accounts of the rollout do not count', async () => {
    await writeFile(join(icewarp.directory, 'account/probe@example.com'), '0');
    await writeFile(join(icewarp.directory, 'account/user@example.com'), '0');
    const own = ['Probe@example.com'];
    const refused = settings.apply({ ...desired, own }, context);
    await expect(refused).rejects.toMatchObject({ code: 'ACCOUNTS_PRESENT' });
    await expect(refused).rejects.toThrow('user@example.com');
    expect(await sets()).toEqual([]);
    await settings.apply({ ...desired, own: [...own, 'user@example.com'] }, context);
    // With the database in force already, its users are where they shall be.
    await settings.apply(desired, context);
    expect(await icewarp.value(ACCOUNTS)).toContain('canary-new');
  });

  it('leave no queued message behind in another mail folder, and the services go on', async () => {
    await mkdir(join(icewarp.directory, 'mail/_outgoing'), { recursive: true });
    await writeFile(join(icewarp.directory, 'mail/_outgoing/1.dat'), 'x');
    await ensureStarted(icewarp.directory, context.signal);
    await expect(settings.apply(desired, context)).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
    expect(await runningModules(icewarp.directory)).toContain('smtp');
    expect(await sets()).toEqual([]);
  });

  it('switch to another mail folder only with the services stopped and all mail in it', async () => {
    await mkdir(join(icewarp.directory, 'mail/example.com'), { recursive: true });
    await writeFile(join(icewarp.directory, 'mail/example.com/late.imap'), 'came in after the copy');
    await mkdir(share(), { recursive: true });
    await writeFile(join(context.folder, SENTINEL), sentinelText('test'));
    await ensureStarted(icewarp.directory, context.signal);
    await settings.apply(desired, context);
    expect(await runningModules(icewarp.directory)).toEqual([]);
    expect(await readdir(join(share(), 'example.com'))).toEqual(['late.imap']);
  });

  it('are not given up when the vault has lost the original', async () => {
    const before = await settings.observe(desired, context);
    expect(await settings.restore(desired, before, context)).toEqual([]);
    await settings.apply(desired, context);
    await context.vault.close();
    await expect(settings.restore(desired, before, context)).rejects.toMatchObject({ code: 'VAULT_DAMAGED' });
  });

  it('do not take the accounts database away from users who have come since, but from accounts of the rollout', async () => {
    const own = ['Admin@example.com'];
    const before = await settings.observe(desired, context);
    await settings.apply({ ...desired, own }, context);
    const written = await sets();
    await writeFile(join(icewarp.directory, 'account/admin@example.com'), '1');
    await writeFile(join(icewarp.directory, 'account/user@example.com'), '0');
    const held = settings.restore({ ...desired, own }, before, context);
    await expect(held).rejects.toMatchObject({ code: 'ACCOUNTS_STRANDED', retryable: false });
    await expect(held).rejects.toThrow('iw holds 1 accounts, such as user@example.com');
    expect(await sets()).toEqual(written);
    expect(await icewarp.value(ACCOUNTS)).toContain('canary-new');
    await rm(join(icewarp.directory, 'account/user@example.com'));
    await settings.restore({ ...desired, own }, before, context);
    expect(await icewarp.value(ACCOUNTS)).toBe('old;root;canary-old;db0;3;2');
  });

  it('of one configuration are never put back into another', async () => {
    const before = await settings.observe(desired, context);
    await settings.apply(desired, context);
    await icewarp.put('C_ConfigPath', '/mnt/config/');
    const written = await sets();
    await expect(settings.restore(desired, before, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    expect(await sets()).toEqual(written);
  });
});

describe('database settings on the way back', () => {
  let server: MariaDb;
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: SettingsDesired;

  beforeAll(async () => {
    server = await startMariaDb();
  });
  afterAll(() => server.stop());

  beforeEach(async () => {
    context = await testContext({ database: server.administrator.password });
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), {
      [ACCOUNTS]: 'config/accounts.db;;;;7;3',
      C_ConfigPath: 'config/',
    });
    await server.query('CREATE OR REPLACE DATABASE iw');
    const { host, port, administrator } = server;
    const at = { host, port, database: 'iw', user: administrator.user, password: { secret: 'database' } };
    desired = { directory: icewarp.directory, values: [{ setting: 'accountsDatabase', connection: at }] };
  });
  afterEach(() => context.remove());

  /** On a database without its tables, IceWarp cannot say who is in it. */
  const namesNobody = async (): Promise<void> => {
    const script = join(icewarp.directory, 'tool.sh');
    const text = await readFile(script, 'utf8');
    await writeFile(script, text.replace('case "$1 $2" in', 'case "$1 $2" in\n  export*) exit 1 ;;'));
  };

  it('go back where the tables are gone already: nobody can be in them', async () => {
    const before = await settings.observe(desired, context);
    await settings.apply(desired, context);
    await namesNobody();
    await expect(settings.restore(desired, before, context)).resolves.toEqual([]);
    expect(await icewarp.value(ACCOUNTS)).toBe('config/accounts.db;;;;7;3');
  });

  it('wait where there are tables and IceWarp cannot say who is in them', async () => {
    const before = await settings.observe(desired, context);
    await settings.apply(desired, context);
    await namesNobody();
    await server.query('CREATE TABLE iw.MetaData (id INT)');
    await expect(settings.restore(desired, before, context)).rejects.toMatchObject({ code: 'TOOL_FAILED' });
    expect(await icewarp.value(ACCOUNTS)).toMatch(/^iw;/);
  });
});
