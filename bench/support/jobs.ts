import { once } from 'node:events';
import { join } from 'node:path';
import { type BenchLab, floorPath } from './lab.ts';

/**
 * Delegates this many jobs, each to a `cat` in its own session, and has a peer start each.
 * @param first number of the first session
 */
export async function openJobs(lab: BenchLab, count: number, first = 0): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `job${first + index}`);
  await lab.startSessions(names, 'exec cat');
  const server = await lab.server();
  const ids: string[] = [];
  for (const name of names) {
    const job = await server.ask('delegate_job', {
      prompt: `Bench ${name}`,
      agent: 'command',
      agent_session: `tmux:${name}`,
      timeout_seconds: 36_000,
      idle_timeout_seconds: 36_000,
    });
    await server.ask('publish_event', { job_id: job.job_id, event: 'started' });
    ids.push(job.job_id);
  }
  await server.close();
  return ids;
}

/** Starts the floor for a hub. @returns the arguments of a relay server for it */
export async function startJournal(lab: BenchLab): Promise<string[]> {
  const socket = join(lab.folder, 'journal.sock');
  const child = lab.spawn(process.execPath, [
    floorPath('journal.mjs'),
    socket,
    join(lab.folder, 'journal.jsonl'),
  ]);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return [floorPath('relay-server.mjs'), socket];
}
