import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import { lookWith } from '../support/doctor.ts';
import type { Lab, PeerKind, PeerOptions } from '../support/lab.ts';
import { sharingWith } from '../support/lab-test.ts';
import type { Peer } from '../support/peer.ts';
import { PATIENCE, pause, until } from '../support/until.ts';

/** How soon (ms) anyone who looks or waits is notified. */
const TOLD_MS = 2_000 * PATIENCE;
/** Longer than the next two checks of a blocked pane take. */
const NEXT_LOOKS_MS = 2_300;

const AGENTS = {
  asking: { dialog: 'Do you want' },
  drafty: { ready: '^READY>', draft: '^READY> +(\\S.*)$' },
  hidden: { ready: '^NEVER SHOWN$' },
  turning: { ready: '^READY> *$', busy: 'esc to interrupt' },
  plain: {},
};
const sharing = sharingWith({ agents: AGENTS });

interface Way {
  by: string;
  agent: keyof typeof AGENTS;
  kind?: PeerKind;
  options?: PeerOptions;
  block?(lab: Lab, peer: Peer): Promise<unknown>;
  free(lab: Lab, peer: Peer): Promise<unknown>;
}

const keys =
  (...words: string[]) =>
  (lab: Lab, { pane }: Peer) =>
    lab.tmux('send-keys', '-t', pane, ...words);

/** All ways in which a pane keeps a job out until someone acts. */
const WAYS: Way[] = [
  { by: 'dialog', agent: 'asking', kind: 'dialog', free: keys('y') },
  { by: 'draft', agent: 'drafty', options: { args: ['--box', 'my own words'] }, free: keys('C-u') },
  {
    by: 'copy_mode',
    agent: 'plain',
    block: (lab, { pane }) => lab.tmux('copy-mode', '-t', pane),
    free: keys('-X', 'cancel'),
  },
  {
    by: 'unreachable',
    agent: 'plain',
    block: (lab, { pane }) => lab.tmux('select-pane', '-d', '-t', pane),
    free: (lab, { pane }) => lab.tmux('select-pane', '-e', '-t', pane),
  },
];

async function startBlocked(lab: Lab, { by, kind = 'good', options = {}, block }: Way): Promise<Peer> {
  const peer = await lab.startPeer(kind, {
    session: `${by.replace('_', '-')}-${lab.sessions.size}`,
    ...options,
  });
  await block?.(lab, peer);
  return peer;
}

describe('a job that is kept from its pane', () => {
  sharing.for(WAYS)('by $by says so everywhere in two seconds, and once', async (way, { lab, server }) => {
    const { by, agent, free } = way;
    const peer = await startBlocked(lab, way);
    const session = { agent, agent_session: peer.address };
    const job = await server.ask('delegate_job', { prompt: 'Mend the roof', ...session });
    const { job_id } = job;
    expect(job).toMatchObject({ status: 'queued', blocked_by: by, needs_you: true });
    expect(job.next).toContain('Someone must');
    expect(job.next).toContain(job.attach_command);

    const answer = await server.ask('wait_job', { job_id });
    const waited = Date.now() - Date.parse(lab.record(job_id).created_at);
    expect(waited).toBeLessThan(TOLD_MS);
    expect(answer).toMatchObject({
      outcome: 'needs_attention',
      jobs: [{ blocked_by: by, needs_you: true }],
    });
    expect(answer.next).toMatch(/^Its pane .*Someone must/);

    const list = await server.ask('list_jobs', { needs_you: true });
    expect(list.summary).toMatch(/ needs? you\.$/);
    expect(list.need_you).toBeGreaterThan(0);
    expect(list.jobs.find((row: { job_id: string }) => row.job_id === job_id)).toMatchObject({
      ...{ status: 'queued', blocked_by: by, needs_you: true },
    });
    expect(await server.ask('job_status', { job_id })).toMatchObject({
      ...{ needs_you: true, summary: expect.stringContaining('Someone must') },
    });
    const { result } = await server.request('resources/read', { uri: 'mam://jobs' });
    expect(result.contents[0].text).toContain(`"blocked_by":"${by}","needs_you":true`);

    const next = server.wait({ job_id, cursor: answer.cursor });
    await pause(NEXT_LOOKS_MS);
    expect(next.at).toBeUndefined();
    expect(lab.events(job_id).filter((event) => dataOf(event).waited === true)).toHaveLength(1);

    await free(lab, peer);
    expect(await next.answer).toMatchObject({ outcome: 'final', jobs: [{ status: 'completed' }] });
    expect(lab.record(job_id)).not.toHaveProperty('held_up');
    expect(lab.record(job_id)).not.toHaveProperty('blocked_by');
  });

  sharing('is reported on the command line, with the step that helps', async ({ lab }) => {
    const way = WAYS[0] as Way;
    const peer = await startBlocked(lab, way);
    const words = ['--prompt', 'Mend the shed', '--agent', 'asking', '--agent-session', peer.address];
    const submit = await lab.mam('submit', '--no-wait', ...words);
    expect(submit.code).toBe(0);
    const id = /^registered job: (\S+)$/m.exec(submit.stdout)?.[1] ?? '';
    expect(submit.stderr).toContain(`its pane shows a dialog or a menu`);
    expect(submit.stderr).toContain(`mam attach ${id}`);
    const json = JSON.parse((await lab.mam('submit', '--no-wait', '--json', ...words)).stdout);
    // The second one waits only for the first.
    expect(json).toMatchObject({ position: 1, behind: [id], next: `mam attach ${id}` });
    expect(json).not.toHaveProperty('needs_you');

    const list = await lab.mam('list');
    expect(list.stdout).toMatch(new RegExp(`^${id}\\tqueued:dialog\\t`, 'm'));
    expect(list.stderr).toMatch(/\d needs? you: mam attach \S+/);
    const status = await lab.mam('status', id);
    expect(status.stdout).toMatch(/^status +queued \(blocked by dialog\)$/m);
    expect(status.stdout).toMatch(/^blocked +its pane shows a dialog or a menu\. Someone must/m);
    expect(status.stdout).toMatch(new RegExp(`^next +mam attach ${id}$`, 'm'));
    const wait = await lab.mam('wait', id);
    expect(wait.code).toBe(4);
    expect(wait.stdout).toContain(`next: mam attach ${id}`);
    const agents = await lab.mam('agents');
    expect(agents.stdout).toMatch(new RegExp(`tmux:${peer.session} .*dialog +job ${id}`));
    for (const one of [json.job_id, id]) await lab.mam('cancel', one);
  });

  sharing("by the user's own turn says so, and needs nobody while it lasts", async ({ lab, server }) => {
    const peer = await lab.startPeer('good', { session: 'turning', args: ['--busy', 'esc to interrupt'] });
    const job = await server.ask('delegate_job', {
      ...{ prompt: 'Mend it later', agent: 'turning', agent_session: peer.address, idle_timeout_seconds: 3 },
    });
    expect(job).toMatchObject({ status: 'queued', blocked_by: 'busy' });
    expect(job.summary).toContain('its pane is busy with another turn');
    expect(job).not.toHaveProperty('needs_you');
    const wait = server.wait({ job_id: job.job_id });
    await pause(NEXT_LOOKS_MS);
    expect(wait.at).toBeUndefined();
    // A turn longer than its idle_timeout is not an ordinary turn any more.
    expect(await wait.answer).toMatchObject({ outcome: 'needs_attention', jobs: [{ blocked_by: 'busy' }] });
    await lab.tmux('send-keys', '-t', peer.pane, 'y');
    expect(await server.ask('wait_job', { job_id: job.job_id, cursor: `${job.job_id}:99` })).toBeDefined();
    await until('it is delivered', () => lab.record(job.job_id).status === 'completed');
  });

  sharing('for one reason after another wakes for each', async ({ lab, server }) => {
    const way = WAYS[0] as Way;
    const peer = await startBlocked(lab, way);
    const { job_id } = await server.ask('delegate_job', {
      ...{ prompt: 'Mend the gate', agent: 'asking', agent_session: peer.address },
    });
    const first = await server.ask('wait_job', { job_id });
    await lab.tmux('copy-mode', '-t', peer.pane);
    const second = await server.ask('wait_job', { job_id, cursor: first.cursor });
    expect(second).toMatchObject({ outcome: 'needs_attention', jobs: [{ blocked_by: 'copy_mode' }] });
    await server.ask('cancel_job', { job_id });
  });
});

async function writeWords(lab: Lab, peer: Peer): Promise<void> {
  await keys('mine')(lab, peer);
  await until('they are shown', async () => (await lab.screen(peer)).includes('READY> mine'));
}

const edited = { agent: 'drafty', options: { args: ['--edit'] }, free: keys('C-u') } satisfies Partial<Way>;
/** All ways in which a text other than the order is kept out. */
const LATER: Way[] = [
  { by: 'draft', ...edited, block: writeWords },
  ...WAYS.filter(({ by }) => by === 'copy_mode' || by === 'unreachable'),
];

describe('a text for a peer that has its order', () => {
  sharing.for(LATER)('kept by $by says so everywhere in two seconds, once', async (way, { lab, server }) => {
    const { by, agent, free, block } = way;
    const peer = await startBlocked(lab, { ...way, kind: 'mute', block: async () => {} });
    const { job_id } = await server.ask('delegate_job', {
      ...{ prompt: 'Mend the boat', agent, agent_session: peer.address },
    });
    await peer.gets(1, 1);
    await (await lab.reporter).report(job_id, 'question', { detail: 'Which colour?' });
    const asked = await server.ask('wait_job', { job_id });
    await block?.(lab, peer);
    const given = Date.now();
    await server.ask('answer_job', { job_id, text: 'Red' });
    const kept = { status: 'working', blocked_by: by, blocked_what: 'messages', needs_you: true };
    const answer = await server.ask('wait_job', { job_id, cursor: asked.cursor });
    expect(Date.now() - given).toBeLessThan(TOLD_MS);
    expect(answer).toMatchObject({ outcome: 'needs_attention', jobs: [kept] });
    expect(answer.next).toMatch(/^A message for its peer is blocked: its pane .*Someone must/);
    expect(await server.ask('job_status', { job_id })).toMatchObject(kept);
    const list = await server.ask('list_jobs', { needs_you: true });
    expect(list.jobs.find((row: { job_id: string }) => row.job_id === job_id)).toMatchObject(kept);
    await until('job.json says so', () => lab.snapshot(job_id).blocked_by === by);
    const status = await lab.mam('status', job_id);
    expect(status.stdout).toMatch(/^blocked +a message for its peer is blocked: its pane/m);
    const step =
      by === 'unreachable' ? `tmux -S ${lab.socket} select-pane -e -t ${peer.pane}` : `mam attach ${job_id}`;
    expect(status.stdout).toContain(`\nnext       ${step}\n`);

    const next = server.wait({ job_id, cursor: answer.cursor });
    await pause(NEXT_LOOKS_MS);
    expect(next.at).toBeUndefined();
    expect(lab.events(job_id).filter(({ type }) => type === 'blocked')).toHaveLength(1);
    await free(lab, peer);
    const freed = Date.now();
    await peer.gets(2, 2);
    await until('nothing is kept', () => lab.record(job_id).blocked_by === undefined);
    expect(Date.now() - freed).toBeLessThan(TOLD_MS);
    const after = await server.ask('job_status', { job_id });
    for (const name of [...Object.keys(kept).slice(1), 'blocked_evidence', 'blocked_step'])
      expect(after).not.toHaveProperty(name);
    await server.ask('cancel_job', { job_id });
    expect(await next.answer).toMatchObject({ outcome: 'final' });
  });

  sharing('is kept until it is fetched; the next hub still reports it', async ({ lab, server, reporter }) => {
    const peer = await lab.startPeer('mute', { session: 'fetching' });
    const { job_id } = await server.ask('delegate_job', {
      ...{ prompt: 'Mend the oars', agent: 'plain', agent_session: peer.address },
    });
    await peer.gets(1, 1);
    await lab.tmux('copy-mode', '-t', peer.pane);
    const isKept = () => lab.record(job_id).blocked_what === 'messages';
    await server.ask('answer_job', { job_id, text: 'Red' });
    await until('it is told', isKept);
    const more = await server.ask('answer_job', { job_id, text: 'Or green' });
    expect(more.delivered).toContain('Now a message for its peer is blocked: its pane is in copy mode.');
    const answer = await reporter.report(job_id, 'progress');
    expect(answer.messages.join()).toContain('Red');
    expect(isKept()).toBe(false);
    await server.ask('answer_job', { job_id, text: 'Blue' });
    await until('it is told again', isKept);
    // It is still reported after its hub was killed, and the next one withdraws it.
    await lab.killHub();
    await until('the next hub says so', async () => {
      const { needs_you } = await server.ask('job_status', { job_id });
      return needs_you === true;
    });
    await lab.tmux('send-keys', '-t', peer.pane, '-X', 'cancel');
    await peer.gets(2, 2);
    await until('nothing is kept', () => !isKept());
    await server.ask('cancel_job', { job_id });
  });
});

describe('a job behind one that needs someone', () => {
  sharing('says everywhere which job it waits for, until that is over', async ({ lab, server, reporter }) => {
    const peer = await lab.startPeer('mute', { session: 'queue' });
    const job = { agent: 'plain', agent_session: peer.address };
    const { job_id: first } = await server.ask('delegate_job', { prompt: 'Mend the door', ...job });
    await peer.gets(1, 1);
    const second = await server.ask('delegate_job', {
      prompt: 'Paint it',
      ...job,
      idle_timeout_seconds: 4,
    });
    expect(second).not.toHaveProperty('blocked_by');
    await reporter.report(first, 'question', { detail: 'Which door?' });
    const behind = { job_id: first, needs: 'question' };
    await until('it says so', () => lab.record(second.job_id).behind?.needs === 'question', TOLD_MS);
    const kept = { status: 'queued', blocked_by: 'behind', behind };
    const status = await server.ask('job_status', { job_id: second.job_id });
    expect(status).toMatchObject(kept);
    expect(status).not.toHaveProperty('needs_you');
    expect(status.summary).toContain(`job ${first} has its pane and needs someone (question)`);
    expect(status.next).toContain(`Call job_status with {"job_id":"${first}"}.`);
    const third = await server.ask('delegate_job', { prompt: 'Oil it', ...job });
    expect(third).toMatchObject({ position: 2, blocked_by: 'behind', behind: [first, second.job_id] });
    expect(third.summary).toContain(`(${first} has the pane and needs someone: question)`);
    const dry = await server.ask('delegate_job', { prompt: 'Oil it', ...job, dry_run: true });
    expect(dry.summary).toContain(`(${first} has the pane and needs someone: question)`);
    const { jobs } = await server.ask('list_jobs', {});
    expect(jobs.find((row: { job_id: string }) => row.job_id === third.job_id)).toMatchObject(kept);
    const title = `Job ${third.job_id} is waiting: job ${first} has its pane and needs someone (question).`;
    // It reads the files, which are written shortly after the journal.
    await until(
      'the doctor says so',
      async () =>
        (await lookWith(lab, ['kept jobs'])).all('registry.kept').some((one) => one.title === title),
      TOLD_MS,
    );
    const shown = await lab.mam('status', third.job_id);
    expect(shown.stdout).toMatch(new RegExp(`^next +mam answer ${first} "YOUR ANSWER"$`, 'm'));

    // A wait longer than its idle_timeout is not an ordinary wait.
    const waited = await server.ask('wait_job', { job_id: second.job_id });
    expect(waited).toMatchObject({ outcome: 'needs_attention', jobs: [{ ...kept, needs_you: true }] });
    await reporter.report(first, 'progress');
    for (const id of [second.job_id, third.job_id])
      await until('it is withdrawn', () => lab.record(id).blocked_by === undefined, TOLD_MS);
    expect(await server.ask('job_status', { job_id: second.job_id })).not.toHaveProperty('needs_you');
    // The second job is next at the pane, and is kept from it.
    await lab.tmux('copy-mode', '-t', peer.pane);
    await server.ask('cancel_job', { job_id: first });
    await until('the third says so', () => {
      const { needs, job_id } = lab.record(third.job_id).behind ?? {};
      return job_id === second.job_id && needs === 'copy_mode';
    });
    for (const id of [third.job_id, second.job_id]) await server.ask('cancel_job', { job_id: id });
  });
});

sharing('a pane that shows no input box keeps a job out, and is named', async ({ lab, server }) => {
  const peer = await lab.startPeer('mute', { session: 'hidden' });
  const { job_id } = await server.ask('delegate_job', {
    ...{ prompt: 'Find the box', agent: 'hidden', agent_session: peer.address },
  });
  expect(await server.ask('wait_job', { job_id })).toMatchObject({
    ...{ outcome: 'needs_attention', jobs: [{ blocked_by: 'not_ready', needs_you: true }] },
  });
  await server.ask('cancel_job', { job_id });
});
