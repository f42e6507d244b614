import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
import { parseObject } from '../base/json.ts';
import { orElse } from '../base/or-else.ts';
import { userId } from '../base/user-home.ts';
import { type Home, homePaths } from '../registry/home.ts';
import { scrubbedEnvironment } from '../settings/environment.ts';

/** With a longer one, the paths of the sockets in the folder could be too long, and truncated. */
const MAX_TEMPORARY_BYTES = 60;

/** The folder of one demo, with all its files: it touches nothing of the user's own hub, registry or tmux. */
export interface Stage {
  folder: string;
  home: Home;
  /** The supervisor's project, which is the peer's working folder too. */
  project: string;
  /** Socket of the private tmux server, and its name below `TMUX_TMPDIR`, as `tmux -L` takes it. */
  socket: string;
  tmuxName: string;
  tmuxConfig: string;
  script: string;
  /** Marks the folder as a demo's. */
  marker: string;
  /** What its processes are run with, to be on a machine of their own: a program and its arguments; often nothing. */
  within: readonly string[];
}

/** Makes a private folder for a demo. */
export function makeStage(): Stage {
  const temporary = realpathSync(tmpdir());
  const parent = Buffer.byteLength(temporary) <= MAX_TEMPORARY_BYTES ? temporary : '/tmp';
  return furnished(stageIn(mkdtempSync(join(parent, 'mam-demo-'))));
}

/** The stage of the second host of a demo, in the folder of the first. @param within what its processes are run with */
export function makeSecondStage(first: Stage, within: readonly string[]): Stage {
  const stage = { ...secondStage(first), within };
  mkdirSync(dirname(stage.socket), { recursive: true, mode: 0o700 });
  return furnished(stage);
}

/** The same, whether it was made or not. */
export function secondStage({ folder: first }: Stage): Stage {
  const folder = join(first, 'b');
  const stage = stageIn(folder);
  // Its hub finds the tmux server by its own settings, which name it.
  return { ...stage, socket: join(folder, `tmux-${userId()}`, stage.tmuxName) };
}

/** Notes in the folder what else must be removed with it: the demo may be ended by another process. */
export function noteMore(stage: Stage, more: { network?: string; broker?: number }): void {
  const marker = parseObject(readFileSync(stage.marker, 'utf8'));
  writeFileSync(stage.marker, `${JSON.stringify({ ...marker, ...more })}\n`);
}

/** What was noted. */
export function notedMore(stage: Stage): { network: string | undefined; broker: number | undefined } {
  const { network, broker } = parseObject(orElse(() => readFileSync(stage.marker, 'utf8'), ''));
  return {
    network: typeof network === 'string' ? network : undefined,
    broker: typeof broker === 'number' ? broker : undefined,
  };
}

function furnished(stage: Stage): Stage {
  writeFileSync(stage.marker, `${JSON.stringify({ demo: 'multi-agent-mux', pid: process.pid })}\n`);
  mkdirSync(stage.home.folder, { mode: 0o700 });
  // Its own project folder: otherwise one above the temporary folder would be found, with its settings.
  mkdirSync(join(stage.project, '.mam'), { recursive: true });
  return stage;
}

/** The stage of a demo that was kept. @throws MamError `bad_input` when the folder is not a demo's */
export function keptStage(folder: string): Stage {
  const stage = stageIn(resolve(folder));
  if (existsSync(stage.marker)) return stage;
  const remedy = 'Give --stop the folder that mam demo --keep printed.';
  throw new MamError('bad_input', 'This is not the folder of a demo.', remedy);
}

/** The environment of the demo's processes. @param inTmux for one that seems to run in the private tmux server */
export function stageEnvironment(stage: Stage, inTmux = false): Record<string, string> {
  return {
    ...scrubbedEnvironment(),
    MAM_HOME: stage.home.folder,
    TMUX_TMPDIR: stage.folder,
    // With a second host, the broker may be on an address of its own, on a cable that nobody else is on.
    MAM_BROKER_PLAIN: '1',
    ...(inTmux && { TMUX: `${stage.socket},0,0` }),
  };
}

/** How a command of the demo is run. @param timeout in ms */
export function commandOptions(stage: Stage, timeout: number) {
  return {
    cwd: '/',
    env: stageEnvironment(stage),
    extendEnv: false,
    timeout,
    // Its own process group: Ctrl-C ends the demo cleanly, not its commands at random.
    detached: true,
  };
}

function stageIn(folder: string): Stage {
  return {
    folder,
    home: homePaths(join(folder, 'home')),
    project: join(folder, 'project'),
    socket: join(folder, 'tmux.sock'),
    tmuxName: 'mam',
    tmuxConfig: join(folder, 'tmux.conf'),
    script: join(folder, 'check-greeting.sh'),
    marker: join(folder, 'demo.json'),
    within: [],
  };
}
