import { connect } from './server-databases.js';
import { loadServer } from './server.js';
import { isRunning } from './modules.js';
import { createTables, NEEDS_GROUPWARE, TABLE_NUMBERS } from './tables.js';
import { answer, EXIT, type ToolAnswer } from './tool-answer.js';

/** `tool create tables <N> "<connection string>"`. */
export async function createTablesCommand([number = '', connection = '']: readonly string[]): Promise<ToolAnswer> {
  if (!TABLE_NUMBERS.includes(number) || connection === '') {
    return answer(EXIT.usage, `usage: tool create tables ${TABLE_NUMBERS.join('|')} "<connection string>"`);
  }
  const server = loadServer();
  if (NEEDS_GROUPWARE.has(number) && !isRunning(server.installation, 'cal')) {
    return answer(EXIT.failed, 'GroupWare is not running.');
  }
  const database = await connect(server, connection);
  try {
    await createTables(database, number);
  } finally {
    await database.close();
  }
  return answer(EXIT.ok, 'Tables created.');
}
