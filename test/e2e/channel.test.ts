import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as sharingLab } from '../support/lab-test.ts';
import type { Message } from '../support/mcp-client.ts';
import type { Peer } from '../support/peer.ts';
import { pause, until } from '../support/until.ts';

/** Longer than a message takes that is on its way: gathering, and a look. */
const TOLD_MS = 2_500;
const PERMISSION = 'notifications/claude/channel/permission';
/** A kind whose dialog is known. */
const ROBOT = { ready: 'READY> *$', dialog: 'Allow .*\\?' };

let sessions = 0;
/** The environment of a session of Claude Code, which no other test has. */
const newSession = () => ({ MAM_CHANNEL: '1', CLAUDE_CODE_SESSION_ID: `session-${++sessions}` });

const startServer = (lab: Lab, env?: Record<string, string>, client?: string): Promise<LabServer> =>
  lab.startServer(env, client === undefined ? {} : { clientName: client });
const startChannel = (lab: Lab, session = newSession()) => startServer(lab, session, 'claude-code');

/** A peer that is a Claude Code whose server is a channel. */
interface Robot {
  robot: Peer;
  channel: LabServer;
  /** Makes its screen show this alone. */
  draw(text: string): void;
  /** The job that it has. */
  id?: string;
}

/** One lab, in which the kind is known from the beginning, with one of each that no test needs for itself. */
const sharing = sharingLab.extend<{
  configured: undefined;
  server: LabServer;
  claude: LabServer;
  asker: Robot;
}>({
  configured: [
    async ({ lab }, use) => {
      lab.configure({ agents: { robot: ROBOT } });
      await use(undefined);
    },
    { scope: 'file', auto: true },
  ],
  /** The supervisor of jobs that ask. */
  server: [async ({ lab, configured: _ }, use) => use(await startServer(lab)), { scope: 'file' }],
  /** A server that is a channel. */
  claude: [async ({ lab, configured: _ }, use) => use(await startChannel(lab)), { scope: 'file' }],
  asker: [
    async ({ lab, configured: _ }, use) => {
      lab.expected.push(/^robot\.sock$/);
      const socket = join(lab.folder, 'robot.sock');
      const robot = await lab.startPeer('mute', {
        session: 'robot',
        args: ['--mcp', socket],
        env: { MAM_CHANNEL: '1' },
      });
      const tty = await lab.tmux('display-message', '-p', '-t', robot.pane, '#{pane_tty}');
      const draw = (text: string) => writeFileSync(tty, `\x1b[2J\x1b[H${text}`);
      await use({ robot, channel: await lab.startServerIn(socket, 'claude-code'), draw });
    },
    { scope: 'file' },
  ],
});

/** What Claude Code would have been told of these jobs over the channel. */
const told = (server: LabServer, ...ids: string[]): Message['params'][] =>
  server.messages.flatMap(({ method, params }) => {
    const { job_id } = (params?.['meta'] ?? {}) as { job_id?: string };
    return method === 'notifications/claude/channel' && ids.includes(job_id ?? '') ? [params] : [];
  });

const how = (lab: Lab, jobId: string): unknown[] =>
  lab.events(jobId).flatMap((event) => (event.type === 'notified' ? [dataOf(event).how] : []));

/** A job of this server, and a server to report with. What is told does not depend on who has it: a person needs no pane. */
async function begin(lab: Lab, server: LabServer) {
  const { job_id: id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
  return { id: id as string, peer: await lab.reporter };
}

describe.concurrent('a server that is a channel of Claude Code', () => {
  sharing('tells once of each change that needs the supervisor', async ({ lab, claude: server }) => {
    const { job_id: id } = await server.delegate(await lab.startPeer('mute'));
    const peer = await lab.reporter;
    await peer.report(id, 'started');
    await peer.report(id, 'progress', { detail: 'half' });
    await peer.report(id, 'question', { detail: 'Slate; or `tin`?' });
    await until('it is told', () => told(server, id).length > 0);
    const call = `call the MCP tool job_status (server mam) with job_id "${id}".`;
    expect(told(server, id)).toEqual([
      {
        content: `Job ${id} needs you (question): ${call}`,
        meta: { job_id: id, status: 'input_required', reason: 'question', agent: 'command' },
      },
    ]);
    expect(how(lab, id)).toEqual(['channel']);
    await server.ask('answer_job', { job_id: id, text: 'tin' });
    await peer.report(id, 'completed', { detail: 'done' });
    await until('it is told', () => told(server, id).length > 1);
    expect(told(server, id)[1]).toEqual({
      content: `Job ${id} is completed: ${call}`,
      meta: { job_id: id, status: 'completed', agent: 'command' },
    });
    await pause(TOLD_MS);
    expect(told(server, id)).toHaveLength(2);
  });

  sharing('says nothing of what a wait or a look has shown', async ({ lab, claude: server }) => {
    const [first, second] = [await begin(lab, server), await begin(lab, server)];
    const wait = server.wait({ job_ids: [first.id] });
    await first.peer.report(first.id, 'completed');
    await wait.answer;
    await second.peer.report(second.id, 'completed');
    await server.ask('job_status', { job_id: second.id });
    await pause(TOLD_MS);
    expect(told(server, first.id, second.id)).toEqual([]);
    expect([first.id, second.id].flatMap((id) => how(lab, id))).toEqual(['seen', 'seen']);
  });

  sharing('tells once when two servers have the same session', async ({ lab }) => {
    const session = newSession();
    const servers = [await startChannel(lab, session), await startChannel(lab, session)] as const;
    await servers[1].ask('list_jobs');
    const { id, peer } = await begin(lab, servers[0]);
    const all = () => servers.flatMap((server) => told(server, id));
    for (const detail of ['Slate?', 'Tin?', 'Straw?']) {
      const before = all().length;
      await peer.report(id, 'question', { detail });
      await until('it is told', () => all().length > before);
      await servers[0].ask('answer_job', { job_id: id, text: 'no' });
    }
    await pause(TOLD_MS);
    expect(all()).toHaveLength(3);
    expect(how(lab, id)).toEqual(['channel', 'channel', 'channel']);
  });

  sharing('tells what a wait would have told that was given up', async ({ lab, claude: server }) => {
    const [first, second] = [await begin(lab, server), await begin(lab, server)];
    const wait = server.wait({ job_ids: [first.id, second.id], until: 'all' });
    await first.peer.report(first.id, 'completed');
    await pause(TOLD_MS);
    expect(told(server, first.id, second.id)).toEqual([]);
    wait.cancel();
    await until('it is told', () => told(server, first.id, second.id).length > 0);
    expect(told(server, first.id, second.id)).toMatchObject([
      { meta: { job_id: first.id, status: 'completed' } },
    ]);
  });

  sharing(
    'is none for other clients, and says so at the handshake only where it was asked to be one',
    async ({ lab, server }) => {
      const codex = await startServer(lab, newSession(), 'codex-mcp-client');
      const declared = (one: LabServer) => one.messages[0]?.result.capabilities.experimental;
      expect(declared(codex)).toEqual({ 'claude/channel': {}, 'claude/channel/permission': {} });
      expect(declared(server)).toBeUndefined();
      const { id, peer } = await begin(lab, codex);
      await peer.report(id, 'completed');
      await pause(TOLD_MS);
      expect([told(codex, id), how(lab, id)]).toEqual([[], []]);
      const wrong = await startServer(lab, { MAM_CHANNEL: 'yes' });
      expect(await wrong.refusal('list_jobs')).toContain('MAM_CHANNEL must be 1 or 0.');
    },
  );
});

let requests = 0;
/** The peer gets a job, works on it and shows a dialog, which it has relayed. */
async function asking(lab: Lab, server: LabServer, asker: Robot, command: string, preview: string) {
  const { robot, channel, draw } = asker;
  if (asker.id !== undefined) {
    await server.ask('cancel_job', { job_id: asker.id });
    draw('READY> ');
  }
  const { job_id: id } = await server.delegate(robot, { agent: 'robot' });
  asker.id = id;
  await lab.event(id, 'submitted');
  const before = channel.messages.length;
  const request = `abcd${String.fromCharCode(97 + requests++)}`;
  draw(`Allow ${command}?`);
  const relay = (requestId: string, input_preview = preview): void =>
    channel.send({
      jsonrpc: '2.0',
      method: `${PERMISSION}_request`,
      params: { request_id: requestId, tool_name: 'Bash', description: 'x', input_preview },
    });
  const decisions = (): unknown[] =>
    channel.messages.slice(before).flatMap(({ method, params }) => (method === PERMISSION ? [params] : []));
  /** As Claude Code does when it was told a decision. */
  const close = () => draw('');
  relay(request);
  const { jobs } = await server.ask('wait_job', { job_id: id });
  expect(jobs[0]).toMatchObject({ reason: 'permission', open_request: expect.stringContaining(command) });
  return { request, channel, robot, id, relay, decisions, close };
}

// One after another: they have one peer.
describe('a dialog that a peer has relayed over its channel', () => {
  sharing('takes the decision of the supervisor, without a key', async ({ lab, server, asker }) => {
    const preview = '{"command":"rm -r old-roof","description":"Take the old roof off"}';
    const { request, robot, id, decisions, close } = await asking(
      lab,
      server,
      asker,
      'rm -r old-roof',
      preview,
    );
    const keys = robot.keys.length;
    const answer = server.ask('answer_job', { job_id: id, decision: 'deny' });
    await until('it is told', () => decisions().length > 0);
    expect(decisions()).toEqual([{ request_id: request, behavior: 'deny' }]);
    close();
    expect((await answer).delivered).toContain('was given over its channel: deny, and the dialog went away');
    expect(robot.keys).toHaveLength(keys);
    // That the dialog is gone does not prove who answered it.
    expect(lab.record(id).requests).toMatchObject([
      { decision: 'settled after deny was given', resolved_at: expect.any(String) },
    ]);
  });

  sharing('that stays on the screen after a decision is no success', async ({ lab, server, asker }) => {
    const { id, decisions } = await asking(
      lab,
      server,
      asker,
      'rm -r old-roof',
      '{"command":"rm -r old-roof"}',
    );
    const text = await server.refusal('answer_job', { job_id: id, decision: 'deny' });
    expect(text).toContain('the dialog is still on the screen');
    expect(decisions()).toHaveLength(1);
    expect(lab.record(id).requests[0]?.resolved_at).toBeUndefined();
  });

  sharing('and is answered in the pane needs no decision', async ({ lab, server, asker }) => {
    const asked = await asking(lab, server, asker, 'rm -r old-roof', '{"command":"rm -r old-roof"}');
    asked.close();
    await until('it is settled', () => lab.record(asked.id).requests[0]?.resolved_at !== undefined);
    expect(await server.refusal('answer_job', { job_id: asked.id, decision: 'allow' })).toContain(
      'no open permission request',
    );
    expect(asked.decisions()).toEqual([]);
  });

  sharing(
    'is not allowed over it when nobody could read what it asks for, but is denied',
    async ({ lab, server, asker }) => {
      const { request, id, decisions, close } = await asking(
        lab,
        server,
        asker,
        'what is above',
        '{ "command": "rm -r roof" }',
      );
      const refused = await server.refusal('answer_job', { job_id: id, decision: 'allow' });
      expect(refused).toContain('is not known');
      expect(decisions()).toEqual([]);
      const answer = server.ask('answer_job', { job_id: id, decision: 'deny' });
      await until('it is told', () => decisions().length > 0);
      expect(decisions()).toEqual([{ request_id: request, behavior: 'deny' }]);
      close();
      await answer;
    },
  );

  sharing('is not taken for another that begins alike', async ({ lab, server, asker }) => {
    const words = 'mend the roof of the house with slate and';
    const { channel, id, relay, decisions } = await asking(
      lab,
      server,
      asker,
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

  sharing('takes the decision from the next hub as well', async ({ lab, server, asker }) => {
    const { request, id, decisions, close } = await asking(
      lab,
      server,
      asker,
      'rm -r old-roof',
      '{ "command": "rm -r old-roof" }',
    );
    await lab.killHub();
    await server.ask('list_jobs');
    // What a configured kind's dialog asks for can't be read, so that it can only be denied.
    expect(await server.refusal('answer_job', { job_id: id, decision: 'allow' })).toContain('is not known');
    const answer = server.ask('answer_job', { job_id: id, decision: 'deny' });
    await until('it is told', () => decisions().length > 0);
    expect(decisions()).toEqual([{ request_id: request, behavior: 'deny' }]);
    close();
    expect((await answer).delivered).toContain('over its channel: deny');
    expect(lab.types(id).filter((type) => type === 'permission_required')).toHaveLength(1);
  });
});

// After all others: it ends the hub of all.
describe('a server that is a channel of Claude Code', () => {
  sharing(
    'tells after a restart what nobody was told, however many newer jobs there are',
    async ({ lab }) => {
      const session = newSession();
      const server = await startChannel(lab, session);
      const { id, peer } = await begin(lab, server);
      for (let n = 0; n < 2; n++) {
        // So many may be open at once, with the first one.
        const others = await Promise.all(Array.from({ length: 25 }, () => begin(lab, server)));
        await Promise.all(others.map((other) => peer.report(other.id, 'completed')));
      }
      server.child.kill('SIGKILL');
      await server.exited;
      await peer.report(id, 'question', { detail: 'Slate?' });
      const next = await startChannel(lab, session);
      await until('it is told', () => told(next, id).length > 0);
      expect(told(next, id)).toMatchObject([{ meta: { job_id: id, reason: 'question' } }]);
      await lab.killHub();
      await next.ask('list_jobs');
      await pause(TOLD_MS);
      expect(told(next, id)).toHaveLength(1);
    },
  );
});
