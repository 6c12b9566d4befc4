/**
 * Runs once before all tests: they start Temporal servers of their own, whatever the session of whoever runs them says.
 * A server that is in use must see neither their rollouts nor their killed workers.
 */
export default function forgetTemporal(): void {
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('TEMPORAL_')) Reflect.deleteProperty(process.env, name);
  }
}
