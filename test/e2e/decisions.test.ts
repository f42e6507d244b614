import { describe, expect } from 'vitest';
import { replyTopic, requestTopic } from '../../src/bus/topics.ts';
import type { Lab } from '../support/lab.ts';
import type { Json, LabServer } from '../support/lab-server.ts';
import { sharing as test } from '../support/lab-test.ts';
import { joinHub } from '../support/mqtt.ts';
import { pause, until } from '../support/until.ts';

/** Nobody reads a dialog and answers it sooner; the hub has seen it by then. */
const HUMAN_MS = 1_000;

type Kind = 'codex' | 'claude-code';

/** A job whose agent asks for these commands one after another, once the first dialog is reported. */
async function asking(lab: Lab, server: LabServer, kind: Kind, ...commands: string[]) {
  return askingWith(lab, server, kind, [], ...commands);
}

async function askingWith(
  lab: Lab,
  server: LabServer,
  kind: Kind,
  flags: readonly string[],
  ...commands: string[]
) {
  const asks = commands.flatMap((command) => ['--ask', command]);
  const agent = await lab.startAsker('--kind', kind, ...flags, ...asks);
  const { job_id: id } = await server.ask('delegate_job', {
    prompt: 'Mend the roof',
    agent: kind,
    agent_session: agent.address,
  });
  const { jobs } = await server.ask('wait_job', { job_id: id });
  expect(jobs[0]).toMatchObject({
    reason: 'permission',
    open_request: expect.stringContaining(commands[0] ?? ''),
  });
  await until('its dialog is up', async () => (await lab.screen(agent)).includes(commands[0] ?? ''));
  return { agent, id: id as string };
}

const answer = (server: LabServer, id: string, decision: 'allow' | 'deny') =>
  server.ask('answer_job', { job_id: id, decision });

describe.concurrent('a decision', () => {
  test('whose effect is reported before it is shown is the one that was made', async ({ lab, server }) => {
    const { agent, id } = await asking(lab, server, 'codex', 'touch roof');
    const { requests, delivered } = await answer(server, id, 'deny');
    expect(delivered).toContain('Escape was pressed (deny) and the dialog went away');
    expect(requests).toMatchObject([{ decision: 'deny', decided_by: 'supervisor' }]);
    // The end of the turn is reported while the key takes effect, and is that of a denial: the peer should continue.
    await agent.gets(2, 2);
    expect(agent.pastes[1]).toContain('is still open and your turn has ended');
    expect(lab.types(id)).not.toContain('turn_ended');
  });

  test('by key is one key, and the next dialog waits for its own', async ({ lab, server }) => {
    const { agent, id } = await asking(lab, server, 'codex', 'touch roof', 'touch cellar');
    expect((await answer(server, id, 'allow')).delivered).toContain('1 was pressed (allow)');
    const { jobs } = await server.ask('wait_job', { job_id: id });
    expect(jobs[0].open_request).toContain('touch cellar');
    expect(agent.keys.replaceAll('\r', '')).toBe('1');
    expect(lab.record(id).requests).toMatchObject([{ decision: 'allow', decided_by: 'supervisor' }, {}]);
  });

  test('that its client sends again, having lost its connection, counts once', async ({ lab, server }) => {
    const { agent, id } = await asking(lab, server, 'codex', 'touch roof', 'touch cellar');
    const { realm, host } = lab.hub();
    const client = await joinHub(lab.home);
    const replies: Json[] = [];
    client.on('message', (_, text) => replies.push(JSON.parse(text.toString())));
    await client.subscribeAsync(replyTopic(realm, 'roofer'));
    const params = { job_id: id, registry_dir: lab.registry, decision: 'allow', by: 'person' };
    const ask = { request_id: 'roof', protocol: 1, command: 'answer', params };
    const text = JSON.stringify({ ...ask, reply_to: replyTopic(realm, 'roofer') });
    const send = () => client.publishAsync(requestTopic(realm, host), text, { qos: 1 });
    await Promise.all([send(), send()]);
    await until('it is carried out', () => replies.length > 0);
    await until('the next one is open', () => lab.record(id).requests.length > 1);
    await send();
    await until('it is answered again', () => replies.length > 1);
    expect(replies[0].result.delivered).toContain('1 was pressed (allow)');
    expect(replies[1].result.delivered).toContain('no longer open: allow');
    expect(agent.settled).toEqual([['touch roof', true]]);
    expect(lab.types(id)).not.toContain('decision_refused');
  });

  test('on what a person has just answered is refused, though its hook waits', async ({ lab, server }) => {
    const { agent, id } = await asking(lab, server, 'claude-code', 'touch roof', 'touch cellar');
    await pause(HUMAN_MS);
    await lab.tmux('send-keys', '-t', agent.pane, '1');
    await until('the next dialog is reported', () => lab.record(id).requests.length > 1);
    await until('it is up', async () => (await lab.screen(agent)).includes('touch cellar'));
    const refused = await server.refusal('answer_job', { job_id: id, decision: 'allow' });
    expect(refused).toContain('is no longer open');
    expect(refused).toContain('touch cellar');
    expect(lab.record(id).requests[0]?.decided_by).toBeUndefined();
    expect(await lab.screen(agent)).toContain('touch cellar');
    const { jobs } = await server.ask('wait_job', { job_id: id });
    expect(jobs[0].open_request).toContain('touch cellar');
    expect((await answer(server, id, 'allow')).delivered).toContain(
      "The agent's hook has taken the decision",
    );
    await until('the dialog is gone', async () => !(await lab.screen(agent)).includes('Do you want'));
  });

  /** Each is like the one before it. */
  const ALIKE = [
    'touch main',
    'touch main && touch forced',
    'touch a',
    'touch b',
    'touch собака',
    'touch корова',
  ];
  describe.each([
    ['codex', []],
    ['codex', ['--silent']],
    ['claude-code', []],
    ['claude-code', ['--silent']],
  ] as const)('of %s %s', (kind, flags) => {
    test('that arrives after a person allowed never counts for the next command', async ({ lab, server }) => {
      const { agent, id } = await askingWith(lab, server, kind, flags, ...ALIKE);
      for (const next of ALIKE.slice(1)) {
        await pause(HUMAN_MS);
        await lab.tmux('send-keys', '-t', agent.pane, '1');
        const isUp = async () => (await lab.screen(agent)).includes(`${next}\n`);
        await until('the next dialog is up', isUp);
        const refused = await server.refusal('answer_job', { job_id: id, decision: 'allow' });
        expect(refused).toMatch(/no longer open|no open permission request/);
        const { jobs } = await server.ask('wait_job', { job_id: id });
        expect(jobs[0].open_request).toBe(`Bash: ${next}`);
        expect(await isUp()).toBe(true);
      }
      await answer(server, id, 'deny');
      await until('all is settled', () => !lab.record(id).requests.some(({ resolved_at: at }) => !at));
      expect(agent.settled).toEqual(ALIKE.map((command, n) => [command, n < ALIKE.length - 1]));
      const decided = lab.record(id).requests.filter(({ decided_by }) => decided_by !== undefined);
      expect(decided).toMatchObject([{ input: ALIKE.at(-1), decision: 'deny' }]);
    });
  });

  test('on one of three simultaneous requests counts for the one that was named', async ({ lab, server }) => {
    const asked = ['touch one', 'touch one && touch two', 'touch one && touch two && touch three'];
    const { agent, id } = await askingWith(lab, server, 'codex', ['--at-once'], ...asked);
    for (const [n, decision] of (['allow', 'allow', 'deny'] as const).entries()) {
      const { jobs } = await server.ask('wait_job', { job_id: id });
      expect(jobs[0].open_request).toBe(`Bash: ${asked[n]}`);
      await answer(server, id, decision);
    }
    expect(agent.settled).toEqual(asked.map((command, n) => [command, n < 2]));
    expect(lab.record(id).requests.map(({ input }) => input)).toEqual(asked);
  });
});
