import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { searchFolder, type Searched } from '../../src/activities/configuration-files.js';
import { pathScan, type PathScanInput, type PathScanned } from '../../src/activities/path-scan.js';
import { PathScanner } from '../../src/icewarp/path-scan.js';
import type { SettingName } from '../../src/icewarp/variables.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

const MYSQL = 'iw;user;geheim;192.0.2.40;3;2';
const REPOINTED: readonly SettingName[] = ['accountsDatabase', 'groupwareDatabase', 'mailPath', 'archivePath'];

describe('the search through a configuration', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let input: PathScanInput;

  beforeEach(async () => {
    context = await testContext();
    const directory = join(context.folder, 'icewarp');
    // as the steps before it leave a node
    icewarp = await fakeIceWarp(directory, {
      C_ConfigPath: `${directory}/config/`,
      C_SpamPath: `${directory}/spam/`,
      C_CalendarPath: `${directory}/calendar/`,
      C_System_Storage_Dir_MailPath: '/share/mail/',
      C_System_Tools_AutoArchive_Enable: '0',
      C_System_Tools_AutoArchive_Path: 'archive/',
      C_System_Storage_Accounts_ODBCConnString: MYSQL,
      C_GW_ConnectionString: MYSQL,
      C_ActiveSync_DBConnection: 'mysql:host=192.0.2.40;port=3306;dbname=eas',
    });
    const to = {
      config: '/share/config/',
      spam: '/share/spam/',
      calendar: '/share/calendar/',
      mail: '/share/mail/',
      archive: '/share/archives/',
    };
    input = { directory, to, repointed: [] };
    await put('settings.cfg', [
      'Mail=/share/mail/',
      'Archive=archive/',
      `Accounts=${MYSQL}`,
      `Temp=${directory}/temp/`,
    ]);
    await put('_webmail/server.xml', ['<dbconn>sqlite:cache.db</dbconn>']);
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  async function put(name: string, lines: readonly string[] | string): Promise<void> {
    const file = join(icewarp.directory, 'config', name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, typeof lines === 'string' ? lines : lines.map((line) => `${line}\n`).join(''));
  }

  async function scan(): Promise<PathScanned> {
    const found = await pathScan.run(input, context);
    if (found === null) throw new Error('nothing was searched');
    return found;
  }

  it('holds nothing of what the rollout has re-pointed or what may stay, and says why that may', async () => {
    const found = await scan();
    expect(found).toMatchObject({ holds: 0, first: [], repointed: 0, allowed: 2, files: 2 });
    expect(existsSync(found.list)).toBe(false);
    await put('voicemail.xml', ['<db>config/voice.db;user;;;7;3</db>']);
    const list = await readFile((await scan()).list, 'utf8');
    expect(list).toContain('settings.cfg:2:9 (C_System_Tools_AutoArchive_Path) relative "archive/": archiving is off');
    expect(list).toContain('_webmail/server.xml:1:9 sqlite "sqlite:cache.db": the web client’s cache');
    // mended: what the list said is no longer true
    await rm(join(icewarp.directory, 'config/voicemail.xml'));
    expect(existsSync((await scan()).list)).toBe(false);
  });

  it('names file, line and column of what stops being true, and what to put there', async () => {
    await put('deep/rules.xml', ['<a>', `  <dir>${icewarp.directory}/spam/x</dir>`]);
    await put('voicemail.xml', ['<db>config/voice.db;user;geheim;;7;3</db>']);
    const { holds, first, list } = await scan();
    expect(holds).toBe(2);
    expect(first).toEqual([
      `deep/rules.xml:2:8 absolute "${icewarp.directory}/spam/x": name /share/spam/ instead of the old spam folder`,
      'voicemail.xml:1:5 sqlite "config/voice.db": let it name the cluster’s database server',
    ]);
    expect(await readFile(list, 'utf8')).not.toContain('geheim');
  });

  it('asks IceWarp for its settings, and judges what the settings file holds by the setting that it belongs to', async () => {
    await icewarp.put('C_GW_Attachments', 'attachments/');
    await icewarp.put('C_System_Tools_AutoArchive_Enable', '1');
    const { first } = await scan();
    expect(first).toEqual([
      'settings.cfg:2:9 (C_System_Tools_AutoArchive_Path) relative "archive/": write the whole path, below /share/archives/',
      'C_GW_Attachments relative "attachments/": write the whole path, on the share',
    ]);
  });

  it('only tells what steps are still to write, and holds it once they should have', async () => {
    const [old, accounts] = [`${icewarp.directory}/mail/`, 'config/accounts.db;;;;7;3'];
    await icewarp.put('C_System_Storage_Dir_MailPath', old);
    await icewarp.put('C_System_Storage_Accounts_ODBCConnString', accounts);
    await put('settings.cfg', [`Mail=${old}`, `Accounts=${accounts}`]);
    const settled = await scan();
    input = { ...input, repointed: REPOINTED };
    expect(await scan()).toMatchObject({ holds: 0, repointed: 3 });
    expect(settled).toMatchObject({ holds: 2, repointed: 0 });
    await put('content.xml', [old]);
    expect((await scan()).first).toEqual([expect.stringContaining('content.xml:1:1 absolute')]);
  });

  it('knows the folder that mail was copied from', async () => {
    await put('content.xml', ['/data/old/inbox']);
    expect(await scan()).toMatchObject({ holds: 0 });
    await mkdir(context.agent.config.stateDir, { recursive: true });
    await writeFile(join(context.agent.config.stateDir, 'old-mail.json'), JSON.stringify({ source: '/data/old' }));
    expect((await scan()).first).toEqual([expect.stringContaining('name /share/mail/ instead of the old mail folder')]);
  });

  it('knows a folder by its other name where it is a link', async () => {
    await mkdir(join(context.folder, 'disk/spam'), { recursive: true });
    await symlink('../disk/spam', join(icewarp.directory, 'spam'));
    await put('content.xml', [`${context.folder}/disk/spam/rules`]);
    expect((await scan()).first).toEqual([expect.stringContaining('content.xml:1:1 absolute')]);
  });

  it('passes databases, follows no link, and tells one that leads away', async () => {
    const config = join(icewarp.directory, 'config');
    await put('accounts.db', `SQLite format 3\0${icewarp.directory}/mail/`);
    await symlink('settings.cfg', join(config, 'inside'));
    await symlink('.', join(config, 'circle'));
    await symlink('../spam/rules', join(config, 'outside'));
    await symlink(`${config}/settings.cfg`, join(config, 'old'));
    const { binary, files, first } = await scan();
    expect({ binary, files }).toEqual({ binary: 1, files: 2 });
    expect(first).toEqual([
      `old:1:1 link "${config}/settings.cfg": name /share/config/ instead of the old config folder`,
      'outside:1:1 link "../spam/rules": replace the link by what it leads to',
    ]);
  });

  it('answers in less than 2 kB, and lists, counts and hashes all of it', async () => {
    const long = `${'名'.repeat(80)}/${'é'.repeat(100)}`;
    await put(
      `${long}.xml`,
      Array.from({ length: 10_500 }, (_, index) => `spam/${'信'.repeat(200)}/${index}`),
    );
    const found = await scan();
    expect(Buffer.byteLength(JSON.stringify(found))).toBeLessThan(2_048);
    expect(found.holds).toBe(10_500);
    const lines = (await readFile(found.list, 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(10_001);
    expect(lines.at(-1)).toBe('and 502 more, counted but not listed');
    expect((await scan()).hash).toBe(found.hash);
    await put('one.xml', ['spam/more']);
    expect((await scan()).hash).not.toBe(found.hash);
  });

  it('tells what is too much to search', async () => {
    await put('big.xml', ['x'.repeat(100)]);
    const search = async (limits: { files: number; bytesOfFile: number; bytes: number }): Promise<string[]> => {
      const searched: Searched = { files: 0, bytes: 0, binary: 0 };
      const scanner = new PathScanner(icewarp.directory, []);
      const files: string[] = [];
      const folder = join(icewarp.directory, 'config');
      for await (const { kind, place } of searchFolder(folder, scanner, searched, context.signal, limits)) {
        if (kind === 'unsearched' && 'file' in place) files.push(place.file);
      }
      return files;
    };
    expect(await search({ files: 10, bytesOfFile: 1_000, bytes: 1_000 })).toEqual([]);
    expect(await search({ files: 10, bytesOfFile: 100, bytes: 1_000 })).toContain('big.xml');
    expect(await search({ files: 1, bytesOfFile: 1_000, bytes: 1_000 })).toEqual(['big.xml']);
    expect(await search({ files: 10, bytesOfFile: 1_000, bytes: 30 })).toEqual(['big.xml']);
  });

  it('has nothing to say where the shared configuration is in use already, or no IceWarp is', async () => {
    await writeFile(join(icewarp.directory, 'path.dat'), '/share/config\r\n');
    expect(await pathScan.run(input, context)).toBeNull();
    await rm(join(icewarp.directory, 'tool.sh'));
    expect(await pathScan.run(input, context)).toBeNull();
  });
});
