import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { sharing } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

describe.concurrent('a question', () => {
  sharing('is answered with the next report if no pane takes it', async ({ lab, server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    await reporter.report(jobId, 'started');
    await lab.tmux('copy-mode', '-t', peer.pane);
    await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    expect(await server.ask('wait_job', { job_id: jobId })).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ status: 'input_required', reason: 'question', open_request: 'Slate or tin?' }],
    });
    const answered = await server.ask('answer_job', { job_id: jobId, text: 'Tin.' });
    expect(answered).toMatchObject({ status: 'working', messages: [expect.stringContaining('Tin.')] });
    const { messages } = await reporter.report(jobId, 'progress', { detail: 'still here' });
    expect(messages).toEqual(['The answer to your question "Slate or tin?": Tin.']);
    expect((await reporter.report(jobId, 'progress', { detail: 'and on' })).messages).toEqual([]);
    await lab.tmux('send-keys', '-X', '-t', peer.pane, 'cancel');
    await reporter.report(jobId, 'completed', { detail: 'done' });
    expect(peer.pastes).toHaveLength(1);
  });

  sharing('tells its peer to wait for the answer, not to go on', async ({ lab, server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    const { next } = await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    expect(next).toMatch(/^Until the answer arrives, do nothing .* typed into your pane.* end your turn/);
    const may = await reporter.report(jobId, 'permission_required', { detail: 'Push?' });
    expect(may.next).toMatch(/^It is not allowed yet: do not do it before the decision/);
    const asked = ['--event', 'permission_required', '--detail', 'Push?'];
    const said = await lab.mam('publish', '--job', jobId, ...asked);
    expect(said.stdout).toContain(`\n${may.next}`);
    await server.ask('answer_job', { job_id: jobId, text: 'Tin.' });
    const more = await reporter.report(jobId, 'question', { detail: 'And the wall?' });
    expect(more.next).toMatch(/^Read the messages and act on them\. Until the answer arrives, do nothing /);
    await reporter.report(jobId, 'completed');
  });

  sharing('answered twice at once takes the first; the second learns that', async ({ server, reporter }) => {
    const { job_id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
    await reporter.report(job_id, 'question', { detail: 'Slate or tin?' });
    const say = async (text: string) => (await server.ask('answer_job', { job_id, text })).delivered;
    const told = await Promise.all([say('Tin.'), say('Slate.')]);
    expect(told.map((words) => words.includes('The instruction is in'))).toEqual([false, true]);
    const { messages, next } = await reporter.report(job_id, 'completed');
    expect(next).toBe(
      'This report has ended the job, so there is nothing left to do for it. The messages were sent before that.',
    );
    expect(messages).toEqual([
      'The answer to your question "Slate or tin?": Tin.',
      'A message from whoever delegated this job: Slate.',
    ]);
  });

  sharing('is answered in the pane of a peer that does not call', async ({ lab, server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer, { trust_pane: true });
    await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    await server.ask('answer_job', { job_id: jobId, text: 'Tin.' });
    await peer.gets(2, 2);
    expect(peer.pastes[1]).toContain(
      `Job ${jobId}, for you: The answer to your question "Slate or tin?": Tin.`,
    );
    await until('nothing waits for the peer', () => lab.record(jobId).messages.length === 0);
    expect(lab.types(jobId).slice(-3)).toEqual(['answered', 'pasting', 'submitted']);
    await reporter.report(jobId, 'completed');
  });

  sharing('is fetched if its pane may be a shell, which would run it', async ({ server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    await reporter.report(jobId, 'question', { detail: 'Slate; or "tin"?' });
    await server.ask('answer_job', { job_id: jobId, text: 'Tin; touch /tmp/x' });
    await peer.gets(2, 2);
    for (const typed of peer.pastes) expect(typed).toMatch(/^[A-Za-z0-9 _./:,\n-]+$/);
    expect(peer.pastes[1]).toContain(`publish --job ${jobId} --event progress`);
    const { messages } = await reporter.report(jobId, 'progress');
    expect(messages).toEqual(['The answer to your question "Slate; or "tin"?": Tin; touch /tmp/x']);
    await reporter.report(jobId, 'completed');
  });

  sharing('several at once are each typed once', async ({ lab, server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer, { trust_pane: true });
    await reporter.report(jobId, 'started');
    const words = ['first', 'second', 'third', 'fourth'];
    for (const text of words) await server.ask('answer_job', { job_id: jobId, text });
    await until('nothing waits for the peer', () => lab.record(jobId).messages.length === 0);
    const typed = peer.pastes.slice(1).join(' ');
    for (const word of words) expect(typed.split(` ${word}`)).toHaveLength(2);
    await reporter.report(jobId, 'completed');
  });

  sharing('a long instruction is fetched, not typed', async ({ server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    await reporter.report(jobId, 'started');
    const text = `First line\n${'und weiter '.repeat(150)}`.trim();
    await server.ask('answer_job', { job_id: jobId, text });
    await peer.gets(2, 2);
    expect(peer.pastes[1]).toContain('and event progress. Its answer holds it.');
    const { messages } = await reporter.report(jobId, 'progress');
    expect(messages).toEqual([`A message from whoever delegated this job: ${text}`]);
    await reporter.report(jobId, 'completed');
  });

  sharing('bad answers are refused', async ({ server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    const refused = (args: object) => server.refusal('answer_job', { job_id: jobId, ...args });
    expect(await refused({})).toContain('either a text or a decision');
    expect(await refused({ text: 'x', decision: 'allow' })).toContain('either a text or a decision');
    expect(await refused({ decision: 'allow' })).toContain('no open permission request');
    expect(await refused({ text: 'x'.repeat(2_001) })).toContain('at most 2000 characters');
    await reporter.report(jobId, 'completed');
    expect(await refused({ text: 'more' })).toContain('is completed: there is nobody to answer');
  });
});

describe.concurrent('a permission that the peer itself asks for', () => {
  sharing('is decided by answer_job', async ({ lab, server, reporter, peer }) => {
    const { job_id: jobId } = await server.delegate(peer);
    await lab.tmux('copy-mode', '-t', peer.pane);
    await reporter.report(jobId, 'permission_required', { detail: 'rm the old roof' });
    expect((await server.ask('wait_job', { job_id: jobId })).jobs[0].reason).toBe('permission');
    const none = { job_id: jobId, decision: 'allow', request_id: 'perm-0' };
    const unknown = await server.refusal('answer_job', none);
    expect(unknown).toContain(`Job ${jobId} has no permission request with this request_id.`);
    expect(unknown).toContain('Nothing was decided. This one is open now: rm the old roof. If you mean that');
    const answered = await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
    expect(answered.status).toBe('working');
    expect(await server.refusal('answer_job', none)).toContain(
      'with this request_id, and no other request is open',
    );
    const { messages } = await reporter.report(jobId, 'progress');
    expect(messages).toEqual(['You asked for permission ("rm the old roof"). The decision: deny.']);
    await reporter.report(jobId, 'completed');
    const { events } = await server.ask('wait_job', { job_id: jobId, cursor: `${jobId}:0` });
    const answer = events.find(({ type }: { type: string }) => type === 'answered');
    expect(answer).toMatchObject({ source: 'supervisor', detail: 'deny' });
  });
});

describe.concurrent('validation rounds', () => {
  const script = 'test -e roof || { echo "no roof in $PWD"; exit 3; }\n';

  sharing('a failure goes back to the peer, who fixes it', async ({ lab, server, reporter, peer }) => {
    const validate = lab.write('mended/check.sh', script);
    const { job_id: jobId } = await server.delegate(peer, {
      ...{ validate, validate_rounds: 2, trust_pane: true, workdir: 'mended' },
    });
    await reporter.report(jobId, 'completed', { detail: 'done' });
    await peer.gets(2, 2);
    expect(peer.pastes[1]).toContain('Your result did not pass the check (run 1 of 3:');
    expect(peer.pastes[1]).toContain('ended with exit code 3');
    expect(lab.record(jobId)).toMatchObject({ status: 'working', validation: { rounds: 1, passed: false } });
    lab.write('mended/roof', '');
    await reporter.report(jobId, 'completed', { detail: 'now it is there' });
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ status: 'completed', validation: { passed: true } });
  });

  sharing('at most that often', async ({ lab, server, reporter, peer }) => {
    const validate = lab.write('never/check.sh', script);
    const { job_id: jobId } = await server.delegate(peer, {
      ...{ validate, validate_rounds: 1, workdir: 'never' },
    });
    await reporter.report(jobId, 'completed');
    await peer.gets(2, 2);
    await reporter.report(jobId, 'completed');
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ status: 'failed', reason: 'validation_failed' });
    expect(lab.record(jobId).validation?.rounds).toBe(2);
    expect(peer.pastes).toHaveLength(2);
  });
});

describe.concurrent('a job for a person', () => {
  sharing('is listed, not typed, and done with one word', async ({ lab }) => {
    const validate = lab.write('check.sh', 'test -e key\n');
    // In its own registry all jobs are its own: a report without an id finds the open one.
    lab.expected.push(/^p\/\.mam\/own\//);
    const env = { MAM_REGISTRY_DIR: join(lab.project, '.mam', 'own') };
    const mam = (...args: string[]) => lab.start(args, { env, input: '' }).ended;
    const server = await lab.startServer(env);
    const { job_id: jobId, ...answer } = await server.ask('delegate_job', {
      prompt: 'Bring the key',
      agent: 'human',
      validate,
    });
    expect(answer).toMatchObject({ status: 'working', delivery_stage: 'submitted' });
    expect((await mam('list')).stdout).toContain(jobId);
    lab.write('key', '');
    const reporter = await lab.startServer(env);
    const { next } = await reporter.report(jobId, 'permission_required', { detail: 'Take the car?' });
    expect(next).toContain(`The decision will be in the job's record: \`mam status ${jobId}\`.`);
    const { delivered } = await server.ask('answer_job', { job_id: jobId, decision: 'deny' });
    expect(delivered).toBe(
      `The decision (deny: Take the car?) is in the job's record (\`mam status ${jobId}\`).`,
    );
    await server.ask('answer_job', { job_id: jobId, text: 'The small one.' });
    const done = await mam('done', 'on the board');
    expect(done.stdout).toContain(`recorded: completed; ${jobId} is being checked\n`);
    expect(done.stdout).toContain('for you: A message from whoever delegated this job: The small one.');
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ status: 'completed', detail: 'on the board' });
    expect((await mam('done')).stderr).toContain('No job for a person is open here');
    const { events } = await server.ask('job_logs', { job_id: jobId });
    expect(events.find(({ type }: { type: string }) => type === 'completed').by).toBe('person');
    // Of several jobs, the first word may name one.
    for (const prompt of ['Water the plants', 'Sweep'])
      await server.ask('delegate_job', { prompt, agent: 'human' });
    const water = await mam('done', 'water', 'all wet');
    expect(water.stdout).toMatch(/^recorded: \w+-water-the-plants is completed/);
    expect((await mam('done', 'sweep')).stdout).toMatch(/^recorded: \w+-sweep is completed/);
  });

  sharing('is shown to anyone who views the session, as it was written', async ({ lab, server }) => {
    await lab.startSession('desk', 'exec bash --norc --noprofile -i');
    await lab.startSession('eyes', `exec env -u TMUX tmux -S '${lab.socket}' attach -t '=desk'`);
    await until('someone looks', async () => (await lab.tmux('list-clients', '-t', '=desk')) !== '');
    const job = { prompt: 'Paint 50% #{pane_id} #(id)', agent: 'human', agent_session: 'tmux:desk' };
    const { job_id, delivery } = await server.ask('delegate_job', job);
    expect(delivery.at(-1).evidence).toContain('shown to 1 client of session desk');
    await until('it is shown', async () => {
      const screen = await lab.tmux('capture-pane', '-p', '-t', '=eyes:');
      return screen.includes('Job for you: Paint 50% #{pane_id} #(id)');
    });
    await server.ask('cancel_job', { job_id });
  });

  sharing('is cancelled with a request to tell the person', async ({ lab, server }) => {
    const { job_id } = await server.ask('delegate_job', { prompt: 'Bring the key', agent: 'human' });
    expect((await lab.mam('cancel', job_id)).stdout).toBe(`${job_id} is cancelled. Tell the person.\n`);
  });

  sharing('is shown in the session that was named, with its own time limit', async ({ lab, server }) => {
    await lab.startSession('table', 'exec bash --norc --noprofile -i');
    const job = { prompt: 'Bring the key', agent: 'human', agent_session: 'tmux:table', timeout_seconds: 1 };
    const { job_id: jobId, delivery } = await server.ask('delegate_job', job);
    expect(delivery.at(-1).evidence).toContain('shown to 0 clients of session table');
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ status: 'failed', reason: 'timeout' });
    // Too late, but still useful: the reporter is told so.
    const done = await lab.mam('done', jobId, 'on the board');
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(' is completed') });
    expect(done.stderr).toMatch(/job failed \(timeout\) at .*Your late report amends that end\.\n$/);
    expect(await server.refusal('delegate_job', { ...job, agent_session: 'tmux:none' })).toContain(
      'There is no tmux session',
    );
  });
});
