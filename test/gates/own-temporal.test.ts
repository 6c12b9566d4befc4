import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { runCommand, type RunResult } from '../../src/platform/run.js';
import { readText } from '../docs/repository.js';

const ROOT = join(import.meta.dirname, '../../..');

/** Runs the part of the bootstrap that looks for a Temporal server, with this address named. */
async function lookFor(address: string, options = '{}'): Promise<RunResult & { readonly took: number }> {
  const script = `
    import { runScript } from '${ROOT}/scripts/say.mjs';
    import { ensureTemporalServer } from '${ROOT}/scripts/temporal-server.mjs';
    await runScript(() => ensureTemporalServer(${options}));`;
  const started = Date.now();
  const env = { TEMPORAL_ADDRESS: address, HOME: process.env['HOME'] ?? '/root' };
  const args = ['--input-type=module', '--eval', script];
  const result = await runCommand(process.execPath, args, { accept: [0, 1], env });
  return { ...result, took: Date.now() - started };
}

/** An address where something listens that is no Temporal server; with `silent` it says nothing at all. */
async function withStranger(use: (address: string) => Promise<void>, silent: boolean): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (!silent) socket.end('220 this is a mail server\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(`127.0.0.1:${port}`);
  } finally {
    server.close();
  }
}

describe('a Temporal server that TEMPORAL_ADDRESS names', () => {
  it.each([false, true])('is refused at once when what is there is none (silent: %s)', async (silent) => {
    await withStranger(async (address) => {
      const { exitCode, stderr, took } = await lookFor(address);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 1,
        stderr: expect.stringContaining(`${address} does not answer`),
      });
      expect(stderr).toMatch(/unset TEMPORAL_ADDRESS/);
      expect(took).toBeLessThan(30_000);
    }, silent);
  });

  it('is not needed by the tests, which need a server that they can start and kill', async () => {
    const { exitCode, stdout } = await lookFor('127.0.0.1:1', '{ own: true }');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/Temporal server: \/.*temporal/),
    });
  });

  it('is forgotten before any test runs', async () => {
    const { default: forgetTemporal } = await import('../support/own-temporal.js');
    process.env['TEMPORAL_ADDRESS'] = '192.0.2.1:7233';
    process.env['TEMPORAL_NAMESPACE'] = 'production';
    forgetTemporal();
    expect(Object.keys(process.env).filter((name) => name.startsWith('TEMPORAL_'))).toEqual([]);
    expect(readText('jest.config.js')).toContain("globalSetup: '<rootDir>/dist/test/support/own-temporal.js'");
  });

  it('that serves is used', async () => {
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const { findTemporal } = await import('../../src/lab/temporal-server.js');
    const environment = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path: await findTemporal() } },
    });
    try {
      const { exitCode, stdout } = await lookFor(environment.address);
      expect({ exitCode, stdout }).toEqual({
        exitCode: 0,
        stdout: `✓ Temporal server: the one at ${environment.address} (TEMPORAL_ADDRESS)`,
      });
    } finally {
      await environment.teardown();
    }
  });
});
