import { RolloutError } from '../cluster/errors.js';

/** What mysql2 and the socket below it throw. */
interface DriverError {
  readonly code?: string;
  readonly errno?: number;
  readonly sqlState?: string;
}

/** Access denied, host not allowed, password expired, account locked, privilege missing; MySQL 8 and MariaDB. */
const DENIED = new Set([1044, 1045, 1130, 1142, 1143, 1227, 1370, 1410, 1698, 1820, 1862, 3118, 4151]);
/** Too many connections, shutting down, host blocked for a while, dead locks and waits: another try may succeed. */
const PASSING = new Set([1040, 1053, 1129, 1203, 1205, 1213, 1226]);
const UNKNOWN_DATABASE = 1049;
const PASSWORD_POLICY = 1819;

/** An error of the driver in our words; its cause keeps the numbers only. */
export function databaseFailure(error: unknown, login: { host: string; port: number; user: string }): RolloutError {
  const { code, errno, sqlState } = error as DriverError;
  const options = { cause: { code, errno, sqlState } };
  const server = `the database server ${login.host}:${login.port}`;
  if (sqlState === undefined || errno === undefined) return connectionFailure(code, server, options);
  if (DENIED.has(errno)) {
    return new RolloutError('DATABASE_DENIED', `${server} refuses ${login.user} (error ${errno})`, options);
  }
  if (PASSING.has(errno)) {
    return new RolloutError('DATABASE_UNREACHABLE', `${server} is busy or going down (error ${errno})`, options);
  }
  if (errno === UNKNOWN_DATABASE) {
    return new RolloutError('DATABASE_FAILED', `${server} has no such database`, options);
  }
  if (errno === PASSWORD_POLICY) {
    return new RolloutError('DATABASE_FAILED', `${server} asks for stronger passwords than the one given`, options);
  }
  return new RolloutError('DATABASE_FAILED', `${server} could not do what was asked (error ${errno})`, options);
}

function connectionFailure(code: string | undefined, server: string, options: { cause: unknown }): RolloutError {
  if (code === 'EADDRNOTAVAIL') {
    return new RolloutError('DATABASE_FAILED', `this machine has not the address to reach ${server} from`, options);
  }
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR') {
    return new RolloutError('DATABASE_FAILED', `${server} asks for a way to log on that is not supported`, options);
  }
  return new RolloutError('DATABASE_UNREACHABLE', `${server} does not answer`, options);
}
