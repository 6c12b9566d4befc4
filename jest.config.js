/**
 * The tests are compiled by `npm run build` and run as they are: no transform, so tests, worker threads and child
 * processes execute exactly what ships.
 *
 * @type {import('jest').Config}
 */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/dist/test'],
  globalSetup: '<rootDir>/dist/test/support/own-temporal.js',
  transform: {},
  testTimeout: 120_000,
  maxWorkers: 2,
};
