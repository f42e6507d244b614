import { writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { MamError, systemCode } from '../base/errors.ts';
import { shellWord } from '../base/shell.ts';
import { programPath } from '../settings/program.ts';
import { commandOptions, type Stage } from './stage.ts';

export const SESSION = 'peer';
/** The tmux channel on which the peer signals that it is ready; it is signalled at its death, too. */
const READY = 'demo-peer';
/** A peer is ready within this time, in ms; measured: 300 to 500. */
const READY_MS = 20_000;
/** tmux answers any other command within this time, in ms. */
const TMUX_TIMEOUT_MS = 10_000;
/** How much of the peer's screen a failure shows, in lines. */
const SCREEN_LINES = 12;

// The pane outlives the peer, so that a failure can show its last output.
const CONFIG = `set -g remain-on-exit on
set-hook -g pane-died 'wait-for -S ${READY}'
set -g status-left ' mam demo  '
set -g status-right ' Ctrl-b d detaches '
set -g status-right-length 40
`;

/** The version of tmux. @throws MamError `unavailable` that says how to install it */
export async function tmuxVersion(): Promise<string> {
  const { stdout, failed, code } = await execa('tmux', ['-V'], { cwd: '/', reject: false });
  if (!failed) return stdout;
  if (code !== 'ENOENT') throw new MamError('unavailable', 'tmux cannot be run.', 'Try: tmux -V');
  throw new MamError(
    'unavailable',
    'The demo needs tmux, which is not installed or not on the PATH.',
    'Install it: sudo apt install tmux (Debian, Ubuntu), sudo dnf install tmux (Fedora), brew install tmux (macOS).',
  );
}

/** Starts a private tmux server with the peer in it. @returns when the peer can take an order */
export async function startPeer(stage: Stage, stop: AbortSignal): Promise<void> {
  writeFileSync(stage.tmuxConfig, CONFIG);
  const program = [process.execPath, programPath(), 'demo', 'peer', READY];
  const place = ['-s', SESSION, '-n', 'mam', '-x', '110', '-y', '32', '-c', stage.project];
  await tmux(stage, ['-f', stage.tmuxConfig, 'new-session', '-d', ...place, ...program]);
  const [wait = '', ...words] = [...stage.within, 'tmux', '-S', stage.socket, 'wait-for', READY];
  const { timedOut } = await execa(wait, words, {
    ...commandOptions(stage, READY_MS),
    cancelSignal: stop,
    reject: false,
  });
  stop.throwIfAborted();
  const dead = await tmux(stage, ['display-message', '-p', '-t', `=${SESSION}:`, '#{pane_dead}']);
  if (dead === '0' && !timedOut) return;
  throw new MamError('unavailable', dead === '1' ? 'The peer has ended.' : 'The peer did not become ready.');
}

/** From now on the session ends with the peer. */
export async function releasePeer(stage: Stage): Promise<void> {
  await tmux(stage, ['set-option', '-g', 'remain-on-exit', 'off']);
}

/** What a person types to look at the peer. */
export function attachCommand(stage: Stage): string {
  // Quoted: zsh takes a word that begins with = for a program's path.
  return `tmux -S ${shellWord(stage.socket)} attach -t '=${SESSION}'`;
}

/** The last lines of the peer's screen; none when there is no peer. */
export async function peerScreen(stage: Stage): Promise<string[]> {
  const screen = await tmux(stage, ['capture-pane', '-p', '-t', `=${SESSION}:`]).catch(() => '');
  const lines = screen.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-SCREEN_LINES);
}

/** The server's process and those in its panes; none when no server runs. */
export async function tmuxPids(stage: Stage): Promise<number[]> {
  const list = await tmux(stage, ['list-panes', '-a', '-F', '#{pid} #{pane_pid}']).catch(() => '');
  return [...new Set(list.split(/\s+/).map(Number))].filter((pid) => pid > 0);
}

/** Ends the private server, if it is running. */
export async function endTmux(stage: Stage): Promise<void> {
  await tmux(stage, ['kill-server']).catch(() => {});
}

async function tmux(stage: Stage, args: string[]): Promise<string> {
  try {
    const [program = '', ...words] = [...stage.within, 'tmux', '-u', '-S', stage.socket, ...args];
    return (await execa(program, words, commandOptions(stage, TMUX_TIMEOUT_MS))).stdout;
  } catch (error) {
    const why = (error as { stderr?: string }).stderr || systemCode(error) || 'no answer';
    throw new MamError('unavailable', `tmux failed: ${why}.`, '', { cause: error });
  }
}
