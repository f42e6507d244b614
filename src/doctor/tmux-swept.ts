import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { openFiles, pids } from '../base/processes.ts';
import { userId } from '../base/user-home.ts';
import { homePaths } from '../registry/home.ts';
import type { Settings } from '../settings/config.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, problem } from './finding.ts';
import { openJobs } from './open-jobs.ts';

/** A socket that accepts connections, in /proc/net/unix: flags, then its inode, then the path that it was bound to. */
const LISTENING = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (\/.*)$/gm;
const TMUX_SERVER = 'tmux: server';

/** tmux servers that live and whose sockets were swept away, as by what cleans /tmp: their agents work, and nobody reaches them. */
export const tmuxSwept: Check = {
  name: 'tmux swept',
  area: 'tmux',
  limitMs: 4_000,

  look: withSettings(async (settings) => {
    const wanted = socketsOf(settings);
    const bound = listening();
    if (bound.size === 0) return [];
    const servers = tmuxServers().flatMap((pid) => {
      const inodes = [...(openFiles(pid)?.values() ?? [])].map(
        (file) => /^socket:\[(\d+)\]$/.exec(file)?.[1],
      );
      const path = inodes.map((inode) => bound.get(inode ?? '')).find((one) => one !== undefined);
      return path !== undefined && wanted.has(path) ? [{ pid, path }] : [];
    });
    return servers.flatMap(({ pid, path }) => {
      const others = servers.filter((other) => other.path === path && other.pid !== pid);
      return others.length > 0 ? replaced(pid, path) : existsSync(path) ? [] : swept(pid, path);
    });
  }),
};

/** Where agents are looked for here, and where open jobs have theirs. */
function socketsOf({ tmuxSocket, paneSocket, home }: Settings): Set<string> {
  const jobs = openJobs(homePaths(home)).flatMap(({ record }) => record?.agent_session?.socket ?? []);
  return new Set([tmuxSocket, ...(paneSocket === undefined ? [] : [paneSocket]), ...jobs]);
}

/** By inode the paths that sockets were bound to, gone or not; none elsewhere than on Linux. */
function listening(): Map<string, string> {
  try {
    const text = readFileSync('/proc/net/unix', 'latin1');
    return new Map([...text.matchAll(LISTENING)].map(([, inode = '', path = '']) => [inode, path]));
  } catch {
    return new Map();
  }
}

/** The user's own. */
function tmuxServers(): number[] {
  return pids().filter((pid) => {
    try {
      const folder = `/proc/${pid}`;
      return (
        readFileSync(`${folder}/comm`, 'latin1').trimEnd() === TMUX_SERVER &&
        statSync(folder).uid === userId()
      );
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

function swept(pid: number, path: string): Found[] {
  const folder = existsSync(dirname(path)) ? '' : `\`mkdir -p -m 700 ${dirname(path)}\`, then `;
  const title = `A tmux server (process ${pid}) lives, but its socket ${path} was removed: nobody can attach to its sessions.`;
  return [problem('tmux.swept', title, `${folder}\`kill -USR1 ${pid}\` makes tmux create the socket again.`)];
}

/** Which of them answers now can't be told from outside. */
function replaced(pid: number, path: string): Found[] {
  const title = `Several tmux servers were started at ${path}; only the last one is reached there. This one is process ${pid}.`;
  const remedy = `If its sessions are missed: \`kill -USR1 ${pid}\` has it take the socket; the same with the other process gives it back.`;
  return [problem('tmux.swept', title, remedy)];
}
