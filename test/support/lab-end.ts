import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Lab } from './lab.ts';
import { signal, untilEnded } from './processes.ts';
import { PATIENCE } from './until.ts';

const END_MS = 15_000 * PATIENCE;

/** What may be left in a home whose hub has shut down properly, by path. */
const IN_HOME = [
  /^(hub\.log|hub\.starting|registries|config\.json|key|on-event\/last\.json|retained\/\.hosts)$/,
  /^(live|panes|retained|known)\/[a-z0-9-]+$/,
  // Jobs of other hosts that named no folder.
  /^project\/jobs\/(\.index\.jsonl|[a-z0-9-]+\/(events\.jsonl|job\.json|prompt\.md|validate\.log|screen\.txt|texts\/[0-9a-f]{64}))$/,
  /^project\/(\.gitignore|config\.json)$/,
  // A server must end within half a second of its client, even while it writes: the hub sweeps this.
  /^outbox\/\.[a-z0-9.-]+\.json\.tmp$/,
];

/** What may be left in a lab outside its homes, by path in the lab's folder. */
const EXPECTED = [
  /^peer-\d+\.log$/,
  /^p\/\.mam\/(\.gitignore|config\.json)$/,
  /^p\/\.mam\/jobs\/\.index\.jsonl$/,
  /^p\/\.mam\/jobs\/[a-z0-9-]+\/(events\.jsonl|job\.json|prompt\.md|validate\.log|screen\.txt|replica\.json)$/,
  /^p\/\.mam\/jobs\/[a-z0-9-]+\/texts\/[0-9a-f]{64}$/,
  // If two tmux clients start the server at once, the slower one leaves this (tmux 3.3a).
  /^tmux-\d+\/default\.lock$/,
  // What the test itself wrote.
  /^p\/[^.]/,
];

/** A hub that is killed in the middle of a write leaves a temporary file. */
const HALF_WRITTEN = /^p\/\.mam\/jobs\/[a-z0-9-]+\/job\.json\.[0-9a-f]{8}\.tmp$/;

/** Takes a lab down in a safe order, checks what is left, and removes its folder if nothing is. */
export async function endLab(lab: Lab, failed: boolean, graceMs = END_MS): Promise<void> {
  // It was already taken down.
  if (!existsSync(lab.folder)) return;
  const problems: string[] = [];
  const guard = (step: Promise<unknown>) => step.catch((error: Error) => problems.push(error.message));

  for (const child of lab.kept) {
    // A test may have stopped it.
    child.kill('SIGCONT');
    child.kill('SIGKILL');
  }
  await Promise.all(lab.servers.map((server) => guard(server.close())));
  await guard(lab.leaveTmux());
  const before = await tmuxState(lab);
  await guard(endHub(lab));
  const after = before && (await tmuxState(lab));
  // Without a user's session, the server ends with the hub's hidden session.
  if (before?.sessions.some((name) => !isHidden(name)) && after?.pid !== before.pid)
    problems.push(`the tmux server ${before.pid} ended with the hub`);
  problems.push(...foreign(lab, after));
  await guard(endTmux(lab));
  for (const clean of lab.cleaners.splice(0).reverse()) await guard(Promise.resolve().then(clean));
  // A process that ends may have started another meanwhile.
  const end = Date.now() + graceMs;
  let rest = lab.processes;
  while (rest.length > 0 && Date.now() < end) {
    await guard(untilEnded('all processes end', rest, end - Date.now()));
    rest = lab.processes;
  }
  for (const { pid, command } of rest) {
    problems.push(`process ${pid} is left: ${command}`);
    // It mentions this lab's folder, so it was started here.
    signal(pid, 'SIGKILL');
  }
  problems.push(...unexpectedFiles(lab));

  if (!failed && problems.length === 0) {
    rmSync(lab.folder, { recursive: true });
    return;
  }
  const evidence = `The evidence is kept in ${lab.folder}.`;
  throw new Error(failed ? [evidence, ...problems].join('\n') : [...problems, evidence].join('\n'));
}

/** Shuts the lab's hubs down properly: by process, since one that is just starting has written no file yet. */
export async function endHub(lab: Lab): Promise<void> {
  for (let hubs = lab.hubProcesses; hubs.length > 0; hubs = lab.hubProcesses) {
    for (const { pid } of hubs) signal(pid, 'SIGTERM');
    await untilEnded('the hub ends', hubs, END_MS);
  }
}

/** What a tmux server has. */
interface TmuxState {
  pid: string;
  sessions: string[];
  buffers: string[];
}

/** What the lab's tmux server has, if one is running. It belongs to the user, so our exit must not end it. */
async function tmuxState(lab: Lab): Promise<TmuxState | undefined> {
  const each = ['pid #{pid}', ';', 'list-sessions', '-F', 'session #{session_name}', ';'];
  const all = ['display-message', '-p', ...each, 'list-buffers', '-F', 'buffer #{buffer_name}'];
  if (!existsSync(lab.socket)) return undefined;
  const lines = (await lab.tmux(...all).catch(() => '')).split('\n');
  const named = (what: string) =>
    lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.slice(what.length + 1));
  const [pid] = named('pid');
  return pid === undefined ? undefined : { pid, sessions: named('session'), buffers: named('buffer') };
}

/** True for a session that a hub has made. */
function isHidden(session: string): boolean {
  return session.startsWith('_mam-');
}

/** Sessions and buffers that no test made: the hub must leave none. */
function foreign(lab: Lab, state: TmuxState | undefined): string[] {
  if (state === undefined) return [];
  const left = [...lab.killedHubs].map((pid) => `_mam-${pid}`);
  const sessions = state.sessions.filter(
    (name) => !lab.sessions.has(name) && !left.some((hidden) => name.startsWith(hidden)),
  );
  return [
    ...sessions.map((name) => `tmux session ${name} is left`),
    ...state.buffers.map((name) => `tmux buffer ${name} is left`),
  ];
}

/** Ends the lab's own tmux server, by its socket. One that was killed leaves its socket file. */
async function endTmux(lab: Lab): Promise<void> {
  // tmux 3.3a waits forever for the control client of a hub that was killed while it wrote; no later hub ended it here. A hub
  // that was killed right after it had started one has not even noted it.
  for (const { pid, command } of lab.processes)
    if (/ -C attach-session /.test(command)) signal(pid, 'SIGKILL');
  if (!existsSync(lab.socket)) return;
  const servers = lab.processes.filter(({ command }) => /(^|\/)tmux[: ]/.test(command));
  await lab.tmux('kill-server').catch(() => {});
  await untilEnded('the tmux server ends', servers, END_MS);
  rmSync(lab.socket, { force: true });
}

function unexpectedFiles(lab: Lab): string[] {
  const { folder, homes, killedHubs, expected } = lab;
  const usual = [...EXPECTED, ...(killedHubs.size === 0 ? [] : [HALF_WRITTEN])];
  const isUsual = (path: string): boolean => {
    const home = homes.find((one) => path.startsWith(`${one}/`));
    return home === undefined
      ? usual.some((pattern) => pattern.test(relative(folder, path)))
      : IN_HOME.some((pattern) => pattern.test(relative(home, path)));
  };
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
    .filter(({ path }) => !expected.some((pattern) => pattern.test(relative(folder, path))))
    .filter(({ entry, path }) => !entry.isFile() || !isUsual(path))
    .map(({ entry, path }) => `${entry.isSocket() ? 'socket' : 'file'} ${relative(folder, path)} is left`);
}
