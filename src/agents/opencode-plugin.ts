/**
 * OpenCode 1.18.33 has plugins instead of hooks: this one runs our hook entry for the events that we read, with the
 * event's JSON on stdin. Permissions are answered from the hook's stdout; if a person is faster, or the agent gives up,
 * the hook is killed. What each answer has used is written into a file for each conversation: OpenCode itself keeps that
 * in a database.
 * @param folder a private one, for these files
 */
export function pluginSource(hook: readonly [string, ...string[]], folder: string): string {
  return `const HOOK = ${JSON.stringify(hook)};\nconst FOLDER = ${JSON.stringify(folder)};\n${SOURCE}`;
}

/** Runs inside OpenCode (Bun). A failure here must never reach the agent. */
const SOURCE = String.raw`
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';

export const MamPlugin = async ({ client }) => {
  const parents = new Map();
  const working = new Set();
  const asking = new Map();
  let queue = Promise.resolve();

  const rootOf = (id) => (parents.has(id) ? rootOf(parents.get(id)) : id);
  const textOf = (parts) =>
    parts.filter((part) => part.type === 'text' && !part.synthetic).map((part) => part.text).join('\n');

  const run = (event, payload, done) => {
    try {
      const child = spawn(HOOK[0], [...HOOK.slice(1), event], { stdio: ['pipe', 'pipe', 'ignore'] });
      let out = '';
      child.on('error', () => done(''));
      child.on('close', () => done(out));
      child.stdout.on('data', (data) => { out += data; });
      child.stdin.on('error', () => {});
      child.stdin.end(JSON.stringify(payload));
      return child;
    } catch {
      done('');
    }
  };

  const ledgerOf = (id) => join(FOLDER, 'usage-' + id.replace(/[^a-zA-Z0-9_-]/g, '') + '.jsonl');
  const count = ({ id, sessionID, providerID, modelID, tokens }) => {
    try {
      const line = JSON.stringify({ id, provider: providerID, model: modelID, tokens });
      appendFileSync(ledgerOf(rootOf(sessionID)), line + '\n', { mode: 0o600 });
    } catch {}
  };

  // One after another, so that they arrive in order; none may delay the rest.
  const tell = (event, said) => {
    const payload = { ...said, ...(said.sessionID && { ledger: ledgerOf(said.sessionID) }) };
    queue = queue.then(
      () =>
        new Promise((done) => {
          const child = run(event, payload, done);
          setTimeout(() => { child?.kill(); done(); }, 5000).unref();
        }),
    );
  };

  const ask = (request) => {
    const waiting = {};
    asking.set(request.id, waiting);
    queue.then(() => {
      if (asking.get(request.id) !== waiting) return;
      const payload = { ...request, sessionID: rootOf(request.sessionID) };
      waiting.child = run('permission.asked', payload, (out) => {
        if (asking.delete(request.id)) answer(request.id, out).catch(() => {});
      });
    });
  };

  const answer = async (requestID, out) => {
    if (out.trim() === '') return;
    const { reply, message } = JSON.parse(out);
    if (reply !== 'once' && reply !== 'reject') return;
    await client._client.post({
      url: '/permission/{requestID}/reply',
      path: { requestID },
      headers: { 'Content-Type': 'application/json' },
      body: { reply, ...(message && { message }) },
    });
  };

  const forget = (id) => {
    const waiting = asking.get(id);
    asking.delete(id);
    waiting?.child?.kill();
  };

  const end = async (sessionID) => {
    let last;
    try {
      const { data } = await client.session.messages({ path: { id: sessionID }, query: { limit: 5 } });
      last = data.filter(({ info }) => info.role === 'assistant').at(-1);
    } catch {}
    tell('session.idle', { sessionID, text: textOf(last?.parts ?? []), error: last?.info.error });
  };

  return {
    'chat.message': async ({ sessionID }, { parts }) => {
      if (parents.has(sessionID)) return;
      working.add(sessionID);
      tell('chat.message', { sessionID, text: textOf(parts) });
    },
    // Programs that the agent starts in its shell, such as another OpenCode, must not report for this pane.
    'shell.env': async (_input, output) => {
      output.env.OPENCODE_CONFIG_CONTENT = '';
    },
    event: async ({ event: { type, properties: p } }) => {
      if (type === 'session.created') {
        if (p.info.parentID) parents.set(p.info.id, p.info.parentID);
        else tell(type, { sessionID: p.info.id });
      } else if (type === 'message.updated') {
        if (p.info.role === 'assistant' && p.info.tokens && p.info.time.completed) count(p.info);
      } else if (type === 'permission.asked') {
        ask(p);
      } else if (type === 'permission.replied') {
        forget(p.requestID);
        tell(type, { ...p, sessionID: rootOf(p.sessionID) });
      } else if (parents.has(p.sessionID)) {
        return;
      } else if (type === 'session.idle') {
        // Fires twice after an interrupt.
        if (!working.delete(p.sessionID)) return;
        for (const id of asking.keys()) forget(id);
        await end(p.sessionID);
      } else if (type === 'session.error' || (type === 'session.status' && p.status.type === 'retry')) {
        tell(type, p);
      }
    },
  };
};
`;
