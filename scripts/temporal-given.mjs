// The Temporal server that TEMPORAL_ADDRESS, or a profile of the SDK, names.
const PATIENCE_MILLISECONDS = 5_000;

/**
 * Asks the server who it is, as every command of the product will.
 *
 * @returns why it does not answer in one line; empty when it does
 */
export async function whyNotAnswering() {
  // Only now: before `npm ci` there is neither.
  const { Connection } = await import('@temporalio/client');
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  try {
    const { connectionOptions } = loadClientConnectConfig();
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: PATIENCE_MILLISECONDS });
    await connection.close();
    return '';
  } catch (error) {
    return String(error.cause?.details || error.cause?.message || error.message).split('\n')[0];
  }
}
