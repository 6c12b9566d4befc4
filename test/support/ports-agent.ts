/** Run by ports-scenario.ts: an agent that closes or opens a node, and is killed meanwhile. */
import { ports, type PortsDesired } from '../../src/activities/ports.js';
import { testContext } from './context.js';
import { farUsers } from './ports-user.js';

await ports.apply(JSON.parse(process.argv[2] ?? '') as PortsDesired, await testContext({}, { users: farUsers }));
