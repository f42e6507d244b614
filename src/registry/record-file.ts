import { hasTexts, isObject, isText, mayHaveTexts } from '../base/json.ts';
import type { JobRecord } from '../job/record.ts';
import { STATUSES } from '../job/words.ts';
import { readObject } from '../trust/files.ts';
import type { Seal } from './seal.ts';

/** Fields of a record that are always texts, and fields that are texts if present. */
const TEXTS = [
  ...['agent', 'workdir', 'registry_dir', 'log_dir', 'prompt_preview', 'phase', 'created_at', 'host'],
];
const MAYBE = [
  ...['reason', 'detail', 'result', 'result_file', 'last_words', 'parent_job_id', 'request_key'],
  ...['blocked_by', 'blocked_what', 'blocked_evidence', 'blocked_step', 'typing_now', 'notifying'],
  ...['submitted_at', 'started_at', 'final_at', 'reminded_at'],
];

/**
 * The derived record as last written, if it is readable. By itself it does not prove the job's current state: the
 * journal may be ahead.
 * @param jobId whose record it must be, if that is known
 * @param seal a record that it does not prove is ignored
 * @param signer what has signed it; the job itself if absent
 */
export function readRecord(
  path: string,
  jobId?: string,
  seal?: Seal,
  signer?: string,
): JobRecord | undefined {
  const { mac, ...record } = readObject(path);
  if (!isRecord(record, jobId ?? String(record['job_id']))) return undefined;
  const by = signer ?? record.job_id;
  const proven = seal?.provesRecord(by, JSON.stringify(record), String(mac)) ?? true;
  return proven ? record : undefined;
}

/** The status and seq in a job.json, whatever else it contains; nothing if it has no status. */
export function writtenState(path: string): { status: string; seq: number } | undefined {
  const { status, seq } = readObject(path);
  if (typeof status !== 'string') return undefined;
  return { status, seq: Number.isSafeInteger(seq) ? Number(seq) : 0 };
}

/** A record as `job.json` stores it. @param signer what signs it; the job itself if absent */
export function recordText(record: JobRecord, seal: Seal, signer = record.job_id): string {
  const mac = seal.signRecord(signer, JSON.stringify(record));
  return `${JSON.stringify({ ...record, mac }, undefined, 2)}\n`;
}

/**
 * True for a value whose fields have the types of a record, so that it can be listed and shown. Hand-written, because
 * zod would cost every `mam status` 15 ms; the hub checks the records that it loads against the whole schema.
 * @param jobId whose record it must be
 */
export function isRecord(value: unknown, jobId: string): value is JobRecord {
  if (!isObject(value) || value['job_id'] !== jobId) return false;
  return (
    (STATUSES as readonly unknown[]).includes(value['status']) &&
    Number.isSafeInteger(value['seq']) &&
    hasTexts(value, TEXTS) &&
    mayHaveTexts(value, MAYBE) &&
    areAll(value['attention'], isText) &&
    areAll(value['messages'], isText) &&
    (value['files'] === undefined || areAll(value['files'], isText)) &&
    areAll(value['delivery'], (entry) => hasTexts(entry, ['stage', 'at'])) &&
    areAll(value['requests'], (entry) => hasTexts(entry, ['request_id', 'kind', 'source', 'text', 'at'])) &&
    hasTexts(value['supervisor'], ['client', 'session']) &&
    isMaybe(value['agent_session'], ['socket', 'session', 'pane']) &&
    isMaybe(value['validation'], ['script', 'script_sha256']) &&
    isMaybe(value['behind'], ['job_id', 'needs']) &&
    isMaybe(value['home'], ['host', 'state']) &&
    isObject(value['timeouts'])
  );
}

function areAll(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isMaybe(value: unknown, names: readonly string[]): boolean {
  return value === undefined || hasTexts(value, names);
}
