import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cancelJob } from '../../src/hub/delivery/cancel.ts';
import type { LiveJob } from '../../src/hub/jobs/live-job.ts';
import { Registrar } from '../../src/hub/jobs/registrar.ts';
import type { TmuxServers } from '../../src/hub/panes/tmux-servers.ts';
import { draftEvent } from '../../src/job/event.ts';
import { homePaths } from '../../src/registry/home.ts';
import { Seal } from '../../src/registry/seal.ts';
import { ORDER } from '../job/story.ts';

let folder: string;
let registrar: Registrar;
let job: LiveJob;
let listener: () => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mam-registrar-'));
  const home = homePaths(join(folder, 'home'));
  mkdirSync(home.live, { recursive: true, mode: 0o700 });
  listener = () => {};
  const log = { info() {}, warn() {}, error() {} };
  const outlets = { isBusy: () => false, catchUp() {}, clear() {} };
  registrar = new Registrar({ home, seal: Seal.of(home), log, outlets });
  registrar.onRecorded = () => listener();
  const dir = join(folder, 'jobs');
  await registrar.ready(dir);
  const job_id = 'roof-12345678';
  const place = { registry_dir: dir, log_dir: join(dir, job_id), workdir: folder };
  job = registrar.create({ ...ORDER, job_id, ...place }, 'Mend the roof');
  job.uncork();
  await job.kept;
});

afterEach(async () => {
  await registrar.close();
  rmSync(folder, { recursive: true, force: true });
});

const types = (): string[] =>
  [...readFileSync(job.paths.journal, 'utf8').matchAll(/"type":"(\w+)"/g)].map(([, type]) => type ?? '');

test('two that see the same loss at once record it once, and no other conclusion after it', async () => {
  const [first, ...rest] = await Promise.all([
    registrar.note(job, 'session_lost', { detail: 'The pane is gone.' }),
    registrar.note(job, 'session_lost', { detail: 'The agent is gone.' }),
    registrar.note(job, 'timeout'),
    registrar.note(job, 'stalled'),
  ]);
  expect(first?.after).toMatchObject({ status: 'failed', reason: 'session_lost' });
  expect(rest).toEqual([undefined, undefined, undefined]);
  expect(types()).toEqual(['queued', 'session_lost']);
});

test('a cancellation after the end says that the job had ended', async () => {
  const end = registrar.record(job, { ...draftEvent(job.id, 'completed'), source: 'peer' });
  const params = { job_id: job.id, registry_dir: job.registryDir, by: 'supervisor' } as const;
  const answer = await cancelJob(registrar, {} as TmuxServers, params);
  await end;
  const note = 'The job was already completed; nothing changed.';
  expect(answer).toMatchObject({ changed: false, note, record: { status: 'completed' } });
});

test('what is on the disk is recorded, whatever its listener does', async () => {
  listener = () => {
    throw new Error('a part that fails');
  };
  const draft = { ...draftEvent(job.id, 'completed'), source: 'peer' as const };
  expect(await registrar.record(job, draft)).toMatchObject({ after: { status: 'completed' } });
  expect(types()).toEqual(['queued', 'completed']);
});
