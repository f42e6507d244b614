import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { test } from '../support/lab-test.ts';
import { robotKind, sessionsIn } from '../support/robots.ts';
import { until } from '../support/until.ts';

/** A registered job that gets a session of its own. */
async function submit(lab: Lab, ...options: string[]): Promise<{ id: string; answer: Json }> {
  const answer = await lab.json('submit', 'Mend the roof', '--new', '--no-wait', ...options);
  return { id: String(answer['job_id']), answer };
}

/** As it is on the disk. */
const recordOf = (lab: Lab, id: string): Json =>
  JSON.parse(readFileSync(join(lab.registry, id, 'job.json'), 'utf8'));

/** The name of a job's own session. */
const nameOf = (id: string, kind = 'robot') => `${kind}-${id.slice(0, 8)}`;

describe('a new session', () => {
  test('is started for the job, used once, and ended when someone has looked at its end', async ({ lab }) => {
    lab.configure({ agents: { robot: robotKind(lab) } });
    const { id, answer } = await submit(lab, '--agent', 'robot');
    expect(answer['agent_session']).toMatchObject({ session: nameOf(id) });
    await until('it is done', () => recordOf(lab, id)['status'] === 'completed');
    expect(await sessionsIn(lab)).toEqual([nameOf(id)]);
    const [row] = (await lab.json('agents'))['agents'] as Json[];
    expect(row).toMatchObject({
      ...{ agent: 'robot', started_by_us: true, made_for: id },
      stays: 'nobody has looked at the end of the job',
    });
    expect((await lab.mam('status', id)).code).toBe(0);
    await until('its session has ended', async () => (await sessionsIn(lab)).length === 0);
    await until('the record says so', () => recordOf(lab, id)['session_end']);
    expect(recordOf(lab, id)['session_end']).toMatchObject({ how: 'ended' });
  });
});
