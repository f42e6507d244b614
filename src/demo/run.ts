import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain, MamError } from '../base/errors.ts';
import { namesIn } from '../base/folders.ts';
import { cleanLine } from '../base/text.ts';
import { until } from '../base/until.ts';
import { endStage } from './ending.ts';
import { PROMPT, SCRIPT } from './greeting.ts';
import { type Delegated, type JobStatus, MamClient, type Waited } from './mam-client.ts';
import { hubLog, startHub } from './private-hub.ts';
import { peerScreen, releasePeer, SESSION, startPeer, tmuxVersion } from './private-tmux.ts';
import type { DemoEnd, Ending, Report } from './report.ts';
import { makeStage, type Stage, secondStage, stageEnvironment } from './stage.ts';
import { timelineOf } from './timeline.ts';
import { HOSTS, makeSecondHost, untilTheyMeet } from './two-hosts.ts';

/** The whole job takes 3 to 4 s; after a minute something is wrong. */
const JOB_SECONDS = 60;
const WAIT_SECONDS = 20;
/** The peer's server announces itself just after its handshake: within this time, in ms. */
const ANNOUNCE_MS = 2_000;

/**
 * One delegated job from end to end with real parts: a hub, a tmux server with a peer that is an MCP client, and a
 * supervisor that speaks MCP to a `mam` server. Everything lives in a private folder and is ended again.
 * @param options `keep`: everything is left running; `hosts`: the peer is on a second host
 * @param stop aborted when the person wants it to end
 * @throws MamError `unavailable` when tmux is missing, before anything is begun
 */
export async function runDemo(
  report: Report,
  { keep, hosts }: { keep: boolean; hosts: boolean },
  stop: AbortSignal,
): Promise<DemoEnd> {
  const began = performance.now();
  const tmux = await tmuxVersion();
  const stage = makeStage();
  report.stage(stage, tmux);
  let end: DemoEnd = 'failed';
  let failure: Ending['failure'];
  const peerStage = () => (hosts ? secondStage(stage) : stage);
  try {
    await play(stage, report, hosts, stop);
    end = 'completed';
  } catch (error) {
    if (stop.aborted) end = 'interrupted';
    else failure = { why: explain(error), hubLog: hubLog(stage), screen: await peerScreen(peerStage()) };
  }
  const kept = keep && end !== 'interrupted';
  if (kept) await releasePeer(peerStage()).catch(() => {});
  else {
    await endStage(stage).catch((error: unknown) => {
      end = 'failed';
      failure ??= { why: explain(error), hubLog: [], screen: [] };
    });
  }
  report.end(end, { stage, kept, seconds: (performance.now() - began) / 1000, failure });
  return end;
}

/** Runs the demo itself. @throws MamError with what went wrong, or anything once `stop` is aborted */
async function play(stage: Stage, report: Report, hosts: boolean, stop: AbortSignal): Promise<void> {
  const second = hosts ? await makeSecondHost(stage) : undefined;
  const where = second?.stage ?? stage;
  const hub = await startHub(stage);
  report.hub?.(hub);
  if (second !== undefined) {
    const other = await startHub(second.stage);
    report.secondHost?.(second, other);
    stop.throwIfAborted();
    await untilTheyMeet(stage);
    report.met?.();
  }
  stop.throwIfAborted();
  await startPeer(where, stop);
  await until(() => namesIn(where.home.servers).length > 0, ANNOUNCE_MS);
  stop.throwIfAborted();
  report.peer?.(SESSION);
  const supervisor = await MamClient.connect('mam-demo', stageEnvironment(stage, true), stage.project);
  try {
    // The first call loads the tools and connects to the hub, so that the times below are those of a running server.
    await supervisor.call('list_jobs', {}, stop);
    report.supervisor?.();
    const host = second === undefined ? undefined : HOSTS[1];
    await delegate(where, host, (name, args) => supervisor.call(name, args, stop), report);
  } finally {
    await supervisor.close();
  }
}

type Call = <T>(name: string, args: Record<string, unknown>) => Promise<T>;

async function delegate(stage: Stage, host: string | undefined, call: Call, report: Report): Promise<void> {
  writeFileSync(stage.script, SCRIPT);
  const called = Date.now();
  const job = await call<Delegated>('delegate_job', {
    prompt: PROMPT,
    agent: 'command',
    agent_session: `tmux:${SESSION}${host === undefined ? '' : `@${host}`}`,
    workdir: stage.project,
    timeout_seconds: JOB_SECONDS,
    validate: stage.script,
  });
  const delegated = Date.now();
  report.delegated(job, PROMPT, called, delegated);
  await wait(job.job_id, call);
  const waited = Date.now();
  const status = await call<JobStatus>('job_status', { job_id: job.job_id, events_after: 0 });
  const timeline = timelineOf(status, { called, delegated, waited }, job.delivery_stage);
  report.job(status, timeline);
  if (status.status !== 'completed') {
    const words = status.detail === undefined ? '' : ` Its last words: ${cleanLine(status.detail, 300)}`;
    throw new MamError('refused', `The job is ${status.status} (${status.reason ?? 'no reason'}).${words}`);
  }
  if (status.validation?.passed !== true)
    throw new MamError('internal', 'The validation script did not run.');
  const file = join(stage.project, 'greeting.txt');
  report.file?.(file, readFileSync(file, 'utf8'));
}

/** Waits until the job is final. @throws MamError when it needs a person or takes too long */
async function wait(jobId: string, call: Call): Promise<void> {
  const deadline = performance.now() + JOB_SECONDS * 1000;
  for (let cursor: string | undefined; ; ) {
    const params = { job_id: jobId, timeout_seconds: WAIT_SECONDS, cursor };
    const answer = await call<Waited>('wait_job', params);
    if (answer.outcome === 'final') return;
    if (answer.outcome === 'needs_attention') throw new MamError('refused', answer.summary);
    if (performance.now() > deadline)
      throw new MamError('unavailable', `${answer.summary} That is too long.`);
    cursor = answer.cursor;
  }
}
