import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { databaseMove, type DatabaseMoveDesired } from '../../src/activities/database-move.js';
import { noteOpened } from '../../src/activities/opened.js';
import { settings } from '../../src/activities/settings.js';
import { tables } from '../../src/activities/tables.js';
import type { MovedRole } from '../../src/icewarp/database-roles.js';
import type { TestContext } from '../support/context.js';
import type { DatabaseIceWarp } from '../support/database-icewarp.js';
import { NAMES, scene, server, useDatabases } from '../support/database-scene.js';

const ACCOUNTS = 'C_System_Storage_Accounts_ODBCConnString';

let context: TestContext;
let icewarp: DatabaseIceWarp;
let desired: DatabaseMoveDesired;
/** What moves in the running test. */
let roles: readonly MovedRole[];

useDatabases();
beforeEach(() => {
  ({ context, icewarp } = scene);
  use('accounts');
});

function use(...wanted: typeof roles): void {
  roles = wanted;
  desired = scene.desired(...roles);
}

describe('the way back of a move', () => {
  /** All steps of it, each with its own vault. */
  async function moveAndSwitch(): Promise<() => Promise<readonly string[]>> {
    const [first, then, last] = ['tables', 'move', 'settings'].map((step) => ({
      ...context,
      vault: context.agent.vault.slot(step),
    })) as [TestContext, TestContext, TestContext];
    const before = {
      tables: await tables.observe(scene.tables(...roles), first),
      move: await databaseMove.observe(desired, then),
      settings: await settings.observe(scene.settings(...roles), last),
    };
    await tables.apply(scene.tables(...roles), first);
    await databaseMove.apply(desired, then);
    await settings.apply(scene.settings(...roles), last);
    return async () => [
      ...(await settings.restore(scene.settings(...roles), before.settings, last)),
      ...(await databaseMove.restore(desired, before.move, then)),
      ...(await tables.restore(scene.tables(...roles), before.tables, first)),
    ];
  }
  const string = (): Promise<string> => icewarp.value(ACCOUNTS);

  it('before users came leaves no table of ours, and the old files and strings as they were', async () => {
    const before = await scene.files();
    const back = await moveAndSwitch();
    await writeFile(join(icewarp.directory, 'account/jane@example.com'), '1');
    expect(await back()).toEqual([]);
    expect(await back()).toEqual([]);
    for (const name of Object.values(NAMES)) expect(await server.query(`SHOW TABLES FROM ${name}`)).toEqual([]);
    expect([await scene.files(), await string()]).toEqual([before, 'config/accounts.db;;;;7;3']);
  });

  it('after that brings along what users changed, in a new file beside the old one', async () => {
    use('accounts', 'groupware');
    const before = await scene.files();
    const back = await moveAndSwitch();
    await noteOpened(context.agent, 'databases', true);
    await server.query(`UPDATE ${NAMES.accounts}.Users SET password = 'new' WHERE mailbox = 'jane'`);
    await server.query(`DELETE FROM ${NAMES.accounts}.Users WHERE mailbox = 'bob'`);
    await server.query(
      `INSERT INTO ${NAMES.accounts}.Users (mailbox, domain, password, admin) VALUES ('late', 'example.com', 'x', 0)`,
    );
    expect(await back()).toContain(
      `iw_accounts stays as users left it; accounts is in ${icewarp.directory}/config/accounts-back-1.db again`,
    );
    expect(await string()).toBe('config/accounts-back-1.db;;;;7;3');
    expect(await icewarp.value('C_GW_ConnectionString')).toBe('calendar/groupware.db;;;;7;3');
    const found = icewarp.sqlite('config/accounts-back-1.db', 'SELECT mailbox, password FROM Users ORDER BY mailbox');
    expect(found).toBe('jane|new\nlate|x\nzoë|\n');
    expect(icewarp.sqlite('config/accounts-back-1.db', 'SELECT count(*) FROM MetaData')).toBe('1\n');
    expect(await scene.files()).toBe(before);
    expect(await scene.users()).toBe('jane,late,zoë');
  });

  it('that fails is held with what would be lost; cut short, it begins anew', async () => {
    const back = await moveAndSwitch();
    await noteOpened(context.agent, 'databases', true);
    await server.query(`UPDATE ${NAMES.accounts}.Users SET admin = 1 WHERE mailbox = 'bob'`);
    await icewarp.faults({ lose: 'Users' });
    const held = back();
    await expect(held).rejects.toMatchObject({ code: 'CHANGES_LOST', next: expect.stringContaining('skip') });
    await expect(held).rejects.toThrow('config/accounts.db would be lost: Users (1 changed: bob, example.com)');
    expect(await string()).toBe('config/accounts.db;;;;7;3');
    await icewarp.faults({});
    await back();
    const names = (await readdir(join(icewarp.directory, 'config'))).sort();
    expect(names).toEqual(['accounts-back-1.db', 'accounts.db']);
  });

  it('is held where somebody has worked on the old file meanwhile, and stays where the switch was not taken back', async () => {
    const back = await moveAndSwitch();
    await noteOpened(context.agent, 'databases', true);
    icewarp.sqlite(
      'config/accounts.db',
      "INSERT INTO Users (mailbox, domain, password, admin) VALUES ('late', 'example.com', '', 0);",
    );
    await expect(back()).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    await icewarp.put(ACCOUNTS, `${NAMES.accounts};icewarp;x;${server.host}:${server.port};3;2`);
    expect(await databaseMove.restore(desired, null, context)).toContain(
      'the content of accounts stays in iw_accounts: IceWarp works on it',
    );
    expect(await scene.users()).toBe('bob,jane,zoë');
  });
});
