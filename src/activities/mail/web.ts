import { unreachable, wrongAnswer } from './failure.js';
import { PATIENCE, type MailServer } from './server.js';

/**
 * Proves that a node's web client answers: GET /webmail/ is 200, as IceWarp's own monitoring expects it.
 *
 * @throws RolloutError PROBE_UNREACHABLE when nobody answers; PROBE_FAILED for any other answer.
 */
export async function webClientAnswers(server: MailServer, signal: AbortSignal): Promise<void> {
  const url = new URL(`http://${server.address.includes(':') ? `[${server.address}]` : server.address}/webmail/`);
  url.port = String(server.port);
  let status: number;
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) });
    await answer.body?.cancel();
    status = answer.status;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable('web client', server, error);
  }
  if (status !== 200) throw wrongAnswer('web client', '200', `${status} came`);
}
