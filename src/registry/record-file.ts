import type { JobRecord } from '../job/record.ts';
import { readForeign } from '../trust/files.ts';
import type { Mark } from './mark.ts';
import { isRecord } from './record-shape.ts';
import type { Seal } from './seal.ts';

/** What a job's `job.json` says, and which state of the journal it says it of; an older version said no state. */
export interface WrittenRecord {
  record: JobRecord;
  journal: Mark | undefined;
}

/**
 * The derived record as last written, if there is a readable one.
 * @param jobId whose it must be, where that is known
 * @param seal counts only what it proves
 */
export function readWritten(path: string, jobId?: string, seal?: Seal): WrittenRecord | undefined {
  try {
    const { mac, ...signed } = JSON.parse(readForeign(path)) as JobRecord & Signature;
    const { journal, ...record } = signed;
    if (!isRecord(record, jobId ?? record.job_id)) return undefined;
    const proven = seal?.provesRecord(record.job_id, JSON.stringify(signed), String(mac)) ?? true;
    return proven ? { record, journal: typeof journal === 'string' ? journal : undefined } : undefined;
  } catch {
    return undefined;
  }
}

/** The record alone. @param jobId @param seal as `readWritten` */
export function readRecord(path: string, jobId?: string, seal?: Seal): JobRecord | undefined {
  return readWritten(path, jobId, seal)?.record;
}

/** What a job.json says of where its job stands, whatever else is in it; nothing where it says nothing. */
export function writtenState(path: string): { status: string; seq: number } | undefined {
  try {
    const { status, seq } = JSON.parse(readForeign(path)) as { status?: unknown; seq?: unknown };
    return typeof status === 'string'
      ? { status, seq: Number.isSafeInteger(seq) ? Number(seq) : 0 }
      : undefined;
  } catch {
    return undefined;
  }
}

/** A record as `job.json` has it. @param journal the state of the journal that it was folded from */
export function recordText(record: JobRecord, journal: Mark | undefined, seal: Seal): string {
  const signed = { ...record, journal };
  const mac = seal.signRecord(record.job_id, JSON.stringify(signed));
  return `${JSON.stringify({ ...signed, mac }, undefined, 2)}\n`;
}

interface Signature {
  mac?: unknown;
  journal?: unknown;
}
