import { RolloutError } from '../cluster/errors.js';
import { agentOn } from './agents.js';
import { Daemon } from './daemon.js';
import { type DatabaseAccess, databasePlan, runSql } from './database-server.js';
import { DIST } from './host.js';
import {
  type Addresses,
  addressesIn,
  type AgentName,
  AGENTS,
  type LabPaths,
  labPaths,
  type MachineName,
  type Ports,
  type SecretName,
} from './layout.js';
import { Machine } from './machine.js';
import { type OutsideAccess, outsidePlan } from './outside-server.js';
import { readSecret } from './secrets.js';
import { sharePlan } from './share-server.js';
import { type LabState, type ProcessBook, processBook, readState, updateState } from './state.js';
import { temporalPlan } from './temporal-server.js';

/** The Temporal server of a lab, as tests and the demo treat it. */
export interface LabTemporal {
  /** `address:port` for clients and workers. */
  readonly address: string;
  /** The Web UI; undefined when TEMPORAL_ADDRESS named the server, whose UI nobody told us. */
  readonly uiUrl: string | undefined;
  readonly start: () => Promise<void>;
  /** A crash; its database stays. */
  readonly kill: () => Promise<void>;
}

/** A lab that is up: its machines and servers, to be used, cut off and brought back. All of it outlives this process. */
export class Lab {
  readonly addresses: Addresses;
  readonly ports: Ports;
  readonly paths: LabPaths;
  /** MariaDB. */
  readonly database: Daemon;
  /** Samba. */
  readonly share: Daemon;
  /** The mail server of another provider, with one mailbox. */
  readonly outside: Daemon;
  readonly temporal: LabTemporal;
  /** The compiled product that runs on the machines. */
  readonly dist: string = DIST;
  private readonly book: ProcessBook;

  constructor(readonly directory: string) {
    this.paths = labPaths(directory);
    this.book = processBook(this.paths.state);
    const { subnet, ports, temporal } = this.state;
    this.addresses = addressesIn(subnet);
    this.ports = ports;
    this.database = new Daemon(databasePlan(this.machine('database'), this.databaseAccess), this.book);
    this.share = new Daemon(sharePlan(this.machine('share'), ports.share), this.book);
    this.outside = new Daemon(outsidePlan(this.machine('control'), this.outsideAccess), this.book);
    this.temporal = this.temporalServer(temporal);
  }

  /** The password of that name. */
  secret(name: SecretName): string {
    return readSecret(this.paths.secrets, name);
  }

  machine(name: MachineName): Machine {
    return new Machine(name, this.addresses[name], this.directory, this.book);
  }

  /** Brings a machine's power back and starts what it runs: its server, what its run level names, its agent. */
  async powerOn(name: MachineName): Promise<void> {
    const machine = this.machine(name);
    if (machine.isOn) return;
    await machine.powerOn();
    if (name === 'database') await this.database.start();
    if (name === 'share') await this.share.start();
    if (name === 'control') await this.outside.start();
    await machine.boot();
    const agent = this.state.agents.find((candidate) => candidate === name);
    if (agent !== undefined) await this.startAgent(agent);
  }

  /** Starts the product's worker on a machine; from now on it comes back with the machine's power. */
  async startAgent(name: AgentName): Promise<void> {
    await this.agent(name).start();
    updateState(this.paths.state, (state) => ({ ...state, agents: [...new Set([...state.agents, name])] }));
  }

  /** Sends a signal to the worker process alone, not to what it started. */
  async killAgent(name: AgentName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.agent(name).kill(signal);
  }

  /** The product's worker on a machine; `env` is added to its environment when it is started. */
  agent(name: AgentName, env: Readonly<Record<string, string>> = {}): Daemon {
    return agentOn(this.machine(name), name, this.temporal.address, this.book, env);
  }

  async startAgents(): Promise<void> {
    await Promise.all(AGENTS.map(async (name) => this.startAgent(name)));
  }

  /** Runs one statement on the database server as its administrator, from the control machine's address. */
  async sql(statement: string): Promise<readonly unknown[]> {
    return runSql(this.databaseAccess, statement);
  }

  get databaseAccess(): DatabaseAccess {
    return {
      address: this.addresses.database,
      port: this.ports.database,
      controlAddress: this.addresses.control,
      password: this.secret('database-administrator'),
    };
  }

  private get outsideAccess(): OutsideAccess {
    return {
      address: this.addresses.outside,
      ports: this.ports.outside,
      password: () => this.secret('outside-mailbox'),
    };
  }

  private get state(): LabState {
    const state = readState(this.paths.state);
    if (state === undefined) throw new RolloutError('LAB_STATE', `there is no lab in ${this.directory}`);
    return state;
  }

  private temporalServer({ address, own }: LabState['temporal']): LabTemporal {
    const place = { port: this.ports.temporal, uiHost: this.addresses.temporal, uiPort: this.ports.temporalUi };
    const daemon = new Daemon(temporalPlan(place, this.paths), this.book);
    const onlyOwn = (): void => {
      if (!own) throw new RolloutError('LAB_STATE', 'this lab uses the server that TEMPORAL_ADDRESS named');
    };
    return {
      address,
      uiUrl: own ? `http://${place.uiHost}:${place.uiPort}` : undefined,
      start: async () => {
        onlyOwn();
        await daemon.start();
      },
      kill: async () => {
        onlyOwn();
        await daemon.kill();
      },
    };
  }
}
