import { describe, expect, it } from '@jest/globals';

import {
  mysqlConnectionString,
  mysqlPdo,
  parseConnectionString,
  printConnectionString,
  withoutPassword,
} from '../../src/icewarp/connection-string.js';

const there = { host: '192.0.2.40', port: 3306, database: 'iw_accounts', user: 'icewarp', password: 'p 1' };

describe('connection strings', () => {
  it('are printed as IceWarp writes them for MySQL', () => {
    expect(mysqlConnectionString(there)).toBe('iw_accounts;icewarp;p 1;192.0.2.40;3;2');
  });

  it('name the port only where it is another', () => {
    expect(mysqlConnectionString({ ...there, port: 3307 })).toBe('iw_accounts;icewarp;p 1;192.0.2.40:3307;3;2');
  });

  it('survive being read and printed', () => {
    const text = 'config/accounts.db;;;;7;3';
    const fields = parseConnectionString(text);
    expect(fields && printConnectionString(fields)).toBe(text);
  });

  it('are not read when they have not six fields', () => expect(parseConnectionString('a;b;c')).toBeNull());

  it('are shown and compared without the password, which a server may return encrypted', () => {
    expect(withoutPassword(mysqlConnectionString(there))).toBe('iw_accounts;icewarp;;192.0.2.40;3;2');
    expect(withoutPassword('iw_accounts;icewarp;8f3a;192.0.2.40;3;2')).toBe('iw_accounts;icewarp;;192.0.2.40;3;2');
  });

  it('show a PDO form, and nothing of a form that is not known', () => {
    expect(withoutPassword(mysqlPdo(there))).toBe('mysql:host=192.0.2.40;port=3306;dbname=iw_accounts');
    expect(withoutPassword('mysql:host=a;password=geheim')).not.toContain('geheim');
    expect(withoutPassword('DSN geheim')).not.toContain('geheim');
    expect(withoutPassword('')).toBe('');
  });
});
