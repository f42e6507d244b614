import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as test } from '../support/lab-test.ts';
import { joinHub } from '../support/mqtt.ts';
import { ownRegistry } from '../support/own-registry.ts';
import { until } from '../support/until.ts';

/** A registry of its own with jobs for persons, who can also ask, and what a shell and a server do in it. */
async function world(lab: Lab, ...prompts: string[]) {
  const { env, mam } = ownRegistry(lab);
  const server: LabServer = await lab.startServer(env);
  const ids: string[] = [];
  for (const prompt of prompts)
    ids.push((await server.ask('delegate_job', { prompt, agent: 'human' })).job_id);
  const asks = (id: string, detail: string) => server.report(id, 'question', { detail });
  return { env, mam, server, ids, asks };
}

const said = (ended: { stdout: string; stderr: string }): string => ended.stdout + ended.stderr;

describe.concurrent('a part of an id', () => {
  test('is enough for every tool that takes a job', async ({ lab }) => {
    const { server, ids, asks } = await world(lab, 'Bring the key', 'Paint the shed');
    const [key = '', shed = ''] = ids;
    expect(key).toMatch(/^[a-z][2-9][a-z2-9]{6}-bring-the-key$/);
    expect(await server.ask('job_status', { job_id: 'key' })).toMatchObject({ job_id: key });
    expect((await server.ask('job_logs', { job_id: key.slice(0, 4) })).next).toContain(`"job_id":"${key}"`);
    await asks(key, 'Which key?');
    const waited = await server.ask('wait_job', { job_ids: ['bring', key, key.slice(0, 8)] });
    expect(waited.jobs.map(({ job_id }: { job_id: string }) => job_id)).toEqual([key]);
    expect(waited.cursor).toMatch(new RegExp(`^${key}:\\d+$`));
    expect(await server.ask('answer_job', { job_id: 'bring', text: 'The big one' })).toMatchObject({
      job_id: key,
    });
    const cancelled = await server.ask('cancel_job', { job_id: 'shed' });
    expect(cancelled).toMatchObject({ job_id: shed, status: 'cancelled' });
    const seen = await server.request('resources/read', { uri: 'mam://jobs/bring' });
    expect(JSON.parse(seen.result.contents[0].text)).toMatchObject({ job_id: key });
    const prompt = await server.request('prompts/get', { name: 'supervise', arguments: { job: 'bring' } });
    expect(JSON.stringify(prompt)).toContain(`the delegated job ${key}`);
  });

  test('follows a resource by its whole id', async ({ lab }) => {
    const { server, ids, asks } = await world(lab, 'Bring the key');
    await server.request('resources/subscribe', { uri: 'mam://jobs/bring' });
    await asks(ids[0] ?? '', 'Which key?');
    await until('the change is reported', () =>
      server.messages.some(({ params }) => params?.['uri'] === 'mam://jobs/bring'),
    );
  });

  test('means an open job before an ended one', async ({ lab }) => {
    const { server, ids, mam } = await world(lab, 'Bring the key', 'Bring the key');
    const [first = '', second = ''] = ids;
    const several = await server.refusal('job_status', { job_id: 'bring' });
    for (const id of ids) expect(several).toContain(`${id} (working)`);
    expect(several).toContain('bring is part of 2 job ids: ');
    expect(several).toContain('Give more of the id.');
    expect(await mam('status', 'bring')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('bring is part of 2 job ids: '),
    });
    await server.report(first, 'completed');
    expect(await server.ask('job_status', { job_id: 'bring' })).toMatchObject({ job_id: second });
    await until('the shell sees it too', async () => (await mam('status', 'bring')).stdout.includes(second));
    expect((await mam('logs', first.slice(0, 8))).stdout).toContain(first);
  });

  test('that no job has is named, with the nearest id', async ({ lab }) => {
    const { ids, mam } = await world(lab, 'Bring the key');
    const [id = ''] = ids;
    expect(await mam('wait', 'hello')).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('There is no job with this id: hello. Open jobs in '),
    });
    const typo = `${id.slice(0, -1)}x`;
    for (const command of ['wait', 'status', 'logs'])
      expect((await mam(command, typo)).stderr).toContain(`Did you mean ${id}?`);
    const elsewhere = ownRegistry(lab);
    expect((await elsewhere.mam('status', id.slice(0, 8))).stdout).toContain(id);
    expect((await elsewhere.mam('status', 'bring')).code).toBe(69);
  });
});

describe.concurrent('the random part of a job that the prompt of another one names', () => {
  test('means the named job, also for a report', async ({ lab }) => {
    const { server, mam, ids } = await world(lab, 'Bring the key');
    const [key = ''] = ids;
    const random = key.slice(0, 8);
    const { job_id: about } = await server.ask('delegate_job', {
      ...{ prompt: `${random}: look at it`, agent: 'human' },
    });
    expect(about).toContain(`-${random}-look`);
    expect((await mam('done', random, 'It is on the board.')).stdout).toContain(`${key} is completed`);
    const late = await mam('done', '--job', random, 'late words');
    expect(said(late)).toContain('has been completed');
    expect(await server.ask('job_status', { job_id: about })).toMatchObject({ status: 'working' });
  });

  test('means the named job from another project, too', async ({ lab }) => {
    const here = await world(lab, 'Bring the key');
    const random = here.ids[0]?.slice(0, 8) ?? '';
    const there = await world(lab, `${random}: look at it`);
    expect((await there.mam('status', random)).stdout).toContain(here.ids[0]);
    expect(await there.server.ask('job_status', { job_id: random })).toMatchObject({ job_id: here.ids[0] });
    expect(await there.server.ask('job_status', { job_id: 'look' })).toMatchObject({ job_id: there.ids[0] });
  });
});

describe.concurrent('a report', () => {
  test('is credited by the random part, and by no word', async ({ lab }) => {
    const { server, ids, env } = await world(lab, 'Bring the key');
    const [id = ''] = ids;
    const random = id.slice(0, 8);
    const text = await server.refusal('publish_event', { job_id: 'bring', event: 'completed' });
    expect(text).toContain('There is no job with this id.');
    const { summary, next } = await server.report(random, 'progress', { detail: 'half' });
    expect(summary).toContain(id);
    expect(next).toContain(`"job_id":"${id}"`);
    const bare = await lab.start(['publish', 'bring', 'completed'], { env }).ended;
    expect(bare).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no job with this id') });
    // Outside of its project as well.
    const far = await lab.start(['publish', random, 'progress', 'more', 'than', 'half'], { cwd: lab.folder })
      .ended;
    expect(far).toMatchObject({ code: 0, stdout: expect.stringContaining(id) });
    const near = await lab.start(['publish', random.slice(0, 4), 'completed', 'Done'], { env }).ended;
    expect(near).toMatchObject({ code: 0, stdout: expect.stringContaining(`${id} is completed`) });
  });

  test('over MQTT needs the whole id', async ({ lab }) => {
    const { server, ids } = await world(lab, 'Bring the key');
    const [id = ''] = ids;
    const client = await joinHub(lab.home, { clientId: 'raw' });
    const answer = new Promise<string>((resolve) => {
      client.on('message', (_, payload) => resolve(payload.toString()));
    });
    const reply_to = 'mam/v1/default/clients/raw/replies';
    await client.subscribeAsync(reply_to, { qos: 1 });
    const claim = JSON.stringify({ type: 'completed', reply_to });
    await client.publishAsync(`mam/v1/default/claims/${id.slice(0, 8)}`, claim, { qos: 1 });
    expect(JSON.parse(await answer)).toMatchObject({ accepted: false, unknown: true });
    await client.endAsync(true);
    expect((await server.ask('job_status', { job_id: id })).status).toBe('working');
  });
});

describe.concurrent('the one that asks', () => {
  test('gets a text without an id; several are listed, none is said', async ({ lab }) => {
    const { mam, ids, asks } = await world(lab, 'Bring the key', 'Paint the shed');
    const [key = '', shed = ''] = ids;
    expect(await mam('answer', 'Slate')).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('mam: No open job here is waiting for an answer now.'),
    });
    await asks(key, 'Which key?');
    const one = await mam('answer', 'the', 'big', 'one');
    expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(`^to ${key}: the big one\n`) });
    expect((await mam('logs', key)).stdout).toContain('the big one');
    await asks(key, 'Which key?');
    await asks(shed, 'Which colour?');
    const two = await mam('answer', 'the big one');
    expect(two).toMatchObject({ code: 64, stdout: '' });
    for (const id of ids) expect(two.stderr).toContain(`\n  mam answer ${id} 'the big one'\n`);
    const like = await mam('answer', '--', '--allow');
    for (const id of ids) expect(like.stderr).toContain(`\n  mam answer ${id} -- --allow\n`);
    const other = await mam('answer', 'shed', 'dark', 'green');
    expect(other.code).toBe(64);
    expect(other.stderr).toContain(`\n  mam answer --job ${shed} 'dark green'\n`);
    expect(await mam('answer', 'shed', 'dark green')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^to ${shed}: dark green\n`),
    });
  });

  test('never gets a text for an ended job, or for one that does not exist', async ({ lab }) => {
    const { mam, server, ids, asks } = await world(lab, 'Bring the key', 'Paint the shed');
    const [key = '', shed = ''] = ids;
    await server.report(key, 'completed');
    const ended = `Job ${key} is completed: there is nobody to answer.`;
    // Also when nothing asks.
    expect((await mam('answer', key.slice(0, 4), 'blue, in the file')).stderr).toContain(ended);
    await asks(shed, 'Which colour?');
    for (const first of [key, key.slice(0, 8), key.slice(0, 4), 'bring'])
      expect((await mam('answer', first, 'blue, in the file')).stderr, first).toContain(ended);
    for (const words of [['zzzz', 'Slate, again.'], ['hi-nosuch', 'blue'], ['z9zz', 'blue'], ['v2']])
      for (const command of ['answer', 'done'])
        expect((await mam(command, ...words)).stderr, words[0]).toContain('There is no job with this id');
    expect((await mam('answer', 'bring', 'it')).stderr).toContain(
      `\n  mam answer --job ${shed} 'bring it'\n`,
    );
    expect((await mam('answer', '')).stderr).toContain('The text is empty.');
    expect(await server.ask('job_status', { job_id: shed })).toMatchObject({ status: 'input_required' });
  });

  test('gets a decision without an id, on the request that is open', async ({ lab }) => {
    const { mam, env } = ownRegistry(lab);
    const server = await lab.startServer(env);
    expect((await mam('allow')).stderr).toContain('No open job here asks for a decision now.');
    const agent = await lab.startAsker('--kind', 'codex', '--ask', 'touch roof', '--ask', 'touch cellar');
    const { job_id: id } = await server.ask('delegate_job', {
      ...{ prompt: 'Mend the roof', agent: 'codex', agent_session: agent.address },
    });
    const shown = async (what: string) => (await lab.screen(agent)).includes(what);
    await until('it asks', async () => (await mam('list', '--needs-you')).stdout.includes(id));
    await until('its dialog is up', () => shown('touch roof'));
    expect((await mam('answer', 'yes')).stderr).toContain('No open job here is waiting for an answer now.');
    const first = await mam('allow');
    expect(first, said(first)).toMatchObject({ code: 0 });
    expect(first.stdout).toMatch(new RegExp(`^allow for ${id}: .*touch roof`));
    await until('it asks again', async () => {
      const { requests } = await server.ask('job_status', { job_id: id });
      return requests.length === 2 && (await shown('touch cellar'));
    });
    const second = await mam('answer', '--deny');
    expect(second, said(second)).toMatchObject({ code: 0 });
    expect(second.stdout).toMatch(new RegExp(`^deny for ${id}: .*touch cellar`));
    const { requests } = await server.ask('job_status', { job_id: id });
    expect(requests).toMatchObject([{ decision: 'allow' }, { decision: 'deny' }]);
  });

  test('is attached to without an id', async ({ lab }) => {
    const { mam, env } = ownRegistry(lab);
    const server = await lab.startServer(env);
    const [one, other] = [await lab.startPeer('mute'), await lab.startPeer('mute')];
    const first = await server.delegate(one);
    expect(JSON.parse((await mam('attach', '--json')).stdout)).toMatchObject({ job_id: first.job_id });
    const second = await server.delegate(other);
    const several = await mam('attach', '--json');
    expect(several.code).toBe(64);
    for (const { job_id } of [first, second]) expect(several.stderr).toContain(`\n  mam attach ${job_id} #`);
    await server.report(second.job_id, 'question', { detail: 'Which?' });
    expect(JSON.parse((await mam('attach', '--json')).stdout)).toMatchObject({ job_id: second.job_id });
  });
});
