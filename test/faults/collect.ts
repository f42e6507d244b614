import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobRow } from '../../src/job/row.ts';
import { orderText } from '../../src/order/order-text.ts';
import { foldJob } from '../../src/registry/fold.ts';
import { homePaths } from '../../src/registry/home.ts';
import { readJournal } from '../../src/registry/read-journal.ts';
import { Seal } from '../../src/registry/seal.ts';
import { PROMPT } from './agent.ts';
import type { Evidence, JobEvidence } from './evidence.ts';
import { retainedRecords } from './retained.ts';
import { AUDITOR, writtenRecord } from './settle.ts';
import type { World } from './world.ts';

/** Everything that is visible of the jobs while their hub still runs. */
export async function collectJobs(world: World): Promise<Evidence['jobs']> {
  const { lab } = world;
  const rows = new Map<string, JobRow>();
  for (let cursor: string | undefined; ; ) {
    const { answer } = await world.ask(AUDITOR, 'list_jobs', { limit: 200, ...(cursor && { cursor }) });
    for (const row of answer?.jobs ?? []) rows.set(row.job_id, row);
    cursor = answer?.cursor;
    if (cursor === undefined) break;
  }
  const list = await world.run(['list', '--limit', '10000']);
  const listed = new Map<string, JobRow>((list.answer?.jobs ?? []).map((row: JobRow) => [row.job_id, row]));
  const retained = await retainedRecords(lab);
  const jobs: Evidence['jobs'] = {};
  for (const id of lab.jobIds()) {
    const { answer: status } = await world.ask(AUDITOR, 'job_status', { job_id: id }, { job: id });
    jobs[id] = {
      ...fromFiles(world, id),
      row: rows.get(id),
      listed: listed.get(id),
      status,
      retained: retained.get(id),
    };
  }
  return jobs;
}

function fromFiles({ lab, lostTasks }: World, id: string): JobEvidence {
  const paths = lab.paths(id);
  const seal = Seal.of(homePaths(lab.home));
  const journal = existsSync(paths.journal) ? readFileSync(paths.journal, 'utf8') : '';
  const texts = existsSync(paths.texts) ? readdirSync(paths.texts) : [];
  const evidence: JobEvidence = {
    journal,
    events: readJournal(paths.journal, { seal, jobId: id }).events,
    texts: Object.fromEntries(texts.map((name) => [name, hash(join(paths.texts, name))])),
  };
  try {
    const folded = foldJob(lab.registry, id, seal).record;
    evidence.folded = folded;
    evidence.snapshot = writtenRecord(lab, id);
    evidence.order = orderText(folded, paths.prompt, lostTasks.get(id));
  } catch (error) {
    if (evidence.folded === undefined) evidence.unfit = (error as Error).message;
  }
  return evidence;
}

function hash(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** What the shells show once their agents have ended: nothing may be typed after the prompt. */
export async function collectShells({ lab, agents }: World): Promise<Evidence['shells']> {
  const shells: Evidence['shells'] = [];
  for (const { pane, session, ran } of agents) {
    if (ran === undefined) continue;
    // A tmux server that ended took its shells with it, and reuses their ids.
    const lines = await lab.tmux('capture-pane', '-p', '-J', '-t', `=${session}:`).catch(() => undefined);
    if (lines === undefined) continue;
    const screen = lines.slice(lines.lastIndexOf(PROMPT.trimEnd()) + PROMPT.length).trim();
    const commands = existsSync(ran) ? readFileSync(ran, 'utf8').split('\n').filter(Boolean) : [];
    shells.push({ pane, ran: commands, screen });
  }
  return shells;
}
