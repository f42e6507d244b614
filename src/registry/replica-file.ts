import { existsSync } from 'node:fs';
import { hasTexts, isObject, mayHaveTexts, parseJson } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import type { ReplicaState } from '../job/replica.ts';
import { readForeign } from '../trust/files.ts';
import type { JobPaths } from './paths.ts';
import type { Seal } from './seal.ts';

const STATES: readonly unknown[] = ['asking', 'following', 'ended', 'lost'];
const MAYBE = ['expires_at', 'synced_at', 'offline_since', 'lost_at', 'notifying'];
const NUMBERS = ['notified_seq', 'notified_episode'];

/**
 * The id that signs the lines and the record of a copy: without its `replica.json` nothing in its folder is proven, and
 * beside one nothing that this home has written itself. No job has such an id.
 */
function replicaSigner(jobId: string): string {
  return `replica ${jobId}`;
}

/** The id that signs `replica.json` itself. */
function stateSigner(jobId: string): string {
  return `state of replica ${jobId}`;
}

/** What signs a job's lines and its record. */
export function signerOf(jobId: string, replica: ReplicaState | undefined): string {
  return replica === undefined ? jobId : replicaSigner(jobId);
}

/**
 * What makes a folder the copy of a job of another host; undefined for any other job.
 * @param seal a file that it does not prove is ignored; absent for callers that only show the job
 */
export function readReplica(
  { replica: path }: JobPaths,
  jobId: string,
  seal: Seal | undefined,
): ReplicaState | undefined {
  // Nearly no job has one, and a failed read would cost each of them more.
  if (!existsSync(path)) return undefined;
  const text = orElse(() => readForeign(path).trim(), '');
  const line = seal === undefined ? text : seal.open(stateSigner(jobId), text);
  const value = line === undefined ? undefined : parseJson(line);
  if (!isState(value, jobId)) return undefined;
  const { mac: _, ...state } = value as ReplicaState & { mac?: unknown };
  return state;
}

/** A copy's state as `replica.json` stores it. */
export function replicaText(jobId: string, state: ReplicaState, seal: Seal): string {
  return `${seal.sign(stateSigner(jobId), JSON.stringify(state))}\n`;
}

/** Hand-written, like the check of a record. */
function isState(value: unknown, jobId: string): value is ReplicaState {
  if (!isObject(value) || !hasTexts(value, ['home', 'asked_at'])) return false;
  const { state, episode, order, never_taken: verdict, damage } = value;
  return (
    STATES.includes(state) &&
    Number.isSafeInteger(episode) &&
    mayHaveTexts(value, MAYBE) &&
    NUMBERS.every((name) => value[name] === undefined || Number.isSafeInteger(value[name])) &&
    (verdict === undefined || hasTexts(verdict, ['at', 'detail'])) &&
    (damage === undefined || (Array.isArray(damage) && damage.every((one) => typeof one === 'string'))) &&
    isObject(order) &&
    order['job_id'] === jobId &&
    hasTexts(order['supervisor'], ['client', 'session'])
  );
}
