import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { requestOnce } from '../../src/link/one-shot.ts';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant } from '../support/plant.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

const JOBS = 8;
const SERVERS = 3;
const THIRD_PARTIES = 2;
const PER_PUBLISHER = 300;
const IN_FLIGHT = 20;
const KILLS_AT = [0.2, 0.45, 0.7];

let lab: Lab;
afterEach(() => lab.end());

/** How an event was answered; `again` is a third party's failed attempt. */
type Answer = 'recorded' | 'kept' | 'refused' | 'failed' | 'again';
type Note = (id: string, answer: Answer) => void;

test('1,500 events of 5 publishers: nothing acknowledged is lost, duplicated or out of order across three kills', async () => {
  lab = new Lab();
  const jobs = Array.from({ length: JOBS }, (_, n) => plant(lab, `load-${n}`));
  const servers = await Promise.all(Array.from({ length: SERVERS }, () => lab.startServer()));
  const [first] = servers as [LabServer, ...LabServer[]];
  await first.ask('job_status', { job_id: 'load-0' });
  let pid = await lab.hubPid();

  // Two waiters that are stopped in the middle: one resumes while events flow, one when all is over.
  const waiter = await lab.startServer({ MAM_TOOL_TIMEOUT_SECONDS: '120' });
  const waited = waiter.ask('wait_job', { job_ids: jobs, until: 'all' });
  const shell = lab.start(['wait', '--json', '--timeout', '120']);
  shell.child.stdin.end();

  const answers = new Map<string, Answer>();
  const counts: Record<Answer, number> = { recorded: 0, kept: 0, refused: 0, failed: 0, again: 0 };
  const note: Note = (id, answer) => {
    counts[answer]++;
    if (answer !== 'again') answers.set(id, answer);
  };
  const began = Date.now();
  const publishers = [
    ...servers.map((server, n) => viaServer(server, `server-${n}`, jobs, note)),
    ...Array.from({ length: THIRD_PARTIES }, (_, n) => viaMqtt(lab, `third-${n}`, jobs, note)),
  ];

  const total = PER_PUBLISHER * publishers.length;
  const gaps: number[] = [];
  let publisherGap = 0;
  for (const share of KILLS_AT) {
    await until(`${share} of the events are answered`, () => answers.size >= share * total);
    if (share === KILLS_AT[0]) {
      waiter.child.kill('SIGSTOP');
      shell.child.kill('SIGSTOP');
    }
    if (share === KILLS_AT[2]) shell.child.kill('SIGCONT');
    const before = counts.recorded;
    lab.killedHubs.add(pid);
    process.kill(pid, 'SIGKILL');
    const killed = Date.now();
    pid = await servesAgain(lab, pid);
    gaps.push(Date.now() - killed);
    await until('publishers are answered', () => counts.recorded > before + 100 || answers.size === total);
    publisherGap = Math.max(publisherGap, Date.now() - killed);
  }
  await Promise.all(publishers);
  const seconds = (Date.now() - began) / 1000;
  await until('the outbox is empty', () => lab.inHome('outbox').length === 0);

  for (const job_id of jobs) await first.ask('publish_event', { job_id, event: 'completed', detail: 'done' });
  await until('the job files say so', () => jobs.every((job) => lab.snapshot(job).status === 'completed'));
  waiter.child.kill('SIGCONT');
  expect(await waited).toMatchObject({ outcome: 'final' });
  const ended = await shell.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(JSON.parse(ended.stdout).jobs.map((job: { status: string }) => job.status)).toEqual(
    jobs.map(() => 'completed'),
  );

  process.stdout.write(
    `${total} events in ${seconds.toFixed(1)} s (${Math.round(total / seconds)}/s): ${JSON.stringify(counts)}; ` +
      `kill to service again: ${gaps.join(', ')} ms; to the 100th record after it at most ${publisherGap} ms\n`,
  );
  const inJournal = new Map<string, number>();
  const last = new Map<string, number>();
  for (const job of jobs) {
    for (const event of lab.events(job)) {
      if (event.type !== 'progress') continue;
      const [publisher = '', number = ''] = (event.detail ?? '').split(':');
      inJournal.set(event.detail ?? '', (inJournal.get(event.detail ?? '') ?? 0) + 1);
      const key = `${publisher} ${job}`;
      // A third party that republishes a failed event decides its order itself.
      if (counts.again === 0 || !publisher.startsWith('third'))
        expect(Number(number), `order of ${key}`).toBeGreaterThan(last.get(key) ?? 0);
      last.set(key, Number(number));
    }
  }
  expect([...answers.keys()].filter((id) => !inJournal.has(id))).toEqual([]);
  expect([...inJournal].filter(([, times]) => times > 1)).toEqual([]);
  expect(inJournal.size).toBe(total);
  expect(counts.failed + counts.refused).toBe(0);
  expect(lab.hubs).toEqual([pid]);
});

async function viaServer(server: LabServer, name: string, jobs: string[], note: Note): Promise<void> {
  let next = 1;
  const lane = async (): Promise<void> => {
    while (next <= PER_PUBLISHER) {
      const n = next++;
      const id = `${name}:${n}`;
      const args = { job_id: jobs[n % jobs.length], event: 'progress', detail: id };
      try {
        const { accepted, recorded } = await server.ask('publish_event', args);
        note(id, accepted ? (recorded ? 'recorded' : 'kept') : 'refused');
      } catch {
        note(id, 'failed');
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

function viaMqtt(lab: Lab, name: string, jobs: string[], note: Note): Promise<void> {
  const program = resolve(import.meta.dirname, 'third-party.mjs');
  const place = [join(lab.home, 'hub.sock'), 'mam/v1/default/claims/'];
  const args = [program, ...place, name, String(PER_PUBLISHER), String(IN_FLIGHT), ...jobs];
  const child = spawn(process.execPath, args, { env: lab.env, stdio: ['ignore', 'pipe', 'inherit'] });
  lab.keep(child);
  createInterface({ input: child.stdout as NonNullable<typeof child.stdout> }).on('line', (line) => {
    const [word = '', number] = line.split(' ');
    if (word === 'again') note(`${name}:${number}`, 'again');
    else note(`${name}:${word}`, 'recorded');
  });
  return new Promise((done, failed) =>
    child.once('close', (code) => (code === 0 ? done() : failed(new Error(`${name} ended with ${code}`)))),
  );
}

/** Asks until a hub other than `old` answers. @returns its process id */
async function servesAgain(lab: Lab, old: number): Promise<number> {
  const address = { kind: 'socket', path: join(lab.home, 'hub.sock') } as const;
  const { host } = lab.hub();
  for (;;) {
    const request = { address, host, realm: 'default', command: 'hub_status', params: {} } as const;
    const answer = await requestOnce({ ...request, timeoutMs: 300 }).catch(() => undefined);
    if (answer !== undefined && answer.pid !== old && isRunning(answer.pid)) return answer.pid;
    await sleep(5);
  }
}
