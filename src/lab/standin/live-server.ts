import { readFileSync } from 'node:fs';

import { reasonOf } from './file-errors.js';
import { log } from './service-log.js';
import { loadServer, type Server } from './server.js';
import { Settings, settingsFile } from './settings.js';
import { NAME } from './variables.js';

/** Milliseconds between two looks at the settings file, with the automatic check on. */
const CHECK_PERIOD = 2000;

/**
 * A service's view of its server: the settings it read at its start, and new ones only when the automatic check was
 * on when it read them. `path.dat` is read at the start alone.
 */
export class LiveServer {
  private constructor(
    private server: Server,
    private seen: string,
  ) {}

  /** @param changed - called after new settings came into effect */
  static start(module: string, changed: (server: Server) => Promise<void>): LiveServer {
    const server = loadServer();
    const live = new LiveServer(server, readSettings(server));
    setInterval(() => {
      live.check(changed).catch((error: unknown) => {
        log(live.current, module, `the automatic check failed: ${reasonOf(error)}`);
      });
    }, CHECK_PERIOD).unref();
    return live;
  }

  get current(): Server {
    return this.server;
  }

  private async check(changed: (server: Server) => Promise<void>): Promise<void> {
    if (!this.server.settings.isOn(NAME.autoCheck)) return;
    const text = readSettings(this.server);
    if (text === this.seen) return;
    this.seen = text;
    this.server = { ...this.server, settings: Settings.load(this.server.installation) };
    await changed(this.server);
  }
}

const readSettings = ({ installation }: Server): string => readFileSync(settingsFile(installation), 'utf8');
