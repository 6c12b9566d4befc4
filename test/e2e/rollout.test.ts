import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { LAB_DOMAIN, LAB_FILE, NODES, type Lab, type NodeName } from '../../src/lab/lab.js';
import { OLD_MAILBOX, OLD_MESSAGES, WAITING_MESSAGE } from '../../src/lab/old-mail.js';
import { proveMail } from '../../src/lab/proof.js';
import { eventually } from '../support/eventually.js';
import { replayTrouble } from '../sweep/replays.js';
import { leaks } from './canary.js';
import { LabCluster } from './lab-cluster.js';
import { inboxSubjects } from './mailbox.js';
import { differences, keptOriginals, snapshot, type Snapshot } from './snapshot.js';

const MINUTE = 60_000;
const TOOL = '/opt/icewarp/tool.sh';

let cluster: LabCluster;
let before: Snapshot;

/** Where the plan is saved that is then carried out. */
const savedPlan = (): string => join(cluster.lab.directory, 'approved-plan.json');

beforeAll(async () => {
  cluster = await LabCluster.up({ agents: true, oldMail: true });
}, 2 * MINUTE);

afterAll(async () => {
  await cluster.down();
}, MINUTE);

/** The tests are one story: each goes on where the one before ended. */
describe('a cluster from nothing, with old mail on its first machine', () => {
  it(
    'is planned without changing anything on any machine',
    async () => {
      before = await snapshot(cluster.lab);
      const { code, out } = await cluster.cli('plan', '--json', '--output', savedPlan());
      expect(code).toBe(0);
      const { steps, summary } = JSON.parse(out) as {
        steps: { undo: string; seconds: number }[];
        summary: { changes: number };
      };
      expect(summary.changes).toBeGreaterThan(40);
      expect(steps.every(({ undo, seconds }) => undo !== '' && seconds > 0)).toBe(true);
      expect(differences(before, await snapshot(cluster.lab))).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'is rolled out although an agent, the control worker and the Temporal server are killed on the way',
    async () => {
      const { lab } = cluster;
      const { disk } = lab.machine('B');
      const facts = await readFile(disk + LAB_FILE, 'utf8');
      const slow = { ...(JSON.parse(facts) as object), installWaitsFor: '/root/go-on' };
      await writeFile(disk + LAB_FILE, JSON.stringify(slow));
      const started = await cluster.cli('start', '--plan', savedPlan(), '--yes', '--detach');
      expect(started.code).toBe(0);

      // in the middle of its work, so that a killed agent leaves it running
      await cluster.stepIs('B/installation', 'running');
      await eventually('the installer is at work', async () => (await installers(lab)) !== '');
      await lab.killAgent('B');
      await sleep(1_000);
      const orphan = await installers(lab);
      expect(orphan).not.toBe('');
      await writeFile(disk + LAB_FILE, facts);
      await lab.startAgent('B');
      // the next attempt ends it before it begins, rather than removing the folder under it
      await cluster.stepIs('B/installation', 'done');
      expect(await installers(lab)).toBe('');
      expect(await readFile(`${disk}/var/log/icewarp-rollout.log`, 'utf8')).toMatch(
        /ended what an earlier attempt had left running.*B\/installation/,
      );

      await cluster.stepIs('A/settings:databases', 'done');
      await lab.killAgent('control');
      await sleep(1_000);
      await lab.startAgent('control');

      await cluster.stepIs('A/pathDat', 'done');
      await lab.temporal.kill();
      await lab.killAgent('A');
      // a setting that somebody changes in the shared configuration must survive the resumed rollout
      await lab.machine('A').run(TOOL, ['set', 'system', 'C_Mail_SMTP_General_HostName', 'kept.lab.test']);
      await lab.temporal.start();
      await lab.startAgent('A');

      const { code, out } = await cluster.cli('watch');
      expect({ code, out }).toEqual({ code: 0, out: expect.any(String) });
      const { stdout } = await lab.machine('A').run(TOOL, ['get', 'system', 'C_Mail_SMTP_General_HostName']);
      expect(stdout).toContain('kept.lab.test');
      expect(await replayTrouble(lab)).toBeNull();
    },
    6 * MINUTE,
  );

  it(
    'then has nothing left to do, says so, and passes every probe',
    async () => {
      const again = await cluster.cli('start', '--yes');
      expect(again).toMatchObject({ code: 0, out: expect.stringContaining('Nothing to do') });
      const { code, out } = await cluster.cli('verify');
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('0 findings') });
    },
    4 * MINUTE,
  );

  it('serves the old mail of the first machine through every node', async () => {
    const subjects = OLD_MESSAGES.map(({ subject }) => subject).sort();
    const [user = ''] = OLD_MAILBOX.split('@');
    for (const node of ['A', 'B', 'C'] as const) {
      const seen = await inboxSubjects(cluster.lab, node, user, cluster.lab.secret('mail-administrator'));
      expect({ node, seen: seen.sort() }).toEqual({ node, seen: subjects });
    }
  });

  it('keeps what waited for another server waiting, on the node’s own disk, in one place at which services look', async () => {
    const { disk } = cluster.lab.machine('A');
    expect(await readFile(`${disk}/var/lib/icewarp/queues/${WAITING_MESSAGE}`, 'utf8')).toContain('Subject: waits');
    const moved = await readdir(`${disk}/opt/icewarp/mail`);
    expect(moved.filter((name) => name.startsWith('_outgoing'))).toEqual(['_outgoing.icewarp-rollout-moved-1']);
    expect(await readdir(`${cluster.lab.machine('share').disk}/srv/icewarp/share/mail`)).not.toContain('_outgoing');
  });

  it('has one master, whose jobs run once per period and on no other node', async () => {
    const { lab } = cluster;
    const flagOf = async (node: NodeName): Promise<string> =>
      (await lab.machine(node).run('sed', ['-n', '14p', '/opt/icewarp/path.dat'])).stdout.trim();
    expect(await Promise.all((['A', 'B', 'C'] as const).map(flagOf))).toEqual(['0', '1', '1']);
    const jobs = 'FROM iw_accounts.MasterJobs';
    expect(await lab.sql(`SELECT DISTINCT server_id AS id ${jobs}`)).toEqual([{ id: '10' }]);
    expect(await lab.sql(`SELECT period ${jobs} GROUP BY period HAVING COUNT(*) > 1`)).toEqual([]);
  });

  it(
    'still serves through the balancer while one node is stopped, and it is the one that served this client',
    async () => {
      const { lab } = cluster;
      await proveMail(lab, 'A');
      const before = await nodesThatTook(lab);
      // the affinity of one client, and the master as backup only: B or C alone
      expect(before).toHaveLength(1);
      const [serving = 'A'] = before;
      expect(['B', 'C']).toContain(serving);
      await lab.machine(serving).run('/opt/icewarp/icewarpd.sh', ['--stop', 'all'], { timeout: MINUTE });
      // whoever was on the way to it when the balancer noticed is cut off once, and comes again
      const sent = (): Promise<boolean> => proveMail(lab, 'A').then(Boolean, () => false);
      await eventually('the balancer has noticed, and mail gets through', sent, { limit: 30_000 });
      for (let message = 0; message < 5; message += 1) await proveMail(lab, 'A');
      // G17: what a node took in bears its server ID in its name
      expect(await nodesThatTook(lab)).toEqual(['B', 'C']);
      await lab.machine(serving).run('/opt/icewarp/icewarpd.sh', ['--start'], { timeout: MINUTE });
    },
    2 * MINUTE,
  );

  it(
    'is put back completely: only logs, delivered mail and the activated licences stay, and each is named',
    async () => {
      const { code, out } = await cluster.cli('rollback', '--yes');
      expect({ code, out }).toEqual({ code: 3, out: expect.stringContaining('rolled back') });
      const left = differences(before, await snapshot(cluster.lab));
      const kept = out.split('\n').filter((line) => line.includes('left in place'));
      const unnamed = left.filter((line) => {
        const [machine = '', path = ''] = line.split(':');
        return !kept.some(
          (told) =>
            told.includes(`${machine}: `) &&
            (told.includes(path) ||
              (path.startsWith('/opt/icewarp/license.key') && told.includes('licence stays')) ||
              STAYS.some((stays) => path.startsWith(stays) && told.includes(stays))),
        );
      });
      expect({ unnamed, kept }).toMatchObject({ unnamed: [] });
      expect(await keptOriginals(cluster.lab)).toEqual([]);
      const waiting = `${cluster.lab.machine('A').disk}/opt/icewarp/mail/${WAITING_MESSAGE}`;
      expect(await readFile(waiting, 'utf8')).toContain('Subject: waits');
    },
    4 * MINUTE,
  );

  it('has left no secret in Temporal, in a log or on the screen', async () => {
    expect(cluster.printed.length).toBeGreaterThan(1_000);
    const saved = await readFile(savedPlan(), 'utf8');
    expect(leaks(cluster.lab, cluster.printed + saved)).toEqual([]);
  });
});

/** The processes of the installer on B. */
async function installers(lab: Lab): Promise<string> {
  const { stdout } = await lab.machine('B').run('pgrep', ['--full', 'standin/install.js'], { accept: [0, 1] });
  return stdout;
}

/** The nodes whose server IDs the names of the second probe account's messages begin with, in order. */
async function nodesThatTook(lab: Lab): Promise<NodeName[]> {
  const inbox = `${lab.machine('share').disk}/srv/icewarp/share/mail/${LAB_DOMAIN}/probe-2`;
  const names = (await readdir(inbox, { recursive: true })).filter((name) => /\.imap/.test(name));
  expect(names.length).toBeGreaterThan(0);
  const ids = { A: '10', B: '11', C: '12' } as const;
  return NODES.filter((node) => names.some((name) => new RegExp(`(^|/)${ids[node]}\\d{14}-`).test(name)));
}

/** Folders that stay as a whole when the rollback names them. */
const STAYS = ['/var/lib/icewarp/', '/srv/icewarp/', '/opt/icewarp/mail/_outgoing.icewarp-rollout-moved-1'];
