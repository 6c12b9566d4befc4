import { Accounts } from './accounts.js';
import { reasonOf } from './file-errors.js';
import type { LiveServer } from './live-server.js';
import { openAccountsDatabase } from './server-databases.js';
import { log } from './service-log.js';

/** The accounts of the database in force, for a service that runs for a long time. */
export class LiveAccounts {
  private opened: Promise<Accounts> | undefined;

  constructor(
    private readonly live: () => LiveServer,
    private readonly module: string,
  ) {}

  /** Asks the accounts; a database that does not answer is logged, and the error goes on to the caller. */
  async ask<T>(question: (accounts: Accounts) => Promise<T>): Promise<T> {
    const server = this.live().current;
    try {
      this.opened ??= openAccountsDatabase(server).then((database) => new Accounts(database));
      return await question(await this.opened);
    } catch (error) {
      this.opened = undefined;
      log(server, this.module, `the accounts database does not answer: ${reasonOf(error)}`);
      throw error;
    }
  }

  /** Forgets the database: new settings may name another. */
  async reset(): Promise<void> {
    const old = this.opened;
    this.opened = undefined;
    await (await old?.catch(() => undefined))?.close();
  }
}
