import { RolloutError } from '../cluster/errors.js';
import { runPass, type Steering } from './engine.js';
import { whenParentGone } from './parent.js';
import { reverseTree } from './reverse.js';
import type { EngineMessage, EngineOrder, EngineTask, PassResult, VerifyResult } from './types.js';
import { verifyTree } from './verify.js';
import { withdrawTree } from './withdraw.js';

// modes come from the source, not from whoever starts the program (R16)
process.umask(0);

const stopping = new AbortController();
const tell = (message: EngineMessage): void => {
  if (process.connected) process.send?.(message);
};
let begun = false;
const stop = (): void => {
  stopping.abort();
  // a stop may come before there is anything to stop
  if (!begun) process.exit(0);
};
whenParentGone(stop);

let pauseOrResume: (pause: boolean) => void = () => undefined;

const steering: Steering = {
  signal: stopping.signal,
  onProgress: (progress) => {
    tell({ is: 'progress', progress });
  },
  onGate: (gate) => {
    pauseOrResume = (pause) => {
      if (pause) gate.pause();
      else gate.resume();
    };
  },
};

process.on('message', (message: EngineTask | EngineOrder) => {
  if ('task' in message) {
    begun = true;
    void run(message);
    return;
  }
  switch (message.order) {
    case 'stop':
      stop();
      return;
    case 'pause':
    case 'resume':
      pauseOrResume(message.order === 'pause');
  }
});

async function run(task: EngineTask): Promise<void> {
  try {
    tell({ is: 'done', result: await carryOut(task) });
  } catch (error) {
    if (!stopping.signal.aborted || error instanceof RolloutError) tell(failureOf(error));
  } finally {
    // a thread of the pool that waits for a dead share must not keep the process
    if (process.connected) process.disconnect();
    process.exit(0);
  }
}

function carryOut(task: EngineTask): Promise<PassResult | VerifyResult> {
  switch (task.task) {
    case 'copy':
      return runPass(task.options, steering);
    case 'reverse':
      return reverseTree(task.options, steering);
    case 'verify':
      return verifyTree(task.options, steering);
    case 'withdraw':
      return withdrawTree(task.options, steering);
  }
}

function failureOf(error: unknown): EngineMessage {
  if (error instanceof RolloutError) return { is: 'failed', code: error.code, message: error.message };
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return { is: 'failed', code: 'UNEXPECTED', message: 'the copy engine met an error that it does not know' };
}
