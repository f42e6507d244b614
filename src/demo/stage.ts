import { existsSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MamError } from '../base/errors.ts';
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
  /** Socket of the private tmux server. */
  socket: string;
  tmuxConfig: string;
  script: string;
  /** Marks the folder as a demo's. */
  marker: string;
}

/** Makes a private folder for a demo. */
export function makeStage(): Stage {
  const temporary = realpathSync(tmpdir());
  const parent = Buffer.byteLength(temporary) <= MAX_TEMPORARY_BYTES ? temporary : '/tmp';
  const stage = stageIn(mkdtempSync(join(parent, 'mam-demo-')));
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
    tmuxConfig: join(folder, 'tmux.conf'),
    script: join(folder, 'check-greeting.sh'),
    marker: join(folder, 'demo.json'),
  };
}
