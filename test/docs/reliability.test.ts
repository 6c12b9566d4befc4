import { describe, expect, it } from '@jest/globals';

import { recordedHistories } from '../replay/histories.js';
import { Reader } from '../sweep/history.js';
import { SCENARIOS } from '../sweep/scenario.js';
import { stepsIn } from '../sweep/table.js';
import { readText } from './repository.js';

const document = readText('docs/reliability.md');

/** The steps of a recorded rollout. */
function recordedSteps(name: string): string[] {
  const { history } = recordedHistories().find((one) => one.name === name) ?? {};
  const reader = new Reader('icewarp-rollout.recorded');
  const steps = (history?.events ?? []).map((event) => reader.read(event).happening?.step);
  return [...new Set(steps.filter((step) => step !== undefined))];
}

/** A step, on whatever node: the rows are those of a lab. */
const onAnyNode = (step: string): string => step.replaceAll(/\b[A-Z]\b/g, 'NODE');

describe('the table of what a rollout survives', () => {
  it('has a row for every step of the guide', () => {
    const rows = new Set(stepsIn(document, SCENARIOS['fresh']?.title ?? '').map(onAnyNode));
    const steps = recordedSteps('rollout');
    expect(steps.length).toBeGreaterThan(50);
    expect(steps.filter((step) => !rows.has(onAnyNode(step)))).toEqual([]);
  });
});
