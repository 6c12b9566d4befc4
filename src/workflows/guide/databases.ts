import type { DatabaseRole } from '../../cluster/schema.js';
import type { Cluster } from '../guide.js';
import type { Runner } from '../runner.js';

/** What each database is for, in the guide's order (G4). */
const FUNCTIONS: Readonly<Record<DatabaseRole, string>> = {
  accounts: 'accounts',
  groupware: 'GroupWare',
  antispam: 'antispam',
  directoryCache: 'directory cache',
  activeSync: 'ActiveSync cache',
  spamReports: 'spam reports',
};

/** G4: one database for each function. G5: an account that may do everything on them, from each node and only there. */
export async function prepareDatabases(run: Runner, { file, on }: Cluster): Promise<void> {
  const { host, port, administrator, names, user, password } = file.database;
  for (const [role, name] of Object.entries(names) as [DatabaseRole, string][]) {
    // Folder names differ by case alone, so the directory cache compares bytes (procedure, rule 13).
    const collation = role === 'directoryCache' ? 'utf8mb4_bin' : 'utf8mb4_unicode_ci';
    await run.step(
      'database',
      on.control,
      { host, port, administrator, name, collation },
      { title: `database ${name} for ${FUNCTIONS[role]}`, guide: 'G4', label: name },
    );
  }
  for (const node of file.nodes) {
    await run.step(
      'databaseUser',
      on.control,
      { host, port, administrator, user, from: node.address, password, databases: Object.values(names) },
      { title: `user ${user} from node ${node.id}`, guide: 'G5 B1', label: node.id },
    );
  }
}
