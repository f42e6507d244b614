import { basename } from 'node:path';
import { programPath } from '../config.ts';
import { MamError } from '../errors.ts';
import { print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'demo [--keep] [--json] | --stop FOLDER',
  text: [
    'Shows one delegated job from end to end on real parts, in about 5 seconds: a hub, a tmux session with a small',
    'bundled peer, a job handed over through the MCP tools, waited for, and checked by a script. All of it lives in',
    'a private folder and is gone at the end; nothing of yours is touched.',
    '',
    '  --keep         leaves it running, and prints how to attach to the peer and how to end it',
    '  --stop FOLDER  ends a demo that was kept',
    '  --json         prints one JSON object instead',
    '',
    'Exit code 0: the job was completed and passed its check; 1: it was not; 69: tmux is missing.',
  ].join('\n'),
  options: { keep: { type: 'boolean' }, stop: { type: 'string' } },
  positionals: true,
};

/** Ended by Ctrl-C, as shells have it. */
const INTERRUPTED = 130;

/** `mam demo`; `mam demo peer` is the program that it starts in its tmux pane. */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values, [word, ...more]) => {
    if (word === 'peer') {
      const { runPeer } = await import('../demo/peer/main.ts');
      return runPeer(more[0]);
    }
    if (word !== undefined) {
      throw new MamError('bad_input', 'mam demo takes no such word.', `Usage: mam ${usage.synopsis}`);
    }
    const json = values['json'] === true;
    const folder = textOf(values, 'stop');
    if (folder !== undefined) return stopKept(folder, json);
    return play(values['keep'] === true, json);
  });
}

async function play(keep: boolean, json: boolean): Promise<number> {
  const [{ runDemo }, { jsonReport, textReport, keptCommands }] = await Promise.all([
    import('../demo/run.ts'),
    import('../demo/report.ts'),
  ]);
  const stop = new AbortController();
  // Whatever ends this process early must end the demo first: nothing is left behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // The usual end of a command whose reader has gone would leave everything standing.
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', () => stop.abort());
  const mam = basename(process.argv[1] ?? '') === 'mam' ? 'mam' : `node ${programPath()}`;
  const report = (json ? jsonReport : textReport)(print, (stage) => keptCommands(stage, mam));
  const end = await runDemo(report, keep, stop.signal);
  return end === 'completed' ? EXIT.done : end === 'failed' ? EXIT.failed : INTERRUPTED;
}

async function stopKept(folder: string, json: boolean): Promise<number> {
  const [{ keptStage }, { endStage }] = await Promise.all([
    import('../demo/stage.ts'),
    import('../demo/ending.ts'),
  ]);
  await endStage(keptStage(folder));
  print(json ? JSON.stringify({ stopped: true }) : 'The demo has ended, and its folder is gone.');
  return EXIT.done;
}
