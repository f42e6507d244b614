import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { PROGRAM } from './mcp-client.ts';
import { until } from './until.ts';

const PEER = join(import.meta.dirname, '../peers/peer.mjs');

/**
 * A configured agent kind played by a fake peer; each of its sessions notes what it reads in a log of its own.
 * @param args options of `test/peers/peer.mjs`
 */
export function robotKind(lab: Lab, ...args: string[]) {
  lab.expected.push(/^robot-\d+\.log$/);
  const words = [PEER, '--mam', PROGRAM, '--log'];
  const line = `exec "$0" "$@" ${lab.folder}/robot-$$.log ${args.map((word) => `'${word}'`).join(' ')}`;
  return {
    command: ['sh', '-c', line, process.execPath, ...words],
    ready: '^READY> *$',
    busy: '^WORKING',
    dialog: '^Do you want',
  };
}

/** The names of the sessions of a lab's tmux server; none if it does not run. */
export async function sessionsIn(lab: Lab): Promise<string[]> {
  const list = await lab.tmux('list-sessions', '-F', '#{session_name}').catch(() => '');
  return list.split('\n').filter((name) => name !== '' && !name.startsWith('_mam-'));
}

/** Attaches a client to a session, as a person does, until it is ended. */
export async function attachClient(lab: Lab, session: string): Promise<ChildProcess> {
  const words = ['-S', lab.socket, '-C', 'attach-session', '-t', `=${session}`];
  const client = lab.keep(spawn('tmux', words, { env: lab.env, stdio: ['pipe', 'ignore', 'ignore'] }));
  await until('it is attached', () => isAttached(lab, session));
  return client;
}

/** Detaches such a client. */
export async function detachClient(lab: Lab, session: string, client: ChildProcess): Promise<void> {
  client.stdin?.end();
  await until('it is detached', async () => !(await isAttached(lab, session)));
}

async function isAttached(lab: Lab, session: string): Promise<boolean> {
  return (await lab.tmux('list-clients', '-t', `=${session}`)) !== '';
}
