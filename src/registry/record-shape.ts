import { isObject } from '../base/json.ts';
import type { JobRecord } from '../job/record.ts';
import { STATUSES } from '../job/words.ts';

/** Fields of a record that are always texts, and that are texts where they are there. */
const TEXTS = [
  'agent',
  'workdir',
  'registry_dir',
  'log_dir',
  'prompt_preview',
  'phase',
  'created_at',
  'host',
];
const MAYBE = [
  ...[
    'reason',
    'detail',
    'result',
    'result_file',
    'blocked_by',
    'blocked_what',
    'blocked_evidence',
    'blocked_step',
    'last_words',
    'parent_job_id',
    'request_key',
  ],
  ...['submitted_at', 'started_at', 'final_at', 'reminded_at', 'typing_now', 'notifying'],
];

/**
 * True for what has the fields of a record in their forms, so that lists and texts can be made of it. By hand, because
 * zod would cost every `mam status` 15 ms; the hub checks what it takes up with the whole schema.
 * @param jobId whose record it must be
 */
export function isRecord(value: unknown, jobId: string): value is JobRecord {
  if (!isObject(value) || value['job_id'] !== jobId) return false;
  const record = value;
  return (
    (STATUSES as readonly unknown[]).includes(record['status']) &&
    Number.isSafeInteger(record['seq']) &&
    hasTexts(record, TEXTS) &&
    MAYBE.every((name) => record[name] === undefined || typeof record[name] === 'string') &&
    areAll(record['attention'], isText) &&
    areAll(record['messages'], isText) &&
    (record['files'] === undefined || areAll(record['files'], isText)) &&
    areAll(record['delivery'], (entry) => hasTexts(entry, ['stage', 'at'])) &&
    areAll(record['requests'], (entry) => hasTexts(entry, ['request_id', 'kind', 'source', 'text', 'at'])) &&
    hasTexts(record['supervisor'], ['client', 'session']) &&
    isMaybe(record['agent_session'], ['socket', 'session', 'pane']) &&
    isMaybe(record['validation'], ['script', 'script_sha256']) &&
    isMaybe(record['behind'], ['job_id', 'needs']) &&
    isObject(record['timeouts'])
  );
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function areAll(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => isText(value[name]));
}

function isMaybe(value: unknown, names: readonly string[]): boolean {
  return value === undefined || hasTexts(value, names);
}
