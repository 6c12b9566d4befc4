import type { DatabasePreflight, DatabaseThere } from '../../activities/database-preflight.js';
import type { ClusterFile, NodeSpec } from '../../cluster/schema.js';
import { finding, type Finding } from './finding.js';

/** Where findings about the database server are found. */
export const PLACE = 'control/database';

const MEGA = 1_048_576;
/** Connections of one node: fewer are not enough for its services, and so many are what a large server is given. */
const CONNECTIONS = { few: 20, usual: 200 };
/** Bytes: below the least default of a server that is still in use, and what is enough for large items. */
const PACKET = { small: 16 * MEGA, usual: 64 * MEGA };
/** The first versions that know CREATE USER IF NOT EXISTS and are still seen. */
const OLDEST = { mysql: [5, 7], mariadb: [10, 2] } as const;

/**
 * What stands in the way on the database server; null facts are none. Pure.
 *
 * @param joined a node runs in the cluster already: what the databases hold is the cluster's own.
 */
export function judgeDatabase(file: ClusterFile, facts: DatabasePreflight | null, joined = false): readonly Finding[] {
  if (facts === null) return [];
  const contents = joined ? [] : judgeDatabases(file, facts);
  return [...judgeServer(file, facts), ...judgeAccounts(file, facts), ...contents];
}

function judgeServer({ nodes }: ClusterFile, facts: DatabasePreflight): readonly Finding[] {
  const { version, maxConnections, maxAllowedPacket, lowerCaseTableNames, engine } = facts;
  const findings: Finding[] = [];
  if (isOld(version)) findings.push(finding('serverOld', PLACE, `the server is version ${version}`));
  const connections = `max_connections is ${maxConnections} for ${nodes.length} nodes`;
  if (maxConnections < CONNECTIONS.few * nodes.length) findings.push(finding('connectionsFew', PLACE, connections));
  else if (maxConnections < CONNECTIONS.usual * nodes.length) {
    findings.push(finding('connectionsUsual', PLACE, connections));
  }
  const packet = `max_allowed_packet is ${Math.floor(maxAllowedPacket / MEGA)} MB`;
  if (maxAllowedPacket < PACKET.small) findings.push(finding('packetSmall', PLACE, packet));
  else if (maxAllowedPacket < PACKET.usual) findings.push(finding('packetUsual', PLACE, packet));
  if (lowerCaseTableNames !== 1) {
    findings.push(finding('namesOfTables', PLACE, `lower_case_table_names is ${lowerCaseTableNames}`));
  }
  if (engine.toLowerCase() !== 'innodb') findings.push(finding('engineOther', PLACE, `new tables are ${engine}`));
  return findings;
}

function isOld(version: string): boolean {
  const [, major = NaN, minor = NaN] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const [least, next] = OLDEST[/mariadb/i.test(version) ? 'mariadb' : 'mysql'];
  return major < least || (major === least && minor < next);
}

function judgeAccounts({ nodes, database: { user } }: ClusterFile, facts: DatabasePreflight): readonly Finding[] {
  const own = new Set(nodes.map(({ address }) => address));
  const reaching = facts.accounts.filter(({ from }) => !own.has(from) && nodes.some((node) => matches(from, node)));
  const named = (name: string): string =>
    reaching
      .filter((account) => account.user === name)
      .map(({ from }) => `'${name}'@'${from}'`)
      .join(', ');
  const [wildcards, nobody] = [named(user), named('')];
  const powers = (facts.powers ?? []).join(', ');
  return [
    ...(wildcards === '' ? [] : [finding('wildcardUser', PLACE, `${wildcards} also lets nodes in`)]),
    ...(nobody === '' ? [] : [finding('anonymousUser', PLACE, `${nobody} needs no name`)]),
    ...(powers === '' ? [] : [finding('administratorMore', PLACE, `the administrator has ${powers} on everything`)]),
  ];
}

/** Whether a node comes from where an account may: a pattern, a network with its mask, or a name. */
function matches(from: string, { address, host }: NodeSpec): boolean {
  const [network = '', mask] = from.split('/');
  if (mask !== undefined) return isIn(address, network, mask);
  const pattern = from.replace(/[^A-Za-z0-9]/g, (sign) => ({ '%': '.*', _: '.' })[sign] ?? `\\${sign}`);
  const whole = new RegExp(`^${pattern}$`, 'i');
  return whole.test(address) || whole.test(host);
}

function isIn(address: string, network: string, mask: string): boolean {
  const [one, other, bits] = [address, network, mask].map((text) => text.split('.').map(Number));
  if (one?.length !== 4 || other?.length !== 4 || bits?.length !== 4) return false;
  return bits.every((byte, index) => ((one[index] ?? 0) & byte) === ((other[index] ?? 0) & byte));
}

function judgeDatabases({ database: { names } }: ClusterFile, { databases }: DatabasePreflight): readonly Finding[] {
  const there = databases.filter(({ tables }) => tables > 0);
  return there.flatMap((database) => {
    const { name, tables, collation } = database;
    const findings: Finding[] = [];
    // spam reports get their tables from IceWarp itself, in its own time: nothing is known about them
    if (!database.icewarp && name !== names.spamReports) {
      findings.push(finding('databaseForeign', PLACE, `${name} holds ${tables} tables that are not IceWarp’s`, name));
    } else findings.push(inUse(database));
    if (!collation.startsWith('utf8mb4')) {
      findings.push(finding('databaseCollation', PLACE, `${name} holds ${tables} tables and is ${collation}`, name));
    }
    return findings;
  });
}

function inUse({ name, tables }: DatabaseThere): Finding {
  return finding('databaseInUse', PLACE, `${name} holds ${tables} tables of IceWarp’s`, name);
}
