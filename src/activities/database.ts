import { RolloutError } from '../cluster/errors.js';
import { identifier } from '../platform/mysql.js';
import type { Database } from '../platform/mysql.js';
import { asAdministrator } from './database-server.js';
import type { DatabaseServer } from './database-server.js';
import type { Procedure, Resource } from './resource.js';
import { bearsMark } from './scratch.js';

export interface DatabaseDesired extends DatabaseServer {
  readonly name: string;
  /** Default for new tables; without it utf8mb4_unicode_ci for a new database, any of utf8mb4 for an existing one. */
  readonly collation?: string;
  /** The cluster whose rehearsals use it: what is in it then goes with it, once it bears that cluster's mark. */
  readonly scratchOf?: string;
}

/** A database as the server describes it. */
interface Facts {
  readonly characterSet: string;
  readonly collation: string;
  /** Tables, views, routines and events. */
  readonly contents: number;
}

export interface DatabaseObserved {
  readonly database: Facts | null;
}

const CHARACTER_SET = 'utf8mb4';
const COLLATION = 'utf8mb4_unicode_ci';

/** A database of its own for each function, in utf8mb4; tables come later (G4). */
export const database: Resource<DatabaseDesired, DatabaseObserved, 'control'> = {
  place: 'control',

  observe: (desired, context) =>
    asAdministrator(desired, context, async (server) => ({ database: await look(server, desired.name) })),

  diff: (desired, observed) => {
    const found = observed?.database ?? null;
    const what = `database ${desired.name}`;
    const after = `${CHARACTER_SET}, ${desired.collation ?? COLLATION}`;
    if (found === null) return [{ what, before: 'absent', after }];
    return suits(found, desired) ? [] : [{ what, before: printed(found), after }];
  },

  apply: (desired, context) =>
    asAdministrator(desired, context, async (server) => {
      const found = await look(server, desired.name);
      const { name, collation = COLLATION } = desired;
      if (found === null) await server.run(`CREATE DATABASE IF NOT EXISTS ${defaults(name, CHARACTER_SET, collation)}`);
      else if (!suits(found, desired)) await server.run(`ALTER DATABASE ${defaults(name, CHARACTER_SET, collation)}`);
    }),

  restore: (desired, before, context) =>
    asAdministrator(desired, context, async (server) => {
      const { name } = desired;
      const former = before?.database ?? null;
      const now = await look(server, name);
      if (former === null) {
        if (now === null) return [];
        if (now.contents > 0 && !(await isScratch(server, desired)))
          return [`the database ${name} stays: it holds ${now.contents} tables or views`];
        await server.run(`DROP DATABASE ${identifier(name)}`);
        return [];
      }
      if (now === null) throw changed(`the database ${name} is gone: it was there before`);
      if (printed(now) === printed(former)) return [];
      if (!suits(now, desired)) throw changed(`the database ${name} is ${printed(now)}; it was ${printed(former)}`);
      await server.run(`ALTER DATABASE ${defaults(name, former.characterSet, former.collation)}`);
      return [];
    }),
};

/** Drops the databases of rehearsals on the server, with all that is in them; those without our mark stay, and are told. */
export const dropScratch: Procedure<
  DatabaseServer & { readonly names: readonly string[]; readonly scratchOf: string },
  { readonly kept: readonly string[] },
  'control'
> = {
  place: 'control',
  run: ({ names, ...input }, context) =>
    asAdministrator(input, context, async (server) => {
      const kept: string[] = [];
      for (const name of names) {
        const found = await look(server, name);
        if (found === null) continue;
        if (found.contents > 0 && !(await isScratch(server, { ...input, name }))) kept.push(name);
        else await server.run(`DROP DATABASE ${identifier(name)}`);
      }
      return { kept };
    }),
};

async function isScratch(server: Database, { name, scratchOf }: DatabaseDesired): Promise<boolean> {
  return scratchOf !== undefined && (await bearsMark(server, name, scratchOf));
}

async function look(server: Database, name: string): Promise<Facts | null> {
  // Compared byte by byte here: the server's own comparison of names ignores case even where the names do not.
  const rows = await server.rows<{ name: string; characterSet: string; collation: string; folded: number }>(
    `SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS characterSet, DEFAULT_COLLATION_NAME AS collation,
       @@lower_case_table_names AS folded FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?`,
    [name],
  );
  const found = rows.find((row) => row.name === name || row.folded !== 0);
  if (found === undefined) return null;
  const [count] = await server.rows<{ contents: number }>(
    `SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?)
       + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?)
       + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?) AS contents`,
    [found.name, found.name, found.name],
  );
  return { characterSet: found.characterSet, collation: found.collation, contents: Number(count?.contents) };
}

const suits = (found: Facts, { collation }: DatabaseDesired): boolean =>
  found.characterSet === CHARACTER_SET && (collation === undefined || found.collation === collation);

const printed = ({ characterSet, collation }: Facts): string => `${characterSet}, ${collation}`;

const defaults = (name: string, characterSet: string, collation: string): string =>
  `${identifier(name)} CHARACTER SET ${identifier(characterSet)} COLLATE ${identifier(collation)}`;

const changed = (difference: string): RolloutError => new RolloutError('CHANGED_MEANWHILE', difference);
