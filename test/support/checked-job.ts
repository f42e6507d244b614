import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Lab } from './lab.ts';
import type { LabServer } from './lab-server.ts';
import type { Peer } from './peer.ts';

/** A job with a validation script, in its own folder. */
export interface Stage {
  folder: string;
  peer: Peer;
  server: LabServer;
  reporter: LabServer;
  jobId: string;
}

interface Order {
  /** The script's mode. */
  mode?: number;
  /** Additional parameters of its delegation. */
  args?: Record<string, unknown>;
}

/** Each lab's own supervisor. */
const supervisors = new WeakMap<Lab, Promise<LabServer>>();
let folders = 0;

/** Writes a file into a job's folder and returns its path. */
export const write = (folder: string, name: string, text: string, mode?: number) => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: mode ?? 0o644 });
  return path;
};

/** A job with a validation script, delegated to a peer that reports nothing by itself. */
export async function stage(
  lab: Lab,
  script: string | ((folder: string) => string),
  { mode, args = {} }: Order = {},
): Promise<Stage> {
  const folder = join(lab.project, `work-${++folders}`);
  const validate = typeof script === 'string' ? write(folder, 'check.sh', script, mode) : script(folder);
  const peer = await lab.startPeer('mute');
  const supervisor = supervisors.get(lab) ?? lab.startServer();
  supervisors.set(lab, supervisor);
  const [server, reporter] = [await supervisor, await lab.reporter];
  const { job_id: jobId } = await server.delegate(peer, { validate, workdir: folder, ...args });
  await reporter.report(jobId, 'started');
  return { folder, peer, server, reporter, jobId };
}
