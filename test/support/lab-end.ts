import { readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Lab } from './lab.ts';
import { processesOf } from './processes.ts';
import { PATIENCE, until } from './until.ts';

const END_MS = 30_000 * PATIENCE;

/** What may lie in a lab whose hub has ended in order, by its path in the lab's folder. */
const EXPECTED = [
  /^peer-\d+\.log$/,
  /^h\/(hub\.log|hub\.starting|registries|config\.json|key)$/,
  /^h\/live\/[a-z0-9-]+$/,
  /^p\/\.mam\/(\.gitignore|config\.json)$/,
  /^p\/\.mam\/jobs\/\.index\.jsonl$/,
  /^p\/\.mam\/jobs\/[a-z0-9-]+\/(events\.jsonl|job\.json|prompt\.md|validate\.log|screen\.txt)$/,
  /^p\/\.mam\/jobs\/[a-z0-9-]+\/texts\/[0-9a-f]{64}$/,
  // What the test itself wrote.
  /^p\/[^.]/,
];

/** A hub that is killed in the middle of a write leaves its neighbour of the file. */
const HALF_WRITTEN = /^p\/\.mam\/jobs\/[a-z0-9-]+\/job\.json\.[0-9a-f]{8}\.tmp$/;

/** Takes a lab down in the order that loses nothing, looks what stayed, and removes its folder if nothing did. */
export async function endLab(lab: Lab, failed: boolean, graceMs = END_MS): Promise<void> {
  const problems: string[] = [];
  const guard = (step: Promise<unknown>) => step.catch((error: Error) => problems.push(error.message));

  for (const server of lab.servers) await guard(server.close());
  // Without a session of the user's, the server goes when the hub's hidden session does.
  const tmux = (await hasUsersSession(lab)) ? await tmuxPid(lab) : undefined;
  await guard(endHub(lab));
  if (tmux !== undefined && (await tmuxPid(lab)) !== tmux)
    problems.push(`the tmux server ${tmux} ended with the hub`);
  problems.push(...(await foreignSessions(lab)));
  await guard(endTmux(lab));
  await guard(until('all processes end', () => processesOf(lab.folder).length === 0, graceMs));
  for (const { pid, command } of processesOf(lab.folder)) {
    problems.push(`process ${pid} is left: ${command}`);
    // It carries this lab's folder: it was started here.
    process.kill(pid, 'SIGKILL');
  }
  problems.push(...unexpectedFiles(lab));

  if (!failed && problems.length === 0) {
    rmSync(lab.folder, { recursive: true });
    return;
  }
  const evidence = `The evidence is kept in ${lab.folder}.`;
  throw new Error(failed ? [evidence, ...problems].join('\n') : [...problems, evidence].join('\n'));
}

/** Ends the lab's hubs in order: by the process, since one that is just starting has written no file yet. */
async function endHub(lab: Lab): Promise<void> {
  const hubs = () => processesOf(lab.folder).filter(({ command }) => command.endsWith(' hub-process'));
  for (const { pid } of hubs()) process.kill(pid, 'SIGTERM');
  await until('the hub ends', () => hubs().length === 0, END_MS);
}

/** The lab's tmux server, if one runs. It belongs to the user: no end of ours may end it. */
function tmuxPid(lab: Lab): Promise<string | undefined> {
  return lab.tmux('display-message', '-p', '#{pid}').catch(() => undefined);
}

/** True while a session is there that no hub has made. */
async function hasUsersSession(lab: Lab): Promise<boolean> {
  const names = await lab.tmux('list-sessions', '-F', '#{session_name}').catch(() => '');
  return names.split('\n').some((name) => name !== '' && !name.startsWith('_mam-'));
}

/** Sessions and buffers that no test made: the hub must leave none. */
async function foreignSessions(lab: Lab): Promise<string[]> {
  try {
    const sessions = (await lab.tmux('list-sessions', '-F', '#{session_name}')).split('\n');
    const buffers = (await lab.tmux('list-buffers', '-F', '#{buffer_name}')).split('\n').filter(Boolean);
    const left = [...lab.killedHubs].map((pid) => `_mam-${pid}`);
    return [
      ...sessions
        .filter((name) => !lab.sessions.has(name) && !left.some((hidden) => name.startsWith(hidden)))
        .map((name) => `tmux session ${name} is left`),
      ...buffers.map((name) => `tmux buffer ${name} is left`),
    ];
  } catch {
    // No tmux server: nothing can be left in it.
    return [];
  }
}

/** Ends the lab's own tmux server, by its socket. One that was killed leaves its socket file. */
async function endTmux(lab: Lab): Promise<void> {
  // tmux 3.3a waits for ever for the control client of a hub that was killed while it wrote; no next hub ended it here.
  for (const pid of noted(lab)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  await lab.tmux('kill-server').catch(() => {});
  const servers = () => processesOf(lab.folder).filter(({ command }) => /(^|\/)tmux[: ]/.test(command));
  await until('the tmux server ends', () => servers().length === 0, END_MS);
  rmSync(lab.socket, { force: true });
}

function unexpectedFiles({ folder, killedHubs, expected: own }: Lab): string[] {
  const expected = [...EXPECTED, ...(killedHubs.size === 0 ? [] : [HALF_WRITTEN])];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ entry, path: relative(folder, join(entry.parentPath, entry.name)) }))
    .filter(({ path }) => !own.some((pattern) => pattern.test(path)))
    .filter(({ entry, path }) => !entry.isFile() || !expected.some((pattern) => pattern.test(path)))
    .map(({ entry, path }) => `${entry.isSocket() ? 'socket' : 'file'} ${path} is left`);
}

/** The control clients that the lab's hubs have noted and not taken back. */
function noted(lab: Lab): number[] {
  try {
    return readdirSync(join(lab.home, 'clients')).map(Number);
  } catch {
    return [];
  }
}
