import { mkdirSync, writeFileSync } from 'node:fs';
import { apply } from '../../src/job/apply.ts';
import type { RecordedEvent } from '../../src/job/event.ts';
import type { JobOrder } from '../../src/job/record.ts';
import { jobPaths } from '../../src/registry/paths.ts';

/** Makes finished jobs in a registry, as a hub would have left them. @returns their ids, oldest first */
export function makeFinishedJobs(registryDir: string, count: number): string[] {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const id = `old-job-${String(index).padStart(8, '0')}`;
    const paths = jobPaths(registryDir, id);
    const at = new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString();
    const events: RecordedEvent[] = [
      { ...event(id, 1, 'queued', at), source: 'hub', data: { job: order(registryDir, id) } },
      event(id, 2, 'started', at),
      {
        ...event(id, 3, 'completed', at),
        detail: 'Done: all tests pass.',
        result: 'Two lines were changed.',
      },
    ];
    const record = events.reduce<ReturnType<typeof apply> | undefined>(apply, undefined);
    mkdirSync(paths.folder, { mode: 0o700 });
    writeFileSync(paths.journal, events.map((one) => `\n${JSON.stringify(one)}\n`).join(''));
    writeFileSync(paths.record, `${JSON.stringify(record, undefined, 2)}\n`);
    ids.push(id);
  }
  return ids;
}

function event(id: string, seq: number, type: string, at: string): RecordedEvent {
  return { seq, event_id: `${id}-${seq}`, job_id: id, type, source: 'peer', at, recorded_at: at };
}

function order(registryDir: string, id: string): JobOrder {
  return {
    job_id: id,
    agent: 'command',
    agent_session: { socket: '/tmp/none', session: 'old', window: 0, pane: '%1', session_created: 1 },
    host: 'bench',
    registry_dir: registryDir,
    log_dir: `${registryDir}/${id}`,
    workdir: '/tmp',
    prompt_sha256: '0'.repeat(64),
    prompt_preview: `Look through the tests of part ${id} and mend the one that fails now and then`,
    prompt_bytes: 90,
    supervisor: { client: 'bench', session: 'bench' },
    depth: 0,
    peer_server: 'unknown',
    timeouts: { timeout_seconds: 3600, idle_timeout_seconds: 120 },
  };
}
