import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing, test } from '../support/lab-test.ts';
import type { Message } from '../support/mcp-client.ts';
import { pause, until } from '../support/until.ts';

/** Longer than a message takes that is on its way: gathering, and a look. */
const TOLD_MS = 2_500;
const PERMISSION = 'notifications/claude/channel/permission';
/** A kind whose dialog is known. */
const ROBOT = { ready: 'READY> *$', dialog: 'Allow .*\\?' };

let sessions = 0;
/** The environment of a session of Claude Code, which no other test has. */
const newSession = () => ({ MAM_CHANNEL: '1', CLAUDE_CODE_SESSION_ID: `session-${++sessions}` });

const configured = new WeakSet<Lab>();
/** A server, in a lab where the kind is known from the beginning. */
function startServer(lab: Lab, env?: Record<string, string>, client?: string): Promise<LabServer> {
  if (!configured.has(lab)) lab.configure({ agents: { robot: ROBOT } });
  configured.add(lab);
  return lab.startServer(env, client === undefined ? {} : { clientName: client });
}
const supervisors = new WeakMap<Lab, Promise<LabServer>>();
/** The lab's supervisor of jobs that ask. */
function supervisor(lab: Lab): Promise<LabServer> {
  const server = supervisors.get(lab) ?? startServer(lab);
  supervisors.set(lab, server);
  return server;
}
const startChannel = (lab: Lab, session = newSession()) => startServer(lab, session, 'claude-code');

/** What Claude Code would have been told over the channel. */
const told = (server: LabServer): Message['params'][] =>
  server.messages.flatMap(({ method, params }) =>
    method === 'notifications/claude/channel' ? [params] : [],
  );

const how = (lab: Lab, jobId: string): unknown[] =>
  lab.events(jobId).flatMap(({ type, data }) => (type === 'notified' ? [data?.['how']] : []));

/** A job of this server, and a server to report with. */
async function begin(lab: Lab, server: LabServer) {
  const { job_id: id } = await server.delegate(await lab.startPeer('mute'));
  return { id: id as string, peer: await lab.reporter };
}

describe.concurrent('a server that is a channel of Claude Code', () => {
  sharing('tells once of each change that needs the supervisor', async ({ lab }) => {
    const server = await startChannel(lab);
    const { id, peer } = await begin(lab, server);
    await peer.report(id, 'started');
    await peer.report(id, 'progress', { detail: 'half' });
    await peer.report(id, 'question', { detail: 'Slate; or `tin`?' });
    await until('it is told', () => told(server).length > 0);
    const call = `call the MCP tool job_status (server mam) with job_id "${id}".`;
    expect(told(server)).toEqual([
      {
        content: `Job ${id} needs you (question): ${call}`,
        meta: { job_id: id, status: 'input_required', reason: 'question', agent: 'command' },
      },
    ]);
    expect(how(lab, id)).toEqual(['channel']);
    await server.ask('answer_job', { job_id: id, text: 'tin' });
    await peer.report(id, 'completed', { detail: 'done' });
    await until('it is told', () => told(server).length > 1);
    expect(told(server)[1]).toEqual({
      content: `Job ${id} is completed: ${call}`,
      meta: { job_id: id, status: 'completed', agent: 'command' },
    });
    await pause(TOLD_MS);
    expect(told(server)).toHaveLength(2);
  });

  sharing('says nothing of what a wait or a look has shown', async ({ lab }) => {
    const server = await startChannel(lab);
    const [first, second] = [await begin(lab, server), await begin(lab, server)];
    const wait = server.wait({ job_ids: [first.id] });
    await first.peer.report(first.id, 'completed');
    await wait.answer;
    await second.peer.report(second.id, 'completed');
    await server.ask('job_status', { job_id: second.id });
    await pause(TOLD_MS);
    expect(told(server)).toEqual([]);
    expect([first.id, second.id].flatMap((id) => how(lab, id))).toEqual(['seen', 'seen']);
  });

  sharing('tells once when two servers have the same session', async ({ lab }) => {
    const session = newSession();
    const servers = [await startChannel(lab, session), await startChannel(lab, session)] as const;
    await servers[1].ask('list_jobs');
    const { id, peer } = await begin(lab, servers[0]);
    for (const detail of ['Slate?', 'Tin?', 'Straw?']) {
      const before = servers.flatMap(told).length;
      await peer.report(id, 'question', { detail });
      await until('it is told', () => servers.flatMap(told).length > before);
      await servers[0].ask('answer_job', { job_id: id, text: 'no' });
    }
    await pause(TOLD_MS);
    expect(servers.flatMap(told)).toHaveLength(3);
    expect(how(lab, id)).toEqual(['channel', 'channel', 'channel']);
  });

  sharing('tells what a wait would have told that was given up', async ({ lab }) => {
    const server = await startChannel(lab);
    const [first, second] = [await begin(lab, server), await begin(lab, server)];
    const wait = server.wait({ job_ids: [first.id, second.id], until: 'all' });
    await first.peer.report(first.id, 'completed');
    await pause(TOLD_MS);
    expect(told(server)).toEqual([]);
    wait.cancel();
    await until('it is told', () => told(server).length > 0);
    expect(told(server)).toMatchObject([{ meta: { job_id: first.id, status: 'completed' } }]);
  });

  test('tells after a restart what nobody was told', async ({ lab }) => {
    const session = newSession();
    const server = await startChannel(lab, session);
    const { id, peer } = await begin(lab, server);
    server.child.kill('SIGKILL');
    await server.exited;
    await peer.report(id, 'question', { detail: 'Slate?' });
    const next = await startChannel(lab, session);
    await until('it is told', () => told(next).length > 0);
    expect(told(next)).toMatchObject([{ meta: { job_id: id, reason: 'question' } }]);
    await lab.killHub();
    await next.ask('list_jobs');
    await pause(TOLD_MS);
    expect(told(next)).toHaveLength(1);
  });

  sharing(
    'is none for other clients, and says so at the handshake only where it was asked to be one',
    async ({ lab }) => {
      const codex = await startServer(lab, newSession(), 'codex-mcp-client');
      const plain = await startServer(lab);
      const declared = (server: LabServer) => server.messages[0]?.result.capabilities.experimental;
      expect(declared(codex)).toEqual({ 'claude/channel': {}, 'claude/channel/permission': {} });
      expect(declared(plain)).toBeUndefined();
      const { id, peer } = await begin(lab, codex);
      await peer.report(id, 'completed');
      await pause(TOLD_MS);
      expect([told(codex), how(lab, id)]).toEqual([[], []]);
      const wrong = await startServer(lab, { MAM_CHANNEL: 'yes' });
      expect(await wrong.refusal('list_jobs')).toContain('MAM_CHANNEL is neither 1 nor 0.');
    },
  );
});

/** A peer that is a Claude Code whose server is a channel; it works on a job and shows a dialog. */
async function asking(lab: Lab, command: string, preview: string) {
  const server = await supervisor(lab);
  lab.expected.push(/^robot-\d+\.sock$/);
  const session = `robot-${++sessions}`;
  const socket = join(lab.folder, `${session}.sock`);
  const robot = await lab.startPeer('mute', {
    session,
    args: ['--mcp', socket],
    env: { MAM_CHANNEL: '1' },
  });
  const channel = await lab.startServerIn(socket, 'claude-code');
  const { job_id: id } = await server.delegate(robot, { agent: 'robot' });
  await lab.tmux('send-keys', '-R', '-t', robot.pane);
  await lab.tmux('send-keys', '-l', '-t', robot.pane, `Allow ${command}?`);
  const relay = (requestId: string, input_preview = preview): void =>
    channel.send({
      jsonrpc: '2.0',
      method: `${PERMISSION}_request`,
      params: { request_id: requestId, tool_name: 'Bash', description: 'x', input_preview },
    });
  const decisions = (): unknown[] =>
    channel.messages.flatMap(({ method, params }) => (method === PERMISSION ? [params] : []));
  /** As Claude Code does when it was told a decision. */
  const close = () => lab.tmux('send-keys', '-R', '-t', robot.pane);
  relay('abcde');
  const { jobs } = await server.ask('wait_job', { job_id: id });
  expect(jobs[0]).toMatchObject({ reason: 'permission', open_request: expect.stringContaining(command) });
  return { server, channel, robot, id, relay, decisions, close };
}

describe.concurrent('a dialog that a peer has relayed over its channel', () => {
  sharing('takes the decision of the supervisor, without a key', async ({ lab }) => {
    const preview = '{"command":"rm -r old-roof","description":"Take the old roof off"}';
    const { server, robot, id, decisions, close } = await asking(lab, 'rm -r old-roof', preview);
    const keys = robot.keys.length;
    const answer = server.ask('answer_job', { job_id: id, decision: 'deny' });
    await until('it is told', () => decisions().length > 0);
    expect(decisions()).toEqual([{ request_id: 'abcde', behavior: 'deny' }]);
    await close();
    expect((await answer).delivered).toContain('was given over its channel: deny, and the dialog went away');
    expect(robot.keys).toHaveLength(keys);
    // That the dialog is gone does not prove who answered it.
    expect(lab.record(id).requests).toMatchObject([
      { decision: 'settled after deny was given', resolved_at: expect.any(String) },
    ]);
  });

  sharing('that stays on the screen after a decision is no success', async ({ lab }) => {
    const { server, id, decisions } = await asking(lab, 'rm -r old-roof', '{"command":"rm -r old-roof"}');
    const text = await server.refusal('answer_job', { job_id: id, decision: 'deny' });
    expect(text).toContain('the dialog is still on the screen');
    expect(decisions()).toHaveLength(1);
    expect(lab.record(id).requests[0]?.resolved_at).toBeUndefined();
  });

  sharing('and is answered in the pane needs no decision', async ({ lab }) => {
    const asked = await asking(lab, 'rm -r old-roof', '{"command":"rm -r old-roof"}');
    await asked.close();
    await until('it is settled', () => lab.record(asked.id).requests[0]?.resolved_at !== undefined);
    expect(await asked.server.refusal('answer_job', { job_id: asked.id, decision: 'allow' })).toContain(
      'no open permission request',
    );
    expect(asked.decisions()).toEqual([]);
  });

  sharing(
    'is not allowed over it when nobody could read what it asks for, but is denied',
    async ({ lab }) => {
      const { server, id, decisions, close } = await asking(
        lab,
        'what is above',
        '{ "command": "rm -r roof" }',
      );
      const refused = await server.refusal('answer_job', { job_id: id, decision: 'allow' });
      expect(refused).toContain('is not known');
      expect(decisions()).toEqual([]);
      const answer = server.ask('answer_job', { job_id: id, decision: 'deny' });
      await until('it is told', () => decisions().length > 0);
      expect(decisions()).toEqual([{ request_id: 'abcde', behavior: 'deny' }]);
      await close();
      await answer;
    },
  );

  sharing('is not taken for another that begins alike', async ({ lab }) => {
    const words = 'mend the roof of the house with slate and';
    const { server, channel, id, relay, decisions } = await asking(
      lab,
      `${words} tin`,
      `{ "command": "${words} tin" }`,
    );
    relay('fghij', `{ "command": "${words} dynamite" }`);
    // On the same way as the relay, so behind it: the hub knows of both now.
    await channel.ask('job_status', { job_id: id });
    const refused = await server.refusal('answer_job', { job_id: id, decision: 'allow' });
    expect(refused).toContain('is not known');
    expect(decisions()).toEqual([]);
  });

  test('takes the decision from the next hub as well', async ({ lab }) => {
    const { server, id, decisions, close } = await asking(
      lab,
      'rm -r old-roof',
      '{ "command": "rm -r old-roof" }',
    );
    await lab.killHub();
    await server.ask('list_jobs');
    // What a configured kind's dialog asks for can't be read, so that it can only be denied.
    expect(await server.refusal('answer_job', { job_id: id, decision: 'allow' })).toContain('is not known');
    const answer = server.ask('answer_job', { job_id: id, decision: 'deny' });
    await until('it is told', () => decisions().length > 0);
    expect(decisions()).toEqual([{ request_id: 'abcde', behavior: 'deny' }]);
    await close();
    expect((await answer).delivered).toContain('over its channel: deny');
    expect(lab.types(id).filter((type) => type === 'permission_required')).toHaveLength(1);
  });
});
