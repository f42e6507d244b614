import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { newEventId } from '../../src/base/ids.ts';
import { spoolText } from '../../src/bus/spool/spool.ts';
import type { Claim } from '../../src/job/claim.ts';
import { Link } from '../../src/link/link.ts';
import type { Lab } from '../support/lab.ts';
import { sharing as test } from '../support/lab-test.ts';

// One after another: each checks what is left in the shared spool folder.

const RESULT = 'slate '.repeat(10_000);

/** The texts that wait in the spool folder to be fetched. */
const spooled = (lab: Lab) => readdirSync(join(lab.home, 'spool'));

/** Publishes this same claim again, as a publisher does that has not received the answer. */
async function publish(lab: Lab, claim: Claim) {
  const address = { kind: 'socket', path: join(lab.home, 'hub.sock') } as const;
  const link = new Link({ address, realm: 'default', host: 'here', home: lab.home });
  try {
    const outcome = await link.claim(claim);
    return outcome.kind === 'answered' ? outcome.reply : outcome;
  } finally {
    await link.close();
  }
}

/** A report whose long result is in the spool folder. */
async function completed(lab: Lab, job_id: string): Promise<Claim> {
  const result_spool = await spoolText(lab.home, RESULT);
  const at = new Date().toISOString();
  return { event_id: newEventId(), job_id, type: 'completed', source: 'peer', at, result_spool };
}

describe('a report with a long result', () => {
  test('that arrives twice is answered twice as it was recorded', async ({ lab, server }) => {
    const { job_id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
    const claim = await completed(lab, job_id);
    const first = await publish(lab, claim);
    expect(first).toMatchObject({ accepted: true, recorded: true, status: 'completed' });
    expect(await publish(lab, claim)).toEqual(first);
    expect(lab.types(job_id).filter((type) => type === 'completed')).toHaveLength(1);
    expect(readFileSync(lab.record(job_id).result_file ?? '', 'utf8')).toBe(RESULT);
    expect(spooled(lab)).toEqual([]);
  });

  test('that is refused leaves no text behind', async ({ lab, server }) => {
    await server.ask('list_agents');
    const reply = await publish(lab, await completed(lab, 'roof-aaaaaaaa'));
    expect(reply).toMatchObject({ accepted: false, recorded: false });
    expect(spooled(lab)).toEqual([]);
  });

  test('that JSON makes six times as long goes through, and so does a prompt', async ({ lab, server }) => {
    const reporter = await lab.reporter;
    const prompt = `Mend ${'\u0001'.repeat(15_000)}`;
    const { job_id } = await server.ask('delegate_job', { prompt, agent: 'human' });
    expect(readFileSync(lab.paths(job_id).prompt, 'utf8')).toBe(prompt);
    await reporter.report(job_id, 'completed', { result: prompt });
    expect(readFileSync(lab.record(job_id).result_file ?? '', 'utf8')).toBe(prompt);
    expect(spooled(lab)).toEqual([]);
  });

  test('with more file names than fit is refused with that reason, leaves none', async ({ lab, server }) => {
    const reporter = await lab.reporter;
    const { job_id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
    const files = Array.from({ length: 100 }, (_, i) => `${'f'.repeat(990)}${i}`);
    const done = { job_id, event: 'completed', result: RESULT };
    expect(await reporter.refusal('publish_event', { ...done, files })).toContain(
      'The names in files take up most of it',
    );
    expect(spooled(lab)).toEqual([]);
    expect(await reporter.ask('publish_event', done)).toMatchObject({ recorded: true });
  });
});
