import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ensureStarted, ensureStopped, MODULES, runningModules } from '../../src/icewarp/control.js';
import { parseRegistration } from '../../src/icewarp/installation.js';
import { processesOf } from '../../src/icewarp/processes.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('the services of an installation', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;

  beforeEach(async () => {
    context = await testContext();
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'), { C_DefaultConfig: '0' });
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  it('are started and waited for, and stopped until no process is left', async () => {
    await ensureStarted(icewarp.directory, context.signal);
    expect(await runningModules(icewarp.directory)).toEqual(MODULES);
    await ensureStopped(icewarp.directory, context.signal);
    expect(await runningModules(icewarp.directory)).toEqual([]);
    expect(await processesOf(icewarp.directory)).toEqual([]);
  });

  it('do not count as running by a pid file whose number another process has', async () => {
    await writeFile(join(icewarp.directory, 'var/smtp.pid'), `${process.pid}\n`);
    expect(await runningModules(icewarp.directory)).toEqual([]);
  });

  it('do not start on a shared configuration that is empty', async () => {
    const config = join(context.folder, 'share/config');
    await mkdir(config, { recursive: true });
    await writeFile(join(config, 'settings.cfg'), '');
    await writeFile(join(icewarp.directory, 'path.dat'), `${config}/\n`);
    await expect(ensureStarted(icewarp.directory, context.signal)).rejects.toMatchObject({ code: 'CONFIG_EMPTY' });
    expect(await runningModules(icewarp.directory)).toEqual([]);
  });

  it('are stopped again when IceWarp took its default configuration', async () => {
    const config = join(context.folder, 'share/config');
    await mkdir(config, { recursive: true });
    await writeFile(join(config, 'settings.cfg'), 'x');
    await writeFile(join(icewarp.directory, 'path.dat'), `${config}/\n`);
    await icewarp.put('C_DefaultConfig', '1');
    await expect(ensureStarted(icewarp.directory, context.signal)).rejects.toMatchObject({ code: 'CONFIG_DEFAULTED' });
    expect(await runningModules(icewarp.directory)).toEqual([]);
  });
});

describe('the registration', () => {
  it('is read with and without quotes', () => {
    const text = 'IWS_INSTALL_DIR="/opt/icewarp/"\r\nIWS_PROCESS_USER=icewarp\nIWS_VERSION="14.1.0"\n# x\n';
    expect(parseRegistration(text)).toEqual({ directory: '/opt/icewarp', user: 'icewarp', version: '14.1.0' });
  });
});
