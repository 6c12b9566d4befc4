import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { database, dropScratch } from '../../src/activities/database.js';
import { databaseMove, type DatabaseMoveDesired } from '../../src/activities/database-move.js';
import { databaseRehearsal } from '../../src/activities/database-rehearsal.js';
import { settings } from '../../src/activities/settings.js';
import { tables } from '../../src/activities/tables.js';
import type { MovedRole } from '../../src/icewarp/database-roles.js';
import { ensureStarted, ensureStopped } from '../../src/icewarp/control.js';
import type { TestContext } from '../support/context.js';
import type { DatabaseIceWarp } from '../support/database-icewarp.js';
import { NAMES, scene, SCRATCH, server, useDatabases } from '../support/database-scene.js';
import { eventually } from '../support/eventually.js';

const MOVER = join(import.meta.dirname, 'fixtures/move-databases.js');

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

describe('the move of databases', () => {
  it('brings every row over, once, and writes to none of the files', async () => {
    use('accounts', 'groupware', 'antispam');
    const before = await scene.files();
    await tables.apply(scene.tables(...roles), context);
    const observed = await databaseMove.observe(desired, context);
    expect(databaseMove.diff(desired, observed).map(({ what, before: from }) => `${what}: ${from}`)).toEqual([
      'content of accounts: config/accounts.db',
      'content of groupware: calendar/groupware.db',
      'content of antispam: spam/antispam.db',
    ]);
    await scene.move(desired);
    await scene.move(desired);
    expect(databaseMove.diff(desired, await databaseMove.observe(desired, context))).toEqual([]);
    expect(await scene.users()).toBe('bob,jane,zoë');
    expect(await server.query(`SELECT content FROM ${NAMES.groupware}.Items WHERE id = 7`)).toEqual([
      { content: 'Grüße 🎈' },
    ]);
    expect(await icewarp.migrations()).toHaveLength(3);
    expect(await scene.files()).toBe(before);
    const room = join(context.agent.config.stateDir, 'database-move');
    const left = await Promise.all((await readdir(room)).map((name) => readFile(join(room, name), 'utf8')));
    expect(JSON.stringify([observed, await databaseMove.observe(desired, context), ...left])).not.toContain('canary');
  });

  it('is refused while services run, and goes into no tables but those that were made for it', async () => {
    await server.query(`CREATE TABLE ${NAMES.accounts}.MetaData (id INT)`);
    await ensureStarted(icewarp.directory, context.signal);
    await expect(scene.move(desired)).rejects.toMatchObject({ code: 'SERVICES_RUNNING' });
    await ensureStopped(icewarp.directory, context.signal);
    await expect(scene.move(desired)).rejects.toMatchObject({ code: 'TABLES_FOREIGN' });
    expect(await server.query(`SHOW TABLES FROM ${NAMES.accounts}`)).toHaveLength(1);
  });

  it('names the table and the key of a row that was lost, and what it was not given is in the way of no later try', async () => {
    await tables.apply(scene.tables(...roles), context);
    await icewarp.faults({ lose: 'Users' });
    const refused = scene.move(desired);
    await expect(refused).rejects.toMatchObject({ code: 'ROWS_DIFFER', retryable: false });
    await expect(refused).rejects.toThrow(/Users \(1 missing: (bob|jane|zoë), example\.com\)$/);
    await icewarp.faults({});
    await scene.move(desired);
    expect(await scene.users()).toBe('bob,jane,zoë');
  });

  it('lists keys that the server would take for one before anything is moved', async () => {
    await tables.apply(scene.tables(...roles), context);
    icewarp.sqlite(
      'config/accounts.db',
      "INSERT INTO Users (mailbox, domain, password, admin) VALUES ('JANE', 'example.com', '', 0);",
    );
    const refused = scene.move(desired);
    await expect(refused).rejects.toMatchObject({ code: 'KEYS_CLASH' });
    await expect(refused).rejects.toThrow(/Users \(1: (JANE|jane), example\.com\)/);
    expect(await icewarp.migrations()).toEqual([]);
  });

  it('says where IceWarp’s own log is when it fails, and how to go on where there is no such function', async () => {
    await tables.apply(scene.tables(...roles), context);
    await icewarp.faults({ failAfter: 'Domains' });
    await expect(scene.move(desired)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      next: expect.stringContaining('by hand'),
    });
    await rm(join(icewarp.directory, 'html/_shared/api/api.php'));
    await expect(scene.move(desired)).rejects.toMatchObject({ code: 'MIGRATION_UNKNOWN' });
  });

  it('takes what was moved by hand for moved, when it is the same', async () => {
    await tables.apply(scene.tables(...roles), context);
    await rm(join(icewarp.directory, 'html/_shared/api/api.php'));
    await server.query(`INSERT INTO ${NAMES.accounts}.Domains VALUES ('example.com', 'jane@example.com')`);
    await server.query(`INSERT INTO ${NAMES.accounts}.Users (mailbox, domain, password, admin) VALUES ('jane', 'example.com', 'canary-hash', 1),
      ('bob', 'example.com', 'x', 0), ('zoë', 'example.com', NULL, NULL)`);
    await scene.move(desired);
    expect(await icewarp.migrations()).toEqual([]);
  });

  it('goes on after a kill in the middle, with the same result', async () => {
    await tables.apply(scene.tables(...roles), context);
    const hang = join(icewarp.directory, 'hang');
    await writeFile(hang, '');
    const args = [JSON.stringify(desired), context.agent.config.stateDir, join(context.folder, 'secrets/database')];
    const mover = spawn(process.execPath, [MOVER, ...args], { stdio: 'ignore' });
    await eventually('rows have arrived', async () => (await scene.users()) !== '');
    mover.kill('SIGKILL');
    await once(mover, 'exit');
    await rm(hang);
    await scene.move(desired);
    expect(await scene.users()).toBe('bob,jane,zoë');
  });
});

describe('the switch to databases that were moved', () => {
  it('is refused until all is in them, and after something came in since', async () => {
    await writeFile(join(icewarp.directory, 'account/jane@example.com'), '1');
    await tables.apply(scene.tables(...roles), context);
    await expect(settings.apply(scene.settings(...roles), context)).rejects.toMatchObject({ code: 'ACCOUNTS_PRESENT' });
    await scene.move(desired);
    icewarp.sqlite(
      'config/accounts.db',
      "INSERT INTO Users (mailbox, domain, password, admin) VALUES ('late', 'example.com', '', 0);",
    );
    await expect(settings.apply(scene.settings(...roles), context)).rejects.toThrow('has changed since');
    await scene.move(desired);
    await settings.apply(scene.settings(...roles), context);
    expect(await scene.users()).toBe('bob,jane,late,zoë');
    expect(databaseMove.diff(desired, await databaseMove.observe(desired, context))).toEqual([]);
  });
});

describe('the rehearsal of a move', () => {
  const input = (): Parameters<typeof databaseRehearsal.run>[0] => ({
    directory: icewarp.directory,
    cluster: 'test',
    roles: [{ role: 'accounts', connection: scene.connectionTo(SCRATCH) }],
  });
  const administrator = (): Parameters<typeof dropScratch.run>[0] => {
    const { host, port, administrator: login } = server;
    const password = { secret: 'administrator' };
    return { host, port, administrator: { user: login.user, password }, names: [SCRATCH], scratchOf: 'test' };
  };

  it('moves a copy while services run and somebody writes, says how long it takes, and leaves nothing', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    // a server that has the file open, with rows that are not in it yet
    const writer = spawn('sqlite3', [join(icewarp.directory, 'config/accounts.db')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    writer.stdin.write(
      "PRAGMA journal_mode = WAL; INSERT INTO Users (mailbox, domain, password, admin) VALUES ('new', 'example.com', '', 0); SELECT 'in';\n",
    );
    let said = '';
    writer.stdout.on('data', (chunk) => (said += String(chunk)));
    await eventually('the row is written', async () => said.includes('in'));
    const before = await scene.files();
    const done = await databaseRehearsal.run(input(), context);
    expect(done).toMatchObject({ rows: 5, perRole: [{ role: 'accounts', rows: 5 }] });
    expect(done.seconds).toBeGreaterThan(0);
    expect(await server.query(`SHOW TABLES FROM ${SCRATCH}`)).toEqual([]);
    expect(await scene.files()).toBe(before);
    writer.stdin.end();
    await once(writer, 'exit');
  });

  it('that was cut short goes on where it was, and what it left can be dropped: nothing else can', async () => {
    await icewarp.faults({ failAfter: 'Users' });
    await expect(databaseRehearsal.run(input(), context)).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });
    await icewarp.faults({});
    expect((await databaseRehearsal.run(input(), context)).rows).toBe(4);
    await icewarp.faults({ failAfter: 'Users' });
    await expect(databaseRehearsal.run(input(), context)).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });
    const other = { ...administrator(), scratchOf: 'another' };
    expect(await dropScratch.run(other, context)).toEqual({ kept: [SCRATCH] });
    const { names: _, ...at } = administrator();
    const step = { ...at, name: SCRATCH };
    expect(await database.restore({ ...step, scratchOf: 'another' }, { database: null }, context)).toHaveLength(1);
    expect(await database.restore(step, { database: null }, context)).toEqual([]);
    expect(await dropScratch.run(administrator(), context)).toEqual({ kept: [] });
  });

  it('never goes into a database that holds something else', async () => {
    await server.query(`CREATE TABLE ${SCRATCH}.theirs (id INT)`);
    await expect(databaseRehearsal.run(input(), context)).rejects.toMatchObject({ code: 'TABLES_FOREIGN' });
  });
});
