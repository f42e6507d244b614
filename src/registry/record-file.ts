import { hasTexts, isObject, isText, mayHaveTexts } from '../base/json.ts';
import type { JobRecord } from '../job/record.ts';
import { STATUSES } from '../job/words.ts';
import { readObject } from '../trust/files.ts';
import type { Seal } from './seal.ts';

/** Fields of a record that are always texts, and that are texts where they are there. */
const TEXTS = [
  ...['agent', 'workdir', 'registry_dir', 'log_dir', 'prompt_preview', 'phase', 'created_at', 'host'],
];
const MAYBE = [
  ...['reason', 'detail', 'result', 'result_file', 'last_words', 'parent_job_id', 'request_key'],
  ...['blocked_by', 'blocked_what', 'blocked_evidence', 'blocked_step', 'typing_now', 'notifying'],
  ...['submitted_at', 'started_at', 'final_at', 'reminded_at'],
];

/**
 * The derived record as last written, if there is a readable one. By itself it proves nothing of where the job stands:
 * its journal may be ahead.
 * @param jobId whose it must be, where that is known
 * @param seal counts only what it proves
 */
export function readRecord(path: string, jobId?: string, seal?: Seal): JobRecord | undefined {
  const { mac, ...record } = readObject(path);
  if (!isRecord(record, jobId ?? String(record['job_id']))) return undefined;
  const proven = seal?.provesRecord(record.job_id, JSON.stringify(record), String(mac)) ?? true;
  return proven ? record : undefined;
}

/** The status and number that a job.json has, whatever else is in it; nothing where it has no status. */
export function writtenState(path: string): { status: string; seq: number } | undefined {
  const { status, seq } = readObject(path);
  if (typeof status !== 'string') return undefined;
  return { status, seq: Number.isSafeInteger(seq) ? Number(seq) : 0 };
}

/** A record as `job.json` has it. */
export function recordText(record: JobRecord, seal: Seal): string {
  const mac = seal.signRecord(record.job_id, JSON.stringify(record));
  return `${JSON.stringify({ ...record, mac }, undefined, 2)}\n`;
}

/**
 * True for what has the fields of a record in their forms, so that lists and texts can be made of it. By hand, because
 * zod would cost every `mam status` 15 ms; the hub checks what it takes up with the whole schema.
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
    isObject(value['timeouts'])
  );
}

function areAll(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isMaybe(value: unknown, names: readonly string[]): boolean {
  return value === undefined || hasTexts(value, names);
}
