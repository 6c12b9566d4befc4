import { access, readdir } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import type { Platform } from './platform.js';
import { runCommand } from './run.js';

/** Services of systemd where it is the running init system, of SysV init scripts elsewhere (containers, the lab). */
export const linuxServices: Platform['services'] = {
  run: async (service, verb, signal) => (await initSystem()).run(service, verb, signal),
  running: async (service, signal) => (await initSystem()).running(service, signal),
  startsAtBoot: async (service, signal) => (await initSystem()).startsAtBoot(service, signal),
  setStartAtBoot: async (service, enabled, signal) => {
    const init = await initSystem();
    if ((await init.startsAtBoot(service, signal)) === null) {
      throw new RolloutError('SERVICE_MISSING', `there is no service ${service} on this machine`);
    }
    await init.setStartAtBoot(service, enabled, signal);
  },
};

async function initSystem(): Promise<Platform['services']> {
  return (await runsSystemd()) ? systemd : sysv;
}

/** Whether systemd is the running init system: the sign that sd_booted(3) names. */
export async function runsSystemd(): Promise<boolean> {
  return exists('/run/systemd/system');
}

const systemd: Platform['services'] = {
  run: async (service, verb, signal) => {
    await runCommand('systemctl', [verb, service], { signal });
  },
  running: (service, signal) => answer('systemctl', ['is-active', '--quiet', service], signal),
  startsAtBoot: async (service, signal) => {
    if (!(await answer('systemctl', ['cat', service], signal))) return null;
    return answer('systemctl', ['is-enabled', '--quiet', service], signal);
  },
  setStartAtBoot: async (service, enabled, signal) => {
    await runCommand('systemctl', [enabled ? 'enable' : 'disable', service], { signal });
  },
};

const sysv: Platform['services'] = {
  run: async (service, verb, signal) => {
    await runCommand(script(service), [verb], { signal, silent: true });
  },
  running: (service, signal) => answer(script(service), ['status'], signal),
  startsAtBoot: async (service) => {
    if (!(await exists(script(service)))) return null;
    return (await bootLinks(service)).some((link) => link.startsWith('S'));
  },
  setStartAtBoot: async (service, enabled, signal) => {
    const links = await bootLinks(service);
    // update-rc.d turns existing links on or off and refuses when there are none.
    if (enabled && links.length === 0) await runCommand('update-rc.d', [service, 'defaults'], { signal });
    if (enabled || links.length > 0) {
      await runCommand('update-rc.d', [service, enabled ? 'enable' : 'disable'], { signal });
    }
  },
};

const script = (service: string): string => `/etc/init.d/${service}`;

/** The links of a service in the run levels in which a machine serves. */
async function bootLinks(service: string): Promise<string[]> {
  const levels = await Promise.all([2, 3, 4, 5].map((level) => readdir(`/etc/rc${level}.d`).catch(() => [])));
  return levels.flat().filter((link) => /^[SK]\d\d/.test(link) && link.slice(3) === service);
}

/** A command whose exit code is a yes or no. */
async function answer(file: string, args: readonly string[], signal: AbortSignal): Promise<boolean> {
  const no = Array.from({ length: 255 }, (_, code) => code + 1);
  const { exitCode } = await runCommand(file, args, { signal, timeout: 60_000, accept: [0, ...no] });
  return exitCode === 0;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
