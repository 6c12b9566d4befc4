import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { formatProblem, loadCluster } from '../../src/cluster/load.js';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const smallest = readFileSync(join(EXAMPLES, 'smallest.yaml'), 'utf8');

function problemsOf(text: string): string[] {
  const loaded = loadCluster(text, 'cluster.yaml');
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

/** The smallest file with one text replaced; the replacement must have taken place. */
function changed(from: string, to: string): string {
  expect(smallest).toContain(from);
  return smallest.replace(from, to);
}

describe('a cluster file', () => {
  it.each(['smallest.yaml', 'full.yaml'])('is right in examples/%s', (name) => {
    expect(problemsOf(readFileSync(join(EXAMPLES, name), 'utf8'))).toEqual([]);
  });

  it('gets every default filled in', () => {
    const loaded = loadCluster(smallest, 'cluster.yaml');
    expect(loaded).toMatchObject({
      ok: true,
      cluster: {
        share: { mount: '/mnt/icewarp', uid: 1500 },
        database: { port: 3306, names: { accounts: 'iw_accounts' } },
      },
    });
  });

  it('is refused with two masters, at the second role', () => {
    const problems = problemsOf(changed('role: slave', 'role: master'));
    expect(problems).toEqual([
      expect.stringMatching(/^cluster\.yaml:14:\d+: nodes\.1\.role: exactly one node is the master \(G18\), 2 are/),
    ]);
  });

  it('is refused with a server ID twice or of three characters', () => {
    expect(problemsOf(changed('"11"', '"10"'))).toEqual([
      expect.stringMatching(/:14:\d+: nodes\.1\.serverId: .*"10" is already that of node A/),
    ]);
    expect(problemsOf(changed('"11"', '"110"'))).toEqual([
      expect.stringMatching(/:14:\d+: nodes\.1\.serverId: expected one or two letters or digits/),
    ]);
  });

  it.each([
    ['names: [mail-b.example.com]', 1, 'public.names.0: mail-b.example.com is the host name of node B'],
    ['names: [mail.example.com, MAIL.example.com]', 1, 'public.names.1: MAIL.example.com is named twice'],
    ['address: 192.0.2.11\n  names: [mail.example.com]', 1, 'public.address: clients know only the balancer (G26)'],
    ['smarthost: relay.example.net\n  port25: mx.example.net', 2, 'public.port25: with public.smarthost nodes send'],
    ['resolvers: ["192.0.2.53:53", ns.example.com]', 1, 'public.resolvers.1: expected an IP address, or IP:port'],
    ['port25: "mx.example.net:99999"', 1, 'public.port25: expected a host, or host:port'],
    ['smarthosts: relay.example.net', 1, 'public.smarthosts: unknown key; did you mean "smarthost"?'],
  ])('is refused with %s in what clients see, at its place', (text, line, why) => {
    const problems = problemsOf(`${smallest}public:\n  ${text}\n`);
    const lines = smallest.split('\n').length;
    expect(problems).toEqual([expect.stringContaining(why)]);
    expect(problems[0]).toMatch(new RegExp(`^cluster\\.yaml:${lines + line}:\\d+: `));
  });

  it('is refused with outgoing addresses of nodes beside a smarthost, and names without a balancer', () => {
    const outgoing = changed('role: master }', 'role: master, outgoing: 203.0.113.11 }');
    expect(problemsOf(`${outgoing}public:\n  smarthost: relay.example.net\n`)).toEqual([
      expect.stringMatching(/:13:\d+: nodes\.0\.outgoing: with public\.smarthost nodes send nowhere else/),
    ]);
    const none = `${smallest.slice(0, smallest.indexOf('balancer:'))}balancer: { kind: none }\n`;
    expect(problemsOf(`${none}public: { names: [mail.example.com] }\n`)).toEqual([
      expect.stringContaining('public: names need an address to lead to'),
    ]);
    expect(problemsOf(`${none}public: { names: [mail.example.com], address: 192.0.2.30 }\n`)).toEqual([]);
  });

  it('knows addresses by one spelling, however they are written', () => {
    const loaded = loadCluster(`${smallest}public: { address: "2001:DB8:0::1" }\n`, 'cluster.yaml');
    expect(loaded).toMatchObject({ ok: true, cluster: { public: { address: '2001:db8::1', names: [] } } });
  });

  it('says that a number must be quoted to be a server ID', () => {
    expect(problemsOf(changed('"11"', '11'))).toEqual([expect.stringContaining('put it in quotes, "11"')]);
  });

  it('never takes a password, whatever it holds, and does not repeat it', () => {
    const problems = problemsOf(changed('{ secret: share-account }', 'hunter;2'));
    expect(problems).toEqual([expect.stringMatching(/:11:\d+: share\.password: a password never stands in this file/)]);
    expect(problems.join()).not.toContain('hunter');
  });

  it.each(['ice;warp', 'ice|warp', '"ice\\nwarp"'])(
    'refuses the database user %s, which would break a connection string',
    (user) => {
      const problems = problemsOf(
        changed(
          '  password: { secret: database-icewarp }',
          `  password: { secret: database-icewarp }\n  user: ${user}`,
        ),
      );
      expect(problems[0]).toMatch(/:9:\d+: database\.user: .*would break IceWarp/);
    },
  );

  it('knows an unknown key and what was meant', () => {
    expect(problemsOf(changed('role: slave', 'roll: slave'))).toContainEqual(
      expect.stringMatching(/:14:\d+: nodes\.1\.roll: unknown key; did you mean "role"\? known here: id, address/),
    );
    expect(problemsOf(changed('database:', 'databse:'))).toContainEqual(
      expect.stringMatching(/:5:1: databse: unknown key; did you mean "database"\?/),
    );
  });

  it('refuses one address, host or id for two nodes, and one database for two functions', () => {
    expect(problemsOf(changed('192.0.2.12', '192.0.2.11'))).toHaveLength(1);
    expect(problemsOf(changed('mail-b.example.com', 'MAIL-A.example.com'))).toHaveLength(1);
    expect(problemsOf(changed('id: B', 'id: a'))).toHaveLength(1);
    expect(
      problemsOf(
        changed('share:\n', 'share:\n').replace('database:\n', 'database:\n  names: { accounts: x, groupware: x }\n'),
      ),
    ).toEqual([expect.stringContaining('x is used twice')]);
  });

  it('refuses a mailbox outside that is in the own domain, and one that is no address', () => {
    const outside = (address: string): string =>
      changed(
        'mail:\n',
        `mail:\n  outside: { address: ${address}, password: { secret: outside }, imap: { host: imap.other.example } }\n`,
      );
    expect(problemsOf(outside('probe@Example.com'))).toEqual([
      expect.stringMatching(/mail\.outside\.address: a mailbox outside belongs to another domain than example\.com/),
    ]);
    expect(problemsOf(outside('probe'))).toEqual([expect.stringContaining('expected an address such as')]);
    const loaded = loadCluster(outside('probe@other.example'), 'x');
    expect(loaded.ok && loaded.cluster.mail.outside?.imap).toEqual({
      host: 'imap.other.example',
      port: 993,
      tls: 'implicit',
    });
  });

  it('refuses local folders on the share', () => {
    expect(problemsOf(`${smallest}icewarp: { local: /mnt/icewarp/local }\n`)).toEqual([
      expect.stringContaining('stay on each node’s own disk'),
    ]);
  });

  it('refuses one full-text server without its address, an address that nobody uses, and a backup without a place', () => {
    expect(problemsOf(`${smallest}icewarp: { fullText: single }\n`)).toEqual([
      expect.stringContaining('needs fullTextUrl'),
    ]);
    const url = "fullTextUrl: { database: 'http://192.0.2.11:25793', scanner: '192.0.2.11:25795' }";
    expect(problemsOf(`${smallest}icewarp: { ${url} }\n`)).toEqual([]);
    expect(problemsOf(`${smallest}icewarp: { fullText: off, ${url} }\n`)).toEqual([
      expect.stringContaining('means one server for all nodes, not off'),
    ]);
    expect(problemsOf(`${smallest}backups: [{ what: mail, where: tape 7 }]\n`)).toEqual([]);
    expect(problemsOf(`${smallest}backups: [{ what: mail, where: ' ' }]\n`)).toHaveLength(1);
    expect(problemsOf(`${smallest}backups: [{ what: mail, where: x, taken: yesterday }]\n`)).toEqual([
      expect.stringContaining('expected a time such as'),
    ]);
  });

  it('refuses a path with ".." and a share of kind smb without its host', () => {
    expect(problemsOf(changed('  host: 192.0.2.50', '  host: 192.0.2.50\n  mount: /mnt/../etc'))).toEqual([
      expect.stringContaining('".." is not allowed'),
    ]);
    expect(problemsOf(changed('  host: 192.0.2.50\n', ''))).toEqual([
      expect.stringMatching(/share: a share of kind smb needs host/),
    ]);
  });

  it('reports broken YAML, doubled keys and alias bombs with their place instead of failing', () => {
    expect(problemsOf('version: [')[0]).toMatch(/^cluster\.yaml:\d+:\d+: not valid YAML/);
    expect(problemsOf(`${smallest}name: twice\n`)[0]).toMatch(/not valid YAML: Map keys must be unique/);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map(
        (c, i) =>
          `${c}: &${c} [${Array(9)
            .fill(`*${'abcdefgh'[i] ?? 'a'}`)
            .join(',')}]`,
      )
      .join('\n')}`;
    expect(problemsOf(bomb)).toHaveLength(1);
  });

  it('never throws and never passes for random text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        expect(loadCluster(text, 'x').ok).toBe(false);
      }),
    );
  });
});
