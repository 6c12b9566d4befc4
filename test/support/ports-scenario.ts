/**
 * Run by a test on a machine with a network of its own: a node is closed and opened, with real clients on a far machine
 * and the real nftables. Prints what happened, as JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ports, type PortsDesired, type PortsObserved } from '../../src/activities/ports.js';
import { portsClosable } from '../../src/activities/ports-closable.js';
import { staysClosed } from '../../src/activities/stays-closed.js';
import { runCommand } from '../../src/platform/run.js';
import { output } from './commands.js';
import { testContext } from './context.js';
import { farMachine } from './far-machine.js';
import { farUsers, UID } from './ports-user.js';

const NODE = '10.99.0.1';
const NODE6 = 'fd00:99::1';
const CONTROL = '10.99.0.2';
const STRANGER = '10.99.0.3';
/** Who is told something in the moment in which the node is closed. */
const LATE = '10.99.0.4';
const STRANGER6 = 'fd00:99::3';
const SERVICES = [25, 143];

const results: Record<string, unknown> = {};
const context = await testContext({}, { users: farUsers });
const desired: PortsDesired = {
  state: 'closed',
  cluster: 'lab',
  directory: '/opt/icewarp',
  user: 'icewarp',
  services: SERVICES,
  delivery: [25, 465],
  addresses: [],
  admit: [CONTROL, 'db.example.com'],
};
const open: PortsDesired = { ...desired, state: 'open' };

const far = await farMachine(
  [`${NODE}/24`, `${NODE6}/64`],
  [`${CONTROL}/24`, `${STRANGER}/24`, `${LATE}/24`, `${STRANGER6}/64`],
);
/** Who is connected, by address. */
const clients = new Map<string, Socket>();
const servers = SERVICES.concat(8080).map((port) =>
  createServer((socket) => {
    clients.set(socket.remoteAddress ?? '', socket);
    socket.on('error', () => undefined).on('data', () => socket.write('hello yourself\n'));
  }).listen(port, '::'),
);
await Promise.all(servers.map((server) => once(server, 'listening')));

const check = async (what: PortsDesired): Promise<unknown> => {
  const observed = await ports.observe(what, context);
  return [observed?.closed, ports.diff(what, observed)];
};
const enter = (from: string, to = NODE, port = 143): Promise<string> =>
  far.ask({ do: 'connect', name: `new ${from}`, from, to, port });
const ruleset = (): string => output('nft', ['list', 'ruleset']).toString();
const ours = (): boolean => ruleset().includes('table inet icewarp-rollout-lab ');

/** Whether a process of that user gets a connection to the far machine. */
async function sends(uid: number, to: string, port: number): Promise<boolean> {
  const command = `exec 3<>/dev/tcp/${to}/${port}`;
  const { exitCode } = await runCommand('bash', ['-c', command], { uid, gid: uid, cwd: '/', accept: [0, 1] });
  return exitCode === 0;
}

/** Whether the machine reaches a service of its own at that address. */
async function reachesItself(address: string): Promise<boolean> {
  const socket = connect({ host: address, port: 143 });
  const reached = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return reached;
}

/** An agent that is killed right before, or right after, the kernel has been told. */
async function killedAgent(when: 'before' | 'after', what: PortsDesired): Promise<unknown> {
  const shim = join(context.folder, when);
  await mkdir(shim);
  const load = when === 'before' ? 'kill -9 $PPID' : 'nft "$@"; kill -9 $PPID';
  const script = `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\ncase "$*" in *add*) ${load} ;; *) exec nft "$@" ;; esac\n`;
  await writeFile(join(shim, 'nft'), script);
  await chmod(join(shim, 'nft'), 0o755);
  const agent = fileURLToPath(new URL('./ports-agent.js', import.meta.url));
  const env = { ...process.env, TMPDIR: context.folder, PATH: `${shim}:${process.env['PATH'] ?? ''}` };
  const child = spawn(process.execPath, [agent, JSON.stringify(what)], { env, stdio: ['ignore', 'ignore', 2] });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  const left = ports.diff(what, await ports.observe(what, context)).length;
  await ports.apply(what, context);
  return { signal, left, then: ports.diff(what, await ports.observe(what, context)).length };
}

try {
  output('nft', ['-f', '-'], {
    input: Buffer.from(
      'table inet icewarp-rollout-lab2 {\nchain input {\ntype filter hook input priority 0\ntcp dport 8080 accept\n}\n}\n' +
        'table ip filter {\nchain output {\ntype filter hook output priority 0\n}\n}\n',
    ),
  });
  const foreign = ruleset();
  for (const [address, port] of [
    [STRANGER, 25],
    [STRANGER, 465],
    [STRANGER, 80],
    [CONTROL, 25],
  ] as const) {
    await far.ask({ do: 'listen', address, port });
  }
  results['closable'] = await portsClosable.run({ ...desired, admit: [] }, context);
  results['open'] = [await check(open), await check(desired), ruleset() === foreign];

  results['connected'] = [
    await far.ask({ do: 'connect', name: 'stranger', from: STRANGER, to: NODE, port: 143 }),
    await far.ask({ do: 'connect', name: 'stranger6', from: STRANGER6, to: NODE6, port: 143 }),
    await far.ask({ do: 'connect', name: 'late', from: LATE, to: NODE, port: 143 }),
    await far.ask({ do: 'connect', name: 'control', from: CONTROL, to: NODE, port: 143 }),
    await far.ask({ do: 'say', name: 'stranger' }),
  ];
  const before = (await ports.observe(desired, context)) as PortsObserved;
  await ports.apply(desired, context);
  results['closed'] = await check(desired);
  await ports.apply(desired, context);
  results['again'] = await check(desired);
  clients.get(`::ffff:${LATE}`)?.write('250 it is ours\n');
  results['underWay'] = await far.ask({ do: 'hear', name: 'late' });
  results['cut'] = [await far.ask({ do: 'say', name: 'stranger' }), await far.ask({ do: 'say', name: 'stranger6' })];
  results['goesOn'] = await far.ask({ do: 'say', name: 'control' });
  results['refused'] = [
    await enter(STRANGER),
    await enter(STRANGER, NODE, 25),
    await enter(STRANGER6, NODE6),
    await enter(STRANGER, NODE, 8080),
  ];
  results['admitted'] = await enter(CONTROL);
  results['itself'] = await Promise.all(['127.0.0.1', '::1', NODE, NODE6].map(reachesItself));
  results['held'] = {
    mail: [await sends(UID, STRANGER, 25), await sends(UID, STRANGER, 465)],
    web: await sends(UID, STRANGER, 80),
    admitted: await sends(UID, CONTROL, 25),
    others: await sends(UID + 1, STRANGER, 25),
  };

  output('nft', ['add', 'element', 'inet', 'icewarp-rollout-lab', 'admitted4', `{ ${STRANGER} }`]);
  results['changed'] = await check(desired);
  await ports.apply(desired, context);
  results['mended'] = await check(desired);

  const stays = await staysClosed.run(open, context);
  output('nft', ['delete', 'table', 'inet', 'icewarp-rollout-lab']);
  results['restarted'] = [stays, await staysClosed.run(open, context), await check(desired)];

  const whileClosed = (await ports.observe(open, context)) as PortsObserved;
  await ports.apply(open, context);
  results['opened'] = [await check(open), await enter(STRANGER), await sends(UID, STRANGER, 25), ruleset() === foreign];
  results['openUndone'] = [await ports.restore(open, whileClosed, context), await check(desired)];
  results['keptClosed'] = [await ports.restore(desired, whileClosed, context), ours()];
  results['closedUndone'] = [await ports.restore(desired, before, context), ruleset() === foreign];
  results['undoneTwice'] = [await ports.restore(desired, before, context), ruleset() === foreign];
  results['neverOpened'] = [await ports.restore(open, before, context), ours()];

  results['killed'] = {
    beforeClosing: await killedAgent('before', desired),
    afterOpening: await killedAgent('after', open),
    untouched: ruleset() === foreign,
  };

  // machines of a lab share one kernel: only one address is closed
  const lab = { ...desired, addresses: [NODE] };
  await ports.apply(lab, context);
  results['oneAddress'] = [await check(lab), await enter(STRANGER), await enter(STRANGER6, NODE6), ours()];
  await ports.restore(lab, before, context);

  results['noUser'] = await ports.apply({ ...desired, user: 'nobody-there' }, context).catch((error: unknown) => error);
} catch (error) {
  results['crash'] = String(error);
} finally {
  await far.stop();
  for (const server of servers) server.close();
  await context.remove();
}
process.stdout.write(JSON.stringify(results), () => process.exit());
