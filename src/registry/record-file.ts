import type { JobRecord } from '../job/record.ts';
import { readForeign, readObject } from '../trust/files.ts';
import { isRecord } from './record-shape.ts';
import type { Seal } from './seal.ts';

/**
 * The derived record as last written, if there is a readable one. By itself it proves nothing of where the job stands:
 * its journal may be ahead.
 * @param jobId whose it must be, where that is known
 * @param seal counts only what it proves
 */
export function readRecord(path: string, jobId?: string, seal?: Seal): JobRecord | undefined {
  try {
    const { mac, ...record } = JSON.parse(readForeign(path)) as JobRecord & { mac?: unknown };
    if (!isRecord(record, jobId ?? record.job_id)) return undefined;
    const proven = seal?.provesRecord(record.job_id, JSON.stringify(record), String(mac)) ?? true;
    return proven ? record : undefined;
  } catch {
    return undefined;
  }
}

/** What a job.json says of where its job stands, whatever else is in it; nothing where it says nothing. */
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
