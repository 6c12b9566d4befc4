export { Random } from '../../../src/lab/random.js';

/**
 * The seed of a test that is random: from the environment variable SEED, otherwise a new one. Prints it, so that the
 * same run can be had again.
 */
export function newSeed(): number {
  const given = process.env['SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  process.stderr.write(`SEED=${seed}\n`);
  return seed;
}
