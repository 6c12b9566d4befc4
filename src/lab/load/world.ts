import { setTimeout as sleep } from 'node:timers/promises';

import type { Random } from '../random.js';
import type { Endpoint } from './connection.js';
import type { Journal, Service } from './journal.js';
import type { Served } from './served.js';

/** What all clients of the load share. */
export interface World {
  readonly journal: Journal;
  readonly served: Readonly<Record<Service, Served>>;
  /** The server that the clients are told to use now. */
  readonly server: (service: Service) => Endpoint;
  readonly users: readonly string[];
  readonly password: string;
  /** Set when the load has been told to stop. */
  readonly stop: AbortSignal;
  /** Numbers of changes, over all clients and runs. */
  readonly nextNumber: () => number;
}

/** Waits about so many milliseconds, or until the load is told to stop. */
export async function pause(world: World, random: Random, milliseconds: number): Promise<void> {
  await sleep(milliseconds * (0.5 + random.next()), undefined, { signal: world.stop }).catch(() => undefined);
}
