import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing as sharingLab } from '../support/lab-test.ts';
import type { Message } from '../support/mcp-client.ts';
import { pause, until } from '../support/until.ts';

/** Longer than a pending message takes: collecting, and a look. */
const TOLD_MS = 2_500;

let sessions = 0;
/** The environment of a Claude Code session, which no other test has. */
const newSession = () => ({ MAM_CHANNEL: '1', CLAUDE_CODE_SESSION_ID: `session-${++sessions}` });

const startServer = (lab: Lab, env?: Record<string, string>, client?: string): Promise<LabServer> =>
  lab.startServer(env, client === undefined ? {} : { clientName: client });
const startChannel = (lab: Lab, session = newSession()) => startServer(lab, session, 'claude-code');

/** One lab, with one channel server for all tests that do not need their own. */
const sharing = sharingLab.extend<{ claude: LabServer }>({
  claude: [async ({ lab }, use) => use(await startChannel(lab)), { scope: 'file' }],
});

/** What Claude Code would have received about these jobs over the channel. */
const told = (server: LabServer, ...ids: string[]): Message['params'][] =>
  server.messages.flatMap(({ method, params }) => {
    const { job_id } = (params?.['meta'] ?? {}) as { job_id?: string };
    return method === 'notifications/claude/channel' && ids.includes(job_id ?? '') ? [params] : [];
  });

const how = (lab: Lab, jobId: string): unknown[] =>
  lab.events(jobId).flatMap((event) => (event.type === 'notified' ? [dataOf(event).how] : []));

/**
 * A job of this server, and a server to report with. It is a person's job, which needs no pane: notifications are the
 * same.
 */
async function begin(lab: Lab, server: LabServer) {
  const { job_id: id } = await server.ask('delegate_job', { prompt: 'Mend the roof', agent: 'human' });
  return { id: id as string, peer: await lab.reporter };
}

describe.concurrent('a server that is a channel of Claude Code', () => {
  sharing('reports each change that needs the supervisor once', async ({ lab, claude: server }) => {
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

  sharing('does not report what a wait or a look has shown', async ({ lab, claude: server }) => {
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

  sharing('reports once if two servers have the same session', async ({ lab }) => {
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

  sharing('reports what an abandoned wait would have reported', async ({ lab, claude: server }) => {
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

  sharing('is not one for other clients, and declares it at the handshake only if asked', async ({ lab }) => {
    const codex = await startServer(lab, newSession(), 'codex-mcp-client');
    const declared = (one: LabServer) => one.messages[0]?.result.capabilities.experimental;
    expect(declared(codex)).toEqual({ 'claude/channel': {} });
    expect(declared(await startServer(lab))).toBeUndefined();
    const { id, peer } = await begin(lab, codex);
    await peer.report(id, 'completed');
    await pause(TOLD_MS);
    expect([told(codex, id), how(lab, id)]).toEqual([[], []]);
    const wrong = await startServer(lab, { MAM_CHANNEL: 'yes' });
    expect(await wrong.refusal('list_jobs')).toContain('MAM_CHANNEL must be 1 or 0.');
  });
});

// After all others: it ends the shared hub.
describe('a server that is a channel of Claude Code', () => {
  sharing('reports after a restart what nobody was told, however many newer jobs exist', async ({ lab }) => {
    const session = newSession();
    const server = await startChannel(lab, session);
    const { id, peer } = await begin(lab, server);
    for (let n = 0; n < 2; n++) {
      // The maximum of open jobs, including the first one.
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
  });
});
