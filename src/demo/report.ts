import { shellWord } from '../base/shell.ts';
import { cleanLine } from '../base/text.ts';
import { verdictWords } from '../job/check.ts';
import type { Delegated, JobStatus } from './mam-client.ts';
import { attachCommand } from './private-tmux.ts';
import type { Stage } from './stage.ts';
import type { Moment } from './timeline.ts';
import { HOSTS, type SecondHost } from './two-hosts.ts';

/** Lengths that keep every line readable, in characters. */
const LABEL = 12;
const DETAIL_CHARS = 100;
const TASK_CHARS = 300;

/** What became of the job of a demo. */
export type DemoEnd = 'completed' | 'failed' | 'interrupted';

/** How a demo ended. */
export interface Ending {
  stage: Stage;
  kept: boolean;
  seconds: number;
  failure: { why: string; hubLog: string[]; screen: string[] } | undefined;
}

/** Gets what happens in a demo, step by step. */
export interface Report {
  stage(stage: Stage, tmux: string): void;
  hub?(pid: number): void;
  /** With two hosts: the second one's hub runs; then the two know each other. */
  secondHost?(second: SecondHost, pid: number): void;
  met?(): void;
  peer?(session: string): void;
  supervisor?(): void;
  delegated(job: Delegated, prompt: string, called: number, answered: number): void;
  job(status: JobStatus, timeline: Moment[]): void;
  file?(path: string, text: string): void;
  end(end: DemoEnd, ending: Ending): void;
}

type KeptCommands = ReturnType<typeof keptCommands>;

/** What a person types for a demo that was kept. @param mam how this program is called */
export function keptCommands(stage: Stage, mam: string) {
  return { attach: attachCommand(stage), stop: `${mam} demo --stop ${shellWord(stage.folder)}` };
}

/** The report for a person: a line per step, then the timeline. @param commandsOf what to type when it is kept */
export function textReport(
  print: (text: string) => void,
  paint: (style: 'bold' | 'dim' | 'green' | 'red', text: string) => string,
  commandsOf: (stage: Stage) => KeptCommands,
): Report {
  let since = performance.now();
  const fact = (label: string, text: string): void => print(`  ${paint('dim', label.padEnd(LABEL))}${text}`);
  const step = (label: string, text: string): void => {
    const now = performance.now();
    fact(label, `${text} ${paint('dim', `(${Math.round(now - since)} ms)`)}`);
    since = now;
  };

  return {
    stage(stage, tmux) {
      print(`${paint('bold', 'mam demo')}: one delegated job from end to end, with real parts\n`);
      fact('folder', `${stage.folder}, private: its own hub, registry and ${tmux} server`);
    },
    hub: (pid) => step('hub', `runs as process ${pid}`),
    secondHost({ isApart, broker }, pid) {
      const where = isApart ? 'in a network of its own' : 'with a home of its own';
      step('second host', `${HOSTS[1]}, ${where}; its hub runs as process ${pid}`);
      fact('broker', `${broker}, between ${HOSTS.join(' and ')}`);
    },
    met: () => step('hosts', `${HOSTS[0]} has heard of ${HOSTS[1]}`),
    peer: (session) => step('peer', `waits in tmux session "${session}", connected to its own mam server`),
    supervisor: () => step('supervisor', 'an MCP client with its own mam server, connected to the hub'),
    delegated(job, prompt, called, answered) {
      fact('task', cleanLine(prompt, TASK_CHARS));
      fact('job', `${paint('bold', job.job_id)}, delegate_job answered after ${answered - called} ms`);
      const stages = job.delivery.map(({ stage, at }) => `${stage} ${Date.parse(at) - called} ms`);
      fact('receipt', `${stages.join(', ')}; peer's server: ${job.peer_server ?? 'unknown'}`);
      fact('waiting', 'wait_job returns when the job is done; the peer works for a few seconds …');
    },
    job(status, timeline) {
      print('\n  Timeline, in ms since delegate_job was called');
      for (const { ms, source, what, detail = '' } of timeline) {
        const time = paint('dim', String(ms).padStart(7));
        const words = detail === '' ? '' : `  ${cleanLine(detail, DETAIL_CHARS)}`;
        print(`${time}  ${source.padEnd(10)}  ${what.padEnd(12)}${words}`.trimEnd());
      }
      print('');
      const { passed, output_tail = '' } = status.validation ?? {};
      const verdict = verdictWords({ ...status.validation });
      if (verdict === undefined) return;
      const painted = paint(passed === true ? 'green' : 'red', verdict);
      fact('validation', `${painted}  ${cleanLine(output_tail, TASK_CHARS)}`);
    },
    end(end, { stage, kept, seconds, failure }) {
      const time = `${seconds.toFixed(1)} s`;
      const gone = 'the hub, the tmux server and the folder were removed.';
      if (failure !== undefined) {
        print(`\n${paint('red', 'The demo failed')} after ${time}: ${failure.why}`);
        tail(`The end of the hub's log, ${stage.home.log}:`, failure.hubLog);
        tail("The peer's screen was:", failure.screen);
      }
      if (kept) {
        const { attach, stop } = commandsOf(stage);
        if (end === 'completed')
          print(`\n${paint('green', 'Completed')} in ${time}; everything is still running.`);
        fact('look at it', attach);
        fact('files', stage.project);
        fact('end it', stop);
      } else if (end === 'completed') {
        print(`\n${paint('green', 'Completed')} in ${time}; ${gone}`);
      } else if (end === 'interrupted') print(`\nInterrupted after ${time}; ${gone}`);
    },
  };

  function tail(title: string, lines: string[]): void {
    if (lines.length === 0) return;
    print(`\n${title}`);
    for (const line of lines) print(`  ${cleanLine(line, 200)}`);
  }
}

/** The report for a program: one JSON object, at the end. */
export function jsonReport(
  print: (value: unknown) => void,
  commandsOf: (stage: Stage) => KeptCommands,
): Report {
  const facts: Record<string, unknown> = {};
  return {
    stage: (_, tmux) => Object.assign(facts, { tmux }),
    delegated(job, prompt, called, answered) {
      const delivery = job.delivery.map(({ stage, at }) => ({ stage, ms: Date.parse(at) - called }));
      const { job_id, peer_server } = job;
      Object.assign(facts, { job_id, prompt, delegate_ms: answered - called, delivery, peer_server });
    },
    job(status, timeline) {
      const { status: word, reason, detail } = status;
      const { passed, exit_code, output_tail: output } = status.validation ?? {};
      const validation = passed === undefined ? undefined : { passed, exit_code, output };
      Object.assign(facts, { status: word, reason, detail, validation, timeline });
    },
    file: (path, text) => Object.assign(facts, { file: path, file_text: text }),
    end(end, { stage, kept, seconds, failure }) {
      const { attach: attach_command, stop: stop_command } = commandsOf(stage);
      print({
        ok: end === 'completed',
        end,
        ...facts,
        total_ms: Math.round(seconds * 1000),
        kept,
        folder: stage.folder,
        ...(kept && { attach_command, stop_command }),
        ...(failure && { error: failure.why, hub_log: failure.hubLog, peer_screen: failure.screen }),
      });
    },
  };
}
