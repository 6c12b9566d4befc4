import { RolloutError } from '../cluster/errors.js';
import { Tool } from '../icewarp/tool.js';
import { ACCOUNT } from '../icewarp/variables.js';
import { sizeOfTree, treeRoot } from '../platform/tree.js';
import { onDatabase, tableNames, type ConnectionSpec } from './node-database.js';
import { isQueue, mailInForce } from './queues.js';
import type { Context } from './resource.js';

/**
 * Stands before everything that puts another accounts database in force: whoever is only in the one in force would be
 * unknown from then on, and mail to them refused.
 *
 * @param own Full addresses of accounts that the rollout itself makes: those of an earlier attempt do not count.
 * @throws RolloutError ACCOUNTS_PRESENT.
 */
export async function refuseAccounts(directory: string, own: readonly string[], signal: AbortSignal): Promise<void> {
  const others = await accountsBut(own, directory, signal);
  if (others.length === 0) return;
  throw new RolloutError(
    'ACCOUNTS_PRESENT',
    `IceWarp in ${directory} has ${others.length} accounts of its own, such as ${others[0] ?? ''}`,
  );
}

/**
 * Stands before the way back to the former accounts database. It holds none of those who have come since: they would be
 * unknown, and their mail refused.
 *
 * @param own As for {@link refuseAccounts}: what the rollout made goes without asking.
 * @param connection The accounts database of the cluster, which is in force.
 * @throws RolloutError ACCOUNTS_STRANDED.
 */
export async function refuseToStrand(
  directory: string,
  own: readonly string[],
  connection: ConnectionSpec,
  context: Context,
): Promise<void> {
  const others = await accountsBut(own, directory, context.signal).catch(async (error: unknown) => {
    // Once its tables are gone, IceWarp can name nobody, and there is nobody.
    const failed = error instanceof RolloutError && error.code === 'TOOL_FAILED';
    if (failed && (await onDatabase(connection, context, tableNames)).length === 0) return [];
    throw error;
  });
  if (others.length === 0) return;
  throw new RolloutError(
    'ACCOUNTS_STRANDED',
    `${connection.database} holds ${others.length} accounts, such as ${others[0] ?? ''}, that the former accounts database does not have: mail to them would be refused`,
  );
}

async function accountsBut(own: readonly string[], directory: string, signal: AbortSignal): Promise<readonly string[]> {
  const ours = new Set(own.map((address) => address.toLowerCase()));
  const names = await new Tool(directory, signal).names('account', ACCOUNT.administrator);
  return names.filter((name) => !ours.has(name.toLowerCase()));
}

/**
 * Stands before a node's switch to the others' mail folder: nobody would see what is in its own any longer.
 *
 * @throws RolloutError ACCOUNTS_PRESENT.
 */
export async function refuseMail(directory: string, signal: AbortSignal): Promise<void> {
  const mail = await mailInForce(directory, signal);
  if (mail === '') return;
  const { files } = await sizeOfTree(treeRoot(mail), { signal, exclude: isQueue });
  if (files > 0) throw new RolloutError('ACCOUNTS_PRESENT', `${mail} holds ${files} files of mail`);
}
