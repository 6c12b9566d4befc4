import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import type { AccountSpec } from '../cluster/schema.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { ACCOUNT, DOMAIN } from '../icewarp/variables.js';
import { removePlanted } from './planted.js';
import { mailInForce } from './queues.js';
import type { Change, Context, Resource } from './resource.js';
import { assertShareMounted } from './share-mounted.js';
import { stateFile } from './state-file.js';

/** The first domain, its administrator, and the accounts with which mail flow is proven (G12; procedure, rule 12). */
export interface MailAccountsDesired {
  readonly directory: string;
  readonly domain: string;
  readonly administrator: AccountSpec;
  readonly probes: readonly AccountSpec[];
  /** Where the share is mounted, and the cluster that its sentinel must name. */
  readonly mount: string;
  readonly cluster: string;
  /** Mail folder and archive of the cluster: on the way back, what probe accounts of ours have there goes with them. */
  readonly folders?: readonly string[];
}

export type AccountState = 'absent' | 'user' | 'administrator';

export interface MailAccountsObserved {
  readonly domain: boolean;
  /** By the part before the @. */
  readonly accounts: Readonly<Record<string, AccountState>>;
}

/** Accounts whose making has begun: they may exist without their password. */
type Begun = readonly string[];

export const mailAccounts: Resource<MailAccountsDesired, MailAccountsObserved, 'node'> = {
  place: 'node',
  observe,

  diff(desired, observed) {
    const changes: Change[] = [];
    const before = observed === null ? 'unknown' : 'absent';
    if (observed?.domain !== true) changes.push({ what: `domain ${desired.domain}`, before, after: 'there' });
    for (const { name } of accountsOf(desired)) {
      const now = observed?.accounts[name] ?? before;
      const after = name === desired.administrator.name ? 'administrator' : 'user';
      if (now === after || now === 'administrator') continue;
      changes.push({ what: `account ${name}@${desired.domain}`, before: now, after });
    }
    return changes;
  },

  async apply(desired, context) {
    const { directory, domain, administrator } = desired;
    const observed = await observe(desired, context);
    if (observed === null) throw new RolloutError('NOT_INSTALLED', `there is no IceWarp in ${directory}`);
    await assertShareMounted(desired.mount, desired.cluster, context.signal);
    const note = stateFile<Begun>(context.agent, 'mail-accounts');
    const begun = (await note.read()) ?? [];
    const absent = accountsOf(desired).filter(
      ({ name }) => observed.accounts[name] === 'absent' || begun.includes(name),
    );
    if (absent.length > 0) await note.write(absent.map(({ name }) => name));
    const tool = new Tool(directory, context.signal);
    if (!observed.domain)
      await tool.create('domain', domain, { [DOMAIN.administrator]: `${administrator.name}@${domain}` });
    for (const account of absent) await make(account, desired, tool, context);
    if (observed.accounts[administrator.name] === 'user' && !begun.includes(administrator.name)) {
      await tool.change(`${administrator.name}@${domain}`, { [ACCOUNT.administrator]: '1' });
    }
    await note.remove();
  },

  async restore(desired, before, context) {
    const { directory, domain, administrator } = desired;
    const { signal } = context;
    const now = await observe(desired, context);
    if (now !== null) await assertShareMounted(desired.mount, desired.cluster, signal);
    await stateFile<Begun>(context.agent, 'mail-accounts').remove();
    if (now === null) return [];
    const tool = new Tool(directory, signal);
    for (const { name } of accountsOf(desired)) {
      const [former, current] = [before?.accounts[name] ?? 'absent', now.accounts[name]];
      if (former === 'absent' && current !== 'absent') await tool.remove('account', `${name}@${domain}`);
      if (former === 'absent' && name !== administrator.name) await removeMailbox(desired, name);
      if (name !== administrator.name) await removeOldMessages(desired, name, signal);
      if (former === 'user' && current === 'administrator' && name === administrator.name) {
        await tool.change(`${name}@${domain}`, { [ACCOUNT.administrator]: '0' });
      }
    }
    if (!now.domain || before?.domain === true) return [];
    const accounts = await tool.names('account', ACCOUNT.administrator);
    const others = accounts.filter((account) => account.toLowerCase().endsWith(`@${domain.toLowerCase()}`));
    if (others.length > 0) return [`domain ${domain} stays: it has other accounts, such as ${others[0] ?? ''}`];
    await tool.remove('domain', domain);
    return [];
  },
};

/** Only probes were ever sent to a probe account; an administrator's mailbox is a person's. */
async function removeMailbox({ folders = [], domain }: MailAccountsDesired, probe: string): Promise<void> {
  for (const folder of folders) {
    await rm(join(folder, domain, probe), { recursive: true, force: true });
    await removeIfEmpty(join(folder, domain));
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error;
  });
}

/** Where the mail lay before it moved there may be a marked old message, or somebody's mail as well. */
async function removeOldMessages(
  { directory, domain }: MailAccountsDesired,
  probe: string,
  signal: AbortSignal,
): Promise<void> {
  const local = await mailInForce(directory, signal);
  if (local === '') return;
  await removePlanted(join(local, domain, probe), signal);
  await removeIfEmpty(join(local, domain));
}

/** Makes one account; one that exists, from an attempt that was cut short, gets its password. */
async function make(
  { name, password }: AccountSpec,
  { domain, administrator }: MailAccountsDesired,
  tool: Tool,
  { agent, signal }: Context,
): Promise<void> {
  const secret = await agent.secrets.resolve(password.secret, signal);
  const values = {
    [ACCOUNT.password]: secret.reveal(),
    ...(name === administrator.name ? { [ACCOUNT.administrator]: '1' } : {}),
  };
  const account = `${name}@${domain}`;
  if (!(await tool.create('account', account, values))) await tool.change(account, values);
}

async function observe(desired: MailAccountsDesired, { signal }: Context): Promise<MailAccountsObserved | null> {
  const { directory, domain } = desired;
  if (!(await isInstalled(directory))) return null;
  const tool = new Tool(directory, signal);
  const hasDomain = (await tool.look('domain', domain, DOMAIN.administrator)) !== null;
  const accounts: Record<string, AccountState> = {};
  for (const { name } of accountsOf(desired)) {
    const flag = hasDomain ? await tool.look('account', `${name}@${domain}`, ACCOUNT.administrator) : null;
    accounts[name] = flag === null ? 'absent' : flag === '1' ? 'administrator' : 'user';
  }
  return { domain: hasDomain, accounts };
}

/** The administrator first; a probe account that is the administrator counts once. */
function accountsOf({ administrator, probes }: MailAccountsDesired): readonly AccountSpec[] {
  return [administrator, ...probes.filter(({ name }) => name !== administrator.name)];
}
