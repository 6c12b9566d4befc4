import type { Database } from '../platform/mysql.js';

/** The table whose comment proves that a database is a rehearsal's, and whose: whatever is in it may go. In lower case. */
export const SCRATCH_MARK = 'icewarp_rollout_rehearsal';

/** Marks the empty database of the connection as a rehearsal's, in one statement. */
export async function markScratch(database: Database, cluster: string): Promise<void> {
  await database.run(`CREATE TABLE ${SCRATCH_MARK} (id INT PRIMARY KEY) COMMENT = ?`, [cluster]);
}

/** Whether a database bears a cluster's mark. */
export async function bearsMark(database: Database, name: string, cluster: string): Promise<boolean> {
  const rows = await database.rows<{ cluster: string }>(
    `SELECT TABLE_COMMENT AS cluster FROM information_schema.TABLES
       WHERE TABLE_SCHEMA = ? AND LOWER(TABLE_NAME) = ?`,
    [name, SCRATCH_MARK],
  );
  return rows.some((row) => row.cluster === cluster);
}
