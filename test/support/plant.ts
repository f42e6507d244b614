import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobOrder } from '../../src/job/record.ts';
import { homePaths } from '../../src/registry/home.ts';
import { jobPaths } from '../../src/registry/paths.ts';
import { Seal } from '../../src/registry/seal.ts';
import type { Lab } from './lab.ts';

/** Puts a job without a pane into a registry, as a hub would have left it, for the next hub to load. */
export function plant(
  lab: Lab,
  id: string,
  order: Partial<JobOrder> = {},
  registry = lab.registry,
  home = lab.home,
): string {
  mkdirSync(join(home, 'live'), { recursive: true, mode: 0o700 });
  plantJob(registry, id, order, lab.project, home);
  writeFileSync(join(home, 'live', id), `${registry}\n`);
  return id;
}

/** Makes a job's folder with its prompt and its first event. @param home whose hub has written it; absent for a stranger */
export function plantJob(
  registry: string,
  id: string,
  order: Partial<JobOrder>,
  workdir: string,
  home?: string,
): void {
  const { folder, journal, prompt: promptFile } = jobPaths(registry, id);
  const prompt = `The task of ${id}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(promptFile, prompt);
  const at = new Date().toISOString();
  const job: JobOrder = {
    job_id: id,
    agent: 'human',
    host: 'planted',
    registry_dir: registry,
    log_dir: folder,
    workdir,
    prompt_sha256: createHash('sha256').update(prompt).digest('hex'),
    prompt_preview: prompt,
    prompt_bytes: prompt.length,
    supervisor: { client: 'test', session: 'planted' },
    depth: 0,
    peer_server: 'unknown',
    timeouts: { timeout_seconds: 3600, idle_timeout_seconds: 3600 },
    ...order,
  };
  const queued = {
    seq: 1,
    recorded_at: at,
    event_id: `${id}-1`,
    job_id: id,
    type: 'queued',
    source: 'hub',
    at,
  };
  const line = JSON.stringify({ ...queued, data: { job } });
  writeFileSync(journal, home === undefined ? `\n${line}\n` : signed(home, id, line));
}

/** A journal's line as a hub of this home would have written it. @param event as JSON or as an object */
export function signed(home: string, id: string, event: object | string): string {
  const line = typeof event === 'string' ? event : JSON.stringify(event);
  return `\n${Seal.of(homePaths(home)).sign(id, line)}\n`;
}
