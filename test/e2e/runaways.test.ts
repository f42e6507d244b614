import { existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import type { Peer } from '../support/peer.ts';
import { until } from '../support/until.ts';

/** One after another: each counts the jobs that it has made. One server delegates if it does not matter which. */
const test = sharing.extend<{ server: LabServer; made: () => string[] }>({
  server: [async ({ lab }, use) => use(await lab.startServer()), { scope: 'file' }],
  /** The jobs made since the test started. */
  made: async ({ lab }, use) => {
    const before = lab.jobIds();
    await use(() => lab.jobIds().filter((id) => !before.includes(id)));
  },
});

/** A peer that delegates further as soon as it has its own order; `out` returns the outcome. */
async function delegating(lab: Lab, session: string, to: string, before = '') {
  const file = join(lab.folder, `out-${session}`);
  lab.expected.push(/^out-\w+$/);
  const submit = `${before} "${process.execPath}" "${PROGRAM}" submit --no-wait --agent command --agent-session ${to} --prompt more`;
  const hook = `${submit} > ${file}.part 2>&1; mv ${file}.part ${file}`;
  const peer = await lab.startPeer('mute', { session, args: ['--hook', hook] });
  const out = () => until(`${session} has delegated`, () => readFileSync(file, 'utf8'));
  return { peer, out };
}

const idIn = (out: string): string => /^registered job: (\S+)$/m.exec(out)?.[1] ?? `none in: ${out}`;

describe('open jobs of one session', () => {
  const refusal = '2 open jobs, and the limit is 2 (MAM_MAX_OPEN_JOBS or max_open_jobs)';

  // Runs first: it counts what all shells have open.
  test('are limited for a person: all shells are one session', async ({ lab, server, made }) => {
    const peer: Peer = await lab.startPeer('mute');
    const env = { MAM_MAX_OPEN_JOBS: '2' };
    const words = ['submit', '--no-wait', '--agent', 'command', '--agent-session', peer.address, '--prompt'];
    for (const prompt of ['one', 'two'])
      expect((await lab.start([...words, prompt], { env }).ended).code).toBe(0);
    const { code, stderr } = await lab.start([...words, 'three'], { env }).ended;
    expect(stderr).toContain(refusal);
    expect(stderr).toContain('mam cancel');
    expect(code).not.toBe(0);
    expect(made()).toHaveLength(2);
    for (const job_id of made()) await server.ask('cancel_job', { job_id });
  });

  test('are limited per server, even simultaneous ones; an ended job makes room', async ({ lab, made }) => {
    const peer = await lab.startPeer('mute');
    const server = await lab.startServer({ MAM_MAX_OPEN_JOBS: '2' });
    const job = { prompt: 'Mend the roof', agent: 'command', agent_session: peer.address };
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => server.call('delegate_job', { ...job, request_key: `n${n}` })),
    );
    const errors = answers.filter(({ isError }) => isError === true);
    expect(errors.map(({ content }) => content[0].text)).toEqual([
      expect.stringContaining(refusal),
      expect.stringContaining(refusal),
    ]);
    const [id] = made();
    expect(errors[0].content[0].text).toContain(id);
    expect(made()).toHaveLength(2);
    // Another session has its own number.
    const other = await lab.startServer({ MAM_MAX_OPEN_JOBS: '1' });
    await other.delegate(peer);
    expect(await other.refusal('delegate_job', job)).toContain('has 1 open job, and the limit is 1');
    await server.ask('cancel_job', { job_id: id });
    await server.delegate(peer);
    // The same key still returns the same job.
    const kept = made()
      .map((one) => lab.record(one))
      .find(({ status, request_key: key }) => key?.startsWith('n') && status !== 'cancelled');
    expect(await server.ask('delegate_job', { ...job, request_key: kept?.request_key })).toMatchObject({
      job_id: kept?.job_id,
      repeated: true,
    });
  });
});

describe("no job for one's own pane:", () => {
  test('by name, number, place, a linked window, another path of the socket', async ({ lab, made }) => {
    const peer = await lab.startPeer('mute');
    await lab.startSession('other', 'exec sleep 1000');
    await lab.tmux('link-window', '-d', '-s', `=${peer.session}:`, '-t', '=other:7');
    const place = '#{window_index}.#{pane_index}';
    const window = await lab.tmux('display-message', '-p', '-t', `=${peer.session}:`, place);
    const alias = join(lab.folder, 'alias');
    lab.expected.push(/^alias$/);
    symlinkSync(lab.socket, alias);
    const places = [peer.address, `tmux:${peer.pane}`, `${peer.address}:${window}`, 'tmux:other:7'];
    const env = lab.envOf(peer);
    const server = await lab.startServer(env);
    const renamed = { ...env, TMUX: `${alias},1,0`, TMUX_SERVER_NAME: 'default' };
    const aliased = await lab.startServer(renamed);
    for (const agent_session of places) {
      const job = { prompt: 'Mend the roof', agent: 'command', agent_session };
      for (const one of [server, aliased])
        expect(await one.refusal('delegate_job', job)).toContain(`Pane ${peer.pane} is your own`);
      const words = ['submit', '--prompt', 'x', '--agent', 'command', '--agent-session', agent_session];
      const { code, stderr } = await lab.start(words, { env }).ended;
      expect(stderr).toContain(`Pane ${peer.pane} is your own. Name another agent's session.`);
      expect(code).not.toBe(0);
    }
    expect(made()).toEqual([]);
    expect(peer.bytes.toString()).toBe('');
  });

  test('nor for the pane of a shell that does not know where it is', async ({ lab, server, made }) => {
    await server.ask('list_agents');
    const words = 'submit x --agent command --trust-pane --agent-session tmux:me';
    lab.expected.push(/^said$/);
    const said = join(lab.folder, 'said');
    await lab.startSession(
      'me',
      `exec env -u TMUX_PANE '${process.execPath}' '${PROGRAM}' ${words} 2>'${said}'`,
    );
    const text = () => (existsSync(said) ? readFileSync(said, 'utf8') : '');
    await until('it is refused', () => text().includes('Name another agent'));
    expect(text()).toMatch(/Pane %\d+ is your own\./);
    expect(made()).toEqual([]);
  });

  test('nor for the pane of an agent without that information', async ({ lab, server, made }) => {
    const { peer, out } = await delegating(lab, 'blind', 'tmux:blind', 'env -u TMUX -u TMUX_PANE');
    await server.delegate(peer);
    expect(await out()).toContain(`Pane ${peer.pane} is your own`);
    expect(made()).toHaveLength(1);
  });
});

describe('a peer that delegates further', () => {
  test('makes jobs that know their parent, as deep as is allowed', async ({ lab, server, made }) => {
    const last = await lab.startPeer('mute', { session: 'last' });
    const third = await delegating(lab, 'third', last.address, 'MAM_MAX_DEPTH=2');
    const outside = 'env -u TMUX -u TMUX_PANE MAM_MAX_DEPTH=2';
    const second = await delegating(lab, 'second', third.peer.address, outside);
    const first = await delegating(lab, 'first', second.peer.address, 'MAM_MAX_DEPTH=2');
    const { job_id: top } = await server.delegate(first.peer);
    const child = idIn(await first.out());
    const grandchild = idIn(await second.out());
    expect(lab.record(child)).toMatchObject({ depth: 1, parent_job_id: top });
    expect(lab.record(grandchild)).toMatchObject({ depth: 2, parent_job_id: child });
    const refused = await third.out();
    expect(refused).toContain('a job of depth 3, and the limit is 2 (MAM_MAX_DEPTH or max_depth)');
    expect(refused).toContain(`you work on job ${grandchild}, which has depth 2`);
    expect(refused).toContain('Do it yourself, or ask your supervisor');
    expect(made().sort()).toEqual([top, child, grandchild].sort());
    expect(last.bytes.toString()).toBe('');
  });

  test('delegates nothing where the configuration says so', async ({ lab, server }) => {
    const other = await lab.startPeer('mute', { session: 'idle' });
    lab.configure('{"max_depth":0}');
    const { peer, out } = await delegating(lab, 'barred', other.address);
    try {
      await server.delegate(peer);
      expect(await out()).toContain('a job of depth 1, and the limit is 0');
    } finally {
      rmSync(join(lab.home, 'config.json'));
    }
  });

  test('never to a job that waits for it, over however many jobs', async ({ lab, made }) => {
    const top = await lab.startPeer('mute', { session: 'top' });
    const toTop = await delegating(lab, 'toTop', top.address);
    const second = await delegating(lab, 'inner', 'tmux:outer');
    const first = await delegating(lab, 'outer', second.peer.address);
    const server = await lab.startServer(lab.envOf(top));
    const { job_id: one } = await server.delegate(first.peer);
    const child = idIn(await first.out());
    const back = await second.out();
    expect(back).toContain(`Pane ${first.peer.pane} is where your own work comes from`);
    expect(back).toContain(`Its agent works on job ${one} and waits for job ${child}`);
    expect(back).toContain('Ask it with `mam publish --event question`');
    await server.delegate(toTop.peer);
    expect(await toTop.out()).toContain(`Pane ${top.pane} is where your own work comes from`);
    expect(made()).toHaveLength(3);
    for (const { pastes } of [first.peer, second.peer]) expect(pastes).toHaveLength(1);
    expect(top.bytes.toString()).toBe('');
  });
});
