import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { PASSWORD } from './clients.js';
import { Mariadb } from './mariadb.js';
import { Sandbox } from './sandbox.js';

const NET = `127.98.${(process.pid % 200) + 1}`;
const FILE = 'config/accounts.db;;;;7;3';
/** Calls the wrapper as scripts of the vendor do. */
const SCRIPT = `<?php
require '/opt/icewarp/html/_shared/api/api.php';
$api = new IceWarpAPI();
list($from, $to) = json_decode(stream_get_contents(STDIN));
echo $api->MigrateDatabase($from, $to, '/opt/icewarp/logs/migrate.log', 0) ? 'moved' : 'failed';
`;

let folder: string;
let node: Sandbox;
let mariadb: Mariadb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-migration-'));
  mariadb = await Mariadb.start(folder, `${NET}.9`);
  node = await Sandbox.start(folder, 'one', `${NET}.11`);
  await node.install('--user', 'icewarp');
  await mariadb.grant('accounts', `${NET}.11`);
  await node.tool('create', 'domain', 'example.com');
  await node.tool('create', 'account', 'jane@example.com', 'u_password', PASSWORD);
  await node.tool('create', 'tables', '0', mariadb.connectionString('accounts'));
  await writeFile(join(node.root, 'opt/migrate.php'), SCRIPT);
}, 60_000);
afterAll(async () => {
  await node.stop();
  await mariadb.stop();
  await rm(folder, { recursive: true, force: true });
});

async function migrate(from: string, to: string): Promise<string> {
  await writeFile(join(node.root, 'opt/call.json'), JSON.stringify([from, to]));
  const php = '/opt/icewarp/scripts/php.sh -c /opt/icewarp/php/php.ini -f /opt/migrate.php';
  const { stdout } = await node.run('sh', '-c', `${php} < /opt/call.json`);
  return stdout.split('\n').at(-1) ?? '';
}

const count = async (): Promise<unknown> => {
  const rows = (await mariadb.run('SELECT COUNT(*) AS n FROM accounts.Users')) as { n: number }[];
  return Number(rows[0]?.n);
};

describe('MigrateDatabase of the stand-in, whose meaning is unconfirmed', () => {
  it('copies the rows of one number, and back, and says so in its log', async () => {
    expect(await migrate(FILE, mariadb.connectionString('accounts'))).toBe('moved');
    expect(await count()).toBe(1);
    expect(await readFile(join(node.root, 'opt/icewarp/logs/migrate.log'), 'utf8')).toContain('Users: 1 rows');
    await node.tool('create', 'tables', '0', 'config/back.db;;;;7;3');
    expect(await migrate(mariadb.connectionString('accounts'), 'config/back.db;;;;7;3')).toBe('moved');
    await node.tool('set', 'system', 'C_System_Storage_Accounts_ODBCConnString', 'config/back.db;;;;7;3');
    expect((await node.tool('export', 'account', '*@*', 'u_admin')).stdout).toBe('jane@example.com,0,');
  });

  it('fails where a row is there already, and fails or loses a row where the lab wants it', async () => {
    expect(await migrate(FILE, mariadb.connectionString('accounts'))).toBe('failed');
    await mariadb.run('DELETE FROM accounts.Users', 'DELETE FROM accounts.Domains');
    await node.changeLab({ migration: { failAfter: 'Domains' } });
    expect(await migrate(FILE, mariadb.connectionString('accounts'))).toBe('failed');
    await mariadb.run('DELETE FROM accounts.Domains');
    await node.changeLab({ migration: { lose: 'Users' } });
    expect([await migrate(FILE, mariadb.connectionString('accounts')), await count()]).toEqual(['moved', 0]);
  });
});
