import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';

import { z } from 'zod';

import { RolloutError } from '../cluster/errors.js';
import { clusterSchema, type ClusterFile } from '../cluster/schema.js';
import { PRODUCT_VERSION } from '../cluster/version.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { comparePlans, type Difference } from '../workflows/plan-difference.js';
import { canonicalJson, canonicalPlan, PLAN_FORMAT, type PlanBody } from '../workflows/plan-identity.js';
import type { Plan } from '../workflows/planner.js';
import { SEVERITIES } from '../workflows/preflight/finding.js';
import { NotTaken, readAtMost } from './bounded-file.js';
import { driftText } from './plan-text.js';
import { say } from './say.js';

/** Longer files are not saved plans: one of fifty nodes has some hundred kilobytes. */
const MAX_BYTES = 50_000_000;

/** Names the file as what it is, before anything else is believed. */
const marked = z.looseObject({ savedPlan: z.literal(PLAN_FORMAT), version: z.string(), seal: z.string() });

/** What may be overwritten: also what another release has saved. */
const anyFormat = z.looseObject({ savedPlan: z.number(), seal: z.string() });

/** A saved plan, whole. The order of the keys is that of the file. */
const savedPlan = z.strictObject({
  savedPlan: z.literal(PLAN_FORMAT),
  /** What is bound: what `plan` and `start` print. */
  hash: z.string(),
  /** The release that planned. */
  version: z.string(),
  cluster: clusterSchema,
  steps: z.array(
    z.strictObject({
      id: z.string(),
      phase: z.string(),
      title: z.string(),
      guide: z.string(),
      machine: z.string(),
      state: z.enum(['change', 'unchanged', 'verify', 'proven', 'unknown']),
      changes: z.array(
        z.strictObject({
          what: z.string(),
          before: z.string(),
          after: z.string(),
          volatile: z.array(z.enum(['before', 'after'])).exactOptional(),
        }),
      ),
      undo: z.string(),
      seconds: z.number(),
      note: z.string(),
    }),
  ),
  risks: z.array(z.strictObject({ guide: z.string(), risk: z.string(), check: z.string() })),
  findings: z
    .array(
      z.strictObject({
        id: z.string(),
        severity: z.enum(SEVERITIES),
        machine: z.string(),
        guide: z.string(),
        is: z.string(),
        would: z.string(),
        mend: z.string(),
        approvable: z.boolean(),
        volatile: z.literal(true).exactOptional(),
      }),
    )
    .exactOptional(),
  /** sha256 over everything else in the file, also over what is not bound: no part of it was written by hand. */
  seal: z.string(),
});

export type SavedPlan = z.infer<typeof savedPlan>;

/** The name of a plan: sha256, in hexadecimal digits, over what an approval binds. */
export function planHash(cluster: ClusterFile, plan: PlanBody): string {
  return sha256(canonicalPlan(cluster, plan));
}

/** @throws RolloutError USAGE where something else than a saved plan would be overwritten, such as the cluster file. */
export async function assertMayBeSaved(file: string): Promise<void> {
  const there = await lstat(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unwritable(file, error);
  });
  if (there === undefined) return;
  const ours =
    there.isFile() && there.size <= MAX_BYTES && anyFormat.safeParse(parsed(await readFile(file, 'utf8'))).success;
  if (!ours) throw new RolloutError('USAGE', `${file} exists and is no saved plan: name another file`);
}

/** Writes the plan for `start --plan`, whole or not at all, readable by its owner only. @throws RolloutError USAGE. */
export async function savePlan(file: string, cluster: ClusterFile, plan: Plan): Promise<void> {
  const { version, steps, risks, findings } = plan;
  const hash = planHash(cluster, plan);
  const content: Omit<SavedPlan, 'seal'> = {
    savedPlan: PLAN_FORMAT,
    hash,
    version,
    cluster,
    steps: steps.map(({ changes, ...step }) => ({
      ...step,
      changes: changes.map(({ volatile, ...change }) => ({
        ...change,
        ...(volatile === undefined ? {} : { volatile: [...volatile] }),
      })),
    })),
    risks: [...risks],
    ...(findings === undefined ? {} : { findings: [...findings] }),
  };
  const sealed: SavedPlan = { ...content, seal: sealOf(content) };
  try {
    await writeFileAtomic(file, `${JSON.stringify(sealed, null, 2)}\n`);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/**
 * A saved plan of exactly this cluster file and this release.
 *
 * @throws RolloutError PLAN_OTHER: it cannot be read, is damaged, was edited, or is a plan of something else.
 */
export async function loadPlan(file: string, cluster: ClusterFile): Promise<SavedPlan> {
  const other = (why: string): RolloutError => new RolloutError('PLAN_OTHER', `${file} ${why}`);
  let text: string;
  try {
    text = await readAtMost(file, MAX_BYTES);
  } catch (error) {
    if (error instanceof NotTaken) throw other(error.message);
    throw error;
  }
  const content = marked.safeParse(parsed(text));
  if (!content.success) throw other('is damaged, or no plan that this release has saved');
  const { seal, ...sealed } = content.data;
  if (seal !== sealOf(sealed)) throw other('is not as it was saved: it is damaged, or somebody has edited it');
  const { version } = sealed;
  if (version !== PRODUCT_VERSION) throw other(`was saved by version ${version}; this is ${PRODUCT_VERSION}`);
  const plan = savedPlan.safeParse(content.data);
  if (!plan.success || plan.data.hash !== planHash(plan.data.cluster, plan.data)) {
    throw other('is damaged: its hash is not that of what it says');
  }
  const { name } = plan.data.cluster;
  if (name !== cluster.name) throw other(`is a plan of cluster "${name}", not of "${cluster.name}"`);
  const places = differingPlaces(plan.data.cluster, cluster);
  if (places.length > 0) throw other(`was made from another cluster file, which differs in: ${places.join(', ')}`);
  return plan.data;
}

/**
 * Holds a new plan to the saved one.
 *
 * @returns what has changed by itself and may.
 * @throws RolloutError PLAN_DRIFT, after the difference was said.
 */
export function holdTo(saved: SavedPlan, plan: Plan, json: boolean | undefined): readonly Difference[] {
  const { drift, remarks } = comparePlans(saved, plan);
  if (drift.length === 0) return remarks;
  say(json, { event: 'drift', saved: saved.hash, drift, remarks }, driftText(drift));
  throw new RolloutError(
    'PLAN_DRIFT',
    `${drift.length} things are not as in the saved plan ${saved.hash.slice(0, 12)}…; nothing has been changed`,
  );
}

/** Where two cluster files differ: keys and indexes joined by dots. */
function differingPlaces(one: unknown, other: unknown, place = ''): string[] {
  if (canonicalJson(one ?? null) === canonicalJson(other ?? null)) return [];
  if (!isGroup(one) || !isGroup(other)) return [place];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((key) =>
    differingPlaces(one[key], other[key], place === '' ? key : `${place}.${key}`),
  );
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function sealOf(content: object): string {
  return sha256(canonicalJson(content));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON, or undefined where it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unwritable(file: string, error: unknown): RolloutError {
  return new RolloutError('USAGE', `${file} cannot be written (${codeOf(error)})`, { cause: error });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
