import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';

import { clusterSchema } from '../../src/cluster/schema.js';
import { type Lab, labDown, labStatus, labUp, type NodeName, OLD_MESSAGES, SECRETS } from '../../src/lab/lab.js';
import { remainsOf } from './remains.js';

// A test may start and end several labs, each of which takes a minute or two on a busy machine.
jest.setTimeout(300_000);

const quiet = (): void => undefined;

async function labFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'lab-'));
}

/** Does by hand, with the real tools, what a rollout does for the share: enough to mount it. */
async function shareByHand(lab: Lab): Promise<void> {
  const share = lab.machine('share');
  const password = lab.secret('share-account');
  await share.run('groupadd', ['--gid', '1500', 'icewarp']);
  await share.run('useradd', ['--uid', '1500', '--gid', '1500', '--no-create-home', 'icewarp']);
  await share.run('smbpasswd', ['-s', '-a', 'icewarp'], { input: `${password}\n${password}\n` });
  await share.run('install', ['-d', '-o', 'icewarp', '-g', 'icewarp', '/srv/icewarp']);
  const section = '[icewarp]\npath = /srv/icewarp\nread only = no\nvalid users = icewarp\n';
  await share.run('tee', ['-a', '/etc/samba/smb.conf'], { input: section });
  await share.run('smbcontrol', ['smbd', 'reload-config']);
}

async function writeCredentials(lab: Lab, node: NodeName, file: string, password: string): Promise<void> {
  const input = `username=icewarp\npassword=${password}\n`;
  await lab.machine(node).run('tee', [file], { input });
  await lab.machine(node).run('chmod', ['600', file]);
}

async function fstabByHand(lab: Lab, node: NodeName): Promise<void> {
  await writeCredentials(lab, node, '/etc/share-credentials', lab.secret('share-account'));
  await lab.machine(node).run('mkdir', ['-p', '/mnt/icewarp']);
  const options = `credentials=/etc/share-credentials,port=${lab.ports.share},uid=1500,gid=1500`;
  const input = `//${lab.addresses.share}/icewarp /mnt/icewarp cifs ${options} 0 0\n`;
  await lab.machine(node).run('tee', ['-a', '/etc/fstab'], { input });
}

describe('a lab', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await labUp({ dir: await labFolder(), agents: false, log: quiet });
  });

  afterAll(async () => {
    await labDown(lab.directory);
  });

  it('is up with every part, and says so when it is started again', async () => {
    const said: string[] = [];
    const again = await labUp({ dir: lab.directory, agents: false, log: (line) => said.push(line) });
    expect(said).toEqual([`the lab in ${lab.directory} is up`]);
    expect(again.addresses).toEqual(lab.addresses);
    const status = await labStatus(lab.directory);
    expect(status.phase).toBe('up');
    expect(status.parts).toHaveLength(10);
  });

  it('describes its machines in a valid cluster file that holds no secret', async () => {
    const text = await readFile(lab.paths.clusterFile, 'utf8');
    expect(clusterSchema.safeParse(parse(text)).success).toBe(true);
    for (const name of SECRETS) expect(text).not.toContain(lab.secret(name));
  });

  it('has an empty database server that its administrator reaches from the control machine only', async () => {
    const accounts = await lab.sql("SELECT CONCAT(User, '@', Host) AS name FROM mysql.user ORDER BY name");
    const before = ['mariadb.sys@localhost', 'mysql@localhost'];
    const names = [...before, `rollout@${lab.addresses.control}`, 'root@localhost'];
    expect(accounts).toEqual(names.map((name) => ({ name })));
    const databases = await lab.sql('SHOW DATABASES');
    expect(databases).toHaveLength(4);
    const { exitCode, stderr } = await lab
      .machine('A')
      .run(
        'mariadb',
        [
          '--host',
          lab.addresses.database,
          '--port',
          String(lab.ports.database),
          '--user',
          'rollout',
          '--execute',
          'SELECT 1',
        ],
        { env: { MYSQL_PWD: lab.secret('database-administrator') }, accept: [0, 1] },
      );
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('not allowed to connect') });
  });

  it('keeps what the database and Temporal stored when they are stopped and killed', async () => {
    await lab.sql('CREATE DATABASE kept');
    await lab.database.stop();
    await expect(lab.sql('SELECT 1')).rejects.toMatchObject({ code: 'DATABASE_FAILED' });
    await lab.database.start();
    await lab.database.kill();
    await lab.temporal.kill();
    expect((await labStatus(lab.directory)).phase).toBe('broken');
    await lab.database.start();
    await lab.temporal.start();
    expect(await lab.sql("SHOW DATABASES LIKE 'kept'")).toHaveLength(1);
    await lab.sql('DROP DATABASE kept');
  });

  it('runs the balancer through its real start script', async () => {
    const control = lab.machine('control');
    const port = lab.ports.balancer.imap;
    const input = [
      'global\n chroot /var/lib/haproxy\n user haproxy\n group haproxy',
      ' stats socket /run/haproxy/admin.sock',
      'defaults\n mode tcp\n timeout connect 1s\n timeout client 1s\n timeout server 1s',
      `listen imap\n bind ${lab.addresses.balancer}:${port}\n server a ${lab.addresses.A}:${lab.ports.node.imap}\n`,
    ].join('\n');
    await control.run('tee', ['/etc/haproxy/haproxy.cfg'], { input });
    for (const verb of ['start', 'reload', 'status']) await control.run('/etc/init.d/haproxy', [verb]);
    expect(await connects(lab.addresses.balancer, port)).toBe(true);
    await control.run('/etc/init.d/haproxy', ['stop']);
    expect(await connects(lab.addresses.balancer, port)).toBe(false);
  });

  describe('with a share made by hand', () => {
    beforeAll(async () => {
      await shareByHand(lab);
      for (const node of ['A', 'B'] as const) {
        await fstabByHand(lab, node);
        await lab.machine(node).run('mount', ['/mnt/icewarp']);
      }
    });

    it('shows two nodes each other’s files, and the share server sees the node’s own address', async () => {
      await lab.machine('A').run('tee', ['/mnt/icewarp/from-A'], { input: 'hello' });
      expect((await lab.machine('B').run('cat', ['/mnt/icewarp/from-A'])).stdout).toBe('hello');
      expect(existsSync(`${lab.machine('share').disk}/var/log/samba/log.${lab.addresses.B}`)).toBe(true);
    });

    it('unmounts with umount, and leaves an empty folder behind', async () => {
      const node = lab.machine('A');
      await node.run('umount', ['/mnt/icewarp']);
      expect((await node.run('ls', ['-A', '/mnt/icewarp'])).stdout).toBe('');
      await node.run('mount', ['/mnt/icewarp']);
    });

    it('refuses what the real mount.cifs refuses, with its words and exit codes', async () => {
      const node = lab.machine('C');
      await node.run('mkdir', ['-p', '/mnt/icewarp']);
      await writeCredentials(lab, 'C', '/etc/good', lab.secret('share-account'));
      await writeCredentials(lab, 'C', '/etc/bad', 'wrong');
      const mount = async (credentials: string, share = 'icewarp', host = lab.addresses.share): Promise<string> => {
        const options = `credentials=${credentials},port=${lab.ports.share}`;
        const args = ['-t', 'cifs', `//${host}/${share}`, '/mnt/icewarp', '-o', options];
        const { exitCode, stderr } = await node.run('mount', args, { accept: [0, 1, 2, 32] });
        return `${exitCode} ${stderr.split('\n')[0] ?? ''}`;
      };
      expect(await mount('/etc/bad')).toBe('32 mount error(13): Permission denied');
      expect(await mount('/etc/good', 'nothing')).toBe('32 mount error(2): No such file or directory');
      expect(await mount('/etc/good', 'icewarp', lab.addresses.C)).toMatch(/^32 mount error\(111\)/);
      expect(await mount('/etc/none')).toMatch(/^2 error 2 /);
      expect((await node.run('mountpoint', ['/mnt/icewarp'], { accept: [1, 32] })).stdout).toContain('is not');
      await lab.share.stop();
      expect(await mount('/etc/good')).toMatch(/^32 mount error\(111\)/);
      await lab.share.start();
      expect(await mount('/etc/good')).toBe('0 ');
    });

    it('loses every process and mount of a node in a power cut, and neither its disk nor its start-up', async () => {
      const node = lab.machine('B');
      const daemon = await node.spawn('sleep', ['1000'], { log: '/var/log/sleep.log' });
      await node.run('tee', ['/etc/init.d/beacon'], { input: '#!/bin/sh\ntouch /run/beacon\n' });
      await node.run('chmod', ['755', '/etc/init.d/beacon']);
      await node.run('ln', ['-s', '../init.d/beacon', '/etc/rc2.d/S01beacon']);
      await node.powerOff();
      expect(node.isOn).toBe(false);
      expect(existsSync(`/proc/${daemon.pid}`)).toBe(false);
      await expect(node.run('true')).rejects.toMatchObject({ code: 'LAB_STATE' });
      await lab.powerOn('B');
      expect((await node.run('cat', ['/mnt/icewarp/from-A'])).stdout).toBe('hello');
      await node.run('test', ['-e', '/run/beacon']);
    });
  });
});

/** What is mounted, but for what other tests mount meanwhile: those of a lab are below its own folder. */
async function mounts(): Promise<string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  return lines.filter((line) => !line.includes('/icewarp-rollout-'));
}

describe('labs side by side and their end', () => {
  it('keeps two labs apart, and leaves nothing of either', async () => {
    const before = await mounts();
    const folders = [await labFolder(), await labFolder()];
    const labs = await Promise.all(folders.map(async (dir) => labUp({ dir, agents: false, log: quiet })));
    const [first, second] = labs;
    expect(first?.addresses.A).not.toBe(second?.addresses.A);
    await first?.sql('CREATE DATABASE only_here');
    expect(await second?.sql("SHOW DATABASES LIKE 'only_here'")).toHaveLength(0);
    await first?.machine('A').run('useradd', ['only-here']);
    await expect(second?.machine('A').run('id', ['only-here'])).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
    expect(remainsOf(folders[0] ?? '')).not.toEqual([]);
    for (const folder of folders) {
      await labDown(folder);
      expect({ remains: remainsOf(folder), folder: existsSync(folder) }).toEqual({ remains: [], folder: false });
      await labDown(folder);
    }
    expect(await mounts()).toEqual(before);
  });

  it('makes node A a server with old mail, and keeps disks on request, whose folder a new lab then refuses', async () => {
    const dir = await labFolder();
    const lab = await labUp({ dir, agents: false, oldMail: true, log: quiet });
    await labDown(dir, { keep: true });
    expect(remainsOf(dir)).toEqual([]);
    const inbox = `${lab.machine('A').disk}/opt/icewarp/mail/lab.test/admin/inbox/new`;
    for (const { name } of OLD_MESSAGES) expect(existsSync(`${inbox}/${name}`)).toBe(true);
    expect(existsSync(`${lab.machine('B').disk}/opt/icewarp`)).toBe(false);
    await expect(labUp({ dir, agents: false, log: quiet })).rejects.toMatchObject({ code: 'LAB_STATE' });
    await rm(dir, { recursive: true });
  });
});

async function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
