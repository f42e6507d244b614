import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { orElse } from '../base/or-else.ts';
import { openFiles, pids } from '../base/processes.ts';
import { userId } from '../base/user-home.ts';
import { homePaths } from '../registry/home.ts';
import type { Settings } from '../settings/config.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, problem } from './finding.ts';
import { openJobs } from './open-jobs.ts';

/** A listening socket in /proc/net/unix: flags, its inode, and the path that it was bound to. */
const LISTENING = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (\/.*)$/gm;
const TMUX_SERVER = 'tmux: server';

/** Running tmux servers whose sockets were removed, for instance by a cleaner of /tmp: nobody can reach their agents. */
export const tmuxSwept: Check = {
  name: 'tmux swept',
  area: 'tmux',
  limitMs: 4_000,

  look: withSettings(async (settings) => {
    const wanted = socketsOf(settings);
    const bound = listening();
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

/** The server that is searched for agents here, and those of open jobs. */
function socketsOf({ tmuxSocket, paneSocket, home }: Settings): Set<string> {
  const jobs = openJobs(homePaths(home)).flatMap(({ record }) => record.agent_session?.socket ?? []);
  return new Set([tmuxSocket, paneSocket ?? tmuxSocket, ...jobs]);
}

/** The paths that sockets were bound to, by inode, gone or not; only on Linux. */
function listening(): Map<string, string> {
  const text = orElse(() => readFileSync('/proc/net/unix', 'latin1'), '');
  return new Map([...text.matchAll(LISTENING)].map(([, inode = '', path = '']) => [inode, path]));
}

function tmuxServers(): number[] {
  const isOne = (folder: string): boolean =>
    readFileSync(`${folder}/comm`, 'latin1').trimEnd() === TMUX_SERVER && statSync(folder).uid === userId();
  // One may have ended meanwhile.
  return pids().filter((pid) => orElse(() => isOne(`/proc/${pid}`), false));
}

function swept(pid: number, path: string): Found[] {
  const folder = existsSync(dirname(path)) ? '' : `\`mkdir -p -m 700 ${dirname(path)}\`, then `;
  const title = `A tmux server (process ${pid}) is running, but its socket ${path} was removed: nobody can attach to its sessions.`;
  return [problem('tmux.swept', title, `${folder}\`kill -USR1 ${pid}\` makes tmux create the socket again.`)];
}

/** Nothing shows from outside which of them answers now. */
function replaced(pid: number, path: string): Found[] {
  const title = `Several tmux servers were started at ${path}; only the last one can be reached there. This one is process ${pid}.`;
  const remedy = `If you miss its sessions: \`kill -USR1 ${pid}\` makes it take the socket; the same with the other process gives it back.`;
  return [problem('tmux.swept', title, remedy)];
}
