import { basename } from 'node:path';
import { MamError } from '../base/errors.ts';
import { flag, maybe, text } from '../base/fields.ts';
import { shellWord } from '../base/shell.ts';
import { cleanLine } from '../base/text.ts';
import type { Stage } from '../demo/stage.ts';
import { programPath } from '../settings/program.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { paint, print, printAnswer, printJson } from './core/output.ts';

/** Ended by Ctrl-C: the exit code that shells use. */
const INTERRUPTED = 130;

export default defineCommand({
  synopsis: '[--keep] [--hosts] | --stop DIR | peer',
  about: [
    'Shows one delegated job from end to end with real parts, in about 5 seconds: a hub, a tmux session with a small ' +
      'bundled peer, a job handed over through the MCP tools, waited for, and checked by a script. All of it lives in ' +
      'a private folder that is removed at the end; nothing of yours is touched.',
  ],
  words: [
    {
      name: 'peer',
      about: "run the demo's small peer in this terminal, as a stand-in for an agent",
      many: true,
    },
  ],
  options: {
    hosts: flag('with two hosts: the job goes from one to the other, over a small broker'),
    keep: flag('leave it running, and print how to attach to the peer and how to end it'),
    stop: maybe(text('end a demo that --keep left running', { completes: 'folder' })),
  },
  json: 'how the demo ended and its timeline; with `--stop`: `{"stopped": true}`',
  exits: { done: 'the job completed and passed its check', failed: 'it did not' },
  examples: ['mam demo', 'mam demo --hosts', 'mam demo --keep'],

  async run({ options: { keep, hosts, stop }, words: [word, ...more], json }) {
    if (word === 'peer') {
      const { runPeer } = await import('../demo/peer/main.ts');
      return runPeer(more[0]);
    }
    if (word === 'broker') {
      const { runBroker } = await import('../demo/broker.ts');
      return runBroker(more[0] ?? '', more[1] ?? '');
    }
    if (word !== undefined)
      throw new MamError(
        'bad_input',
        `Unexpected argument "${cleanLine(word, 40)}".`,
        'Run mam demo, or mam demo peer.',
      );
    return stop === undefined ? play({ keep, hosts }, json) : stopKept(stop, json);
  },
});

async function play(options: { keep: boolean; hosts: boolean }, json: boolean): Promise<number> {
  const [{ runDemo }, { jsonReport, textReport, keptCommands }] = await Promise.all([
    import('../demo/run.ts'),
    import('../demo/report.ts'),
  ]);
  const stop = new AbortController();
  // Whatever ends this process early must end the demo first: nothing is left behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // The usual exit of a command whose reader has gone would leave everything running.
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', () => stop.abort());
  const mam = basename(process.argv[1] ?? '') === 'mam' ? 'mam' : `node ${shellWord(programPath())}`;
  const commandsOf = (stage: Stage) => keptCommands(stage, mam);
  const report = json ? jsonReport(printJson, commandsOf) : textReport(print, paint, commandsOf);
  const end = await runDemo(report, options, stop.signal);
  return end === 'completed' ? EXIT.done : end === 'failed' ? EXIT.failed : INTERRUPTED;
}

async function stopKept(folder: string, json: boolean): Promise<number> {
  const [{ keptStage }, { endStage }] = await Promise.all([
    import('../demo/stage.ts'),
    import('../demo/ending.ts'),
  ]);
  await endStage(keptStage(folder));
  return printAnswer(json, { stopped: true }, 'The demo has ended, and its folder was removed.');
}
