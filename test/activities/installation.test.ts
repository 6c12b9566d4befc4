import { beforeAll, describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';

import { onOwnMachine } from '../support/own-machine.js';

describe('an installation', () => {
  let results: Record<string, unknown>;

  beforeAll(async () => {
    const script = fileURLToPath(new URL('../support/installation-scenario.js', import.meta.url));
    results = await onOwnMachine(script);
  }, 120_000);

  it('runs only the installer that agent.yaml names by its checksum', () => {
    expect(results['unknown installer']).toBe('INSTALLER_MISSING');
    expect(results['another file']).toBe('INSTALLER_CHANGED');
  });

  it('is noticed to have failed, though its installer exits 0', () => {
    expect(results['failed']).toBe('INSTALL_FAILED');
    expect(results['unfinished']).toMatchObject({ unfinished: true });
  });

  it('succeeds when it is tried again, over what the first attempt left', () => {
    expect(results['again']).toBe('done');
    expect(results['arguments']).toBe('--fast --auto --user mail --install-dir /run/icewarp');
    expect(results['converged']).toEqual([]);
  });

  it('leaves services stopped and off, until the node joins', () => {
    expect(results['running']).toEqual([]);
    expect(results['starts at boot']).toBe(false);
  });

  it('of another build is a difference, never an upgrade', () => {
    expect(results['another build']).toBe('INSTALLATION_DIFFERS');
    expect(results['another build is a change']).toBe(1);
  });

  it('goes away without a trace', () => {
    expect(results['before']).toMatchObject({ version: null, unfinished: false });
    expect(results).toMatchObject({ restored: [], 'as before': true, 'state left': false });
  });

  it('never runs on a node that shares its configuration', () => expect(results['joined']).toBe('NODE_JOINED'));

  it('stays when users’ files are in it', () => {
    expect(results['with mail']).toEqual([expect.stringContaining('1 files of users')]);
    expect(results['mail']).toBe('mail');
  });

  it('that is unfinished is not begun anew over users’ files', () => {
    expect(results['unfinished with mail']).toBe('FOLDER_CONFLICT');
    expect(results['mail of the unfinished']).toBe('mail');
  });

  it('in a folder that was there before stays, and says so', () => {
    expect(results['in a folder of before']).toEqual([expect.stringContaining('the folder was there before')]);
  });
});
