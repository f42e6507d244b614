import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../support/lab.ts';
import { Peer } from '../support/peer.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';
import type { PeerEvidence, Told } from './evidence.ts';

const PEER = join(import.meta.dirname, 'peer.mjs');
export const PROMPT = 'SHELL> ';

/** A kind configured in the lab: its box can be read and cleared. */
const EDITOR = 'editor';
export const KINDS = {
  [EDITOR]: { ready: '^READY> *$', draft: '(?<=^READY> )\\S[\\s\\S]*', clear: 'C-u' },
};

/** How each agent reports, whether it runs in a shell that stays when it ends, and its kind. */
export const AGENTS: Readonly<
  Record<string, { by: 'cli' | 'mcp'; inShell: boolean; kind: 'command' | typeof EDITOR }>
> = {
  alpha: { by: 'cli', inShell: false, kind: 'command' },
  beta: { by: 'mcp', inShell: false, kind: 'command' },
  gamma: { by: 'mcp', inShell: true, kind: 'command' },
  delta: { by: 'cli', inShell: false, kind: EDITOR },
};

/** A fake agent in a pane of the lab, and what it wrote about itself. */
export class Agent extends Peer {
  readonly name: string;
  readonly kind: string;
  /** What its shell has run, if it has one. */
  readonly ran: string | undefined;
  readonly since = Date.now();

  private constructor(
    name: string,
    kind: string,
    ran: string | undefined,
    ...peer: [string, string, string]
  ) {
    super(...peer);
    this.name = name;
    this.kind = kind;
    this.ran = ran;
  }

  /** @param number makes its files unique and, if a shell may still be in the last one, its session */
  static async start(lab: Lab, name: string, number: number, seed: number, program: string): Promise<Agent> {
    const { by, inShell, kind } = AGENTS[name] ?? { by: 'cli', inShell: false, kind: 'command' };
    const log = join(lab.folder, `agent-${number}.log`);
    const words = [process.execPath, PEER, '--log', log, '--mam', program, '--seed', `${seed}`, '--by', by];
    if (kind === EDITOR) words.push('--edit');
    const session = inShell ? `${name}-${number}` : name;
    const ran = inShell ? join(lab.folder, `agent-${number}.ran`) : undefined;
    if (ran === undefined) await lab.startSession(session, `exec ${words.join(' ')}`);
    else {
      const rc = join(lab.folder, `agent-${number}.rc`);
      writeFileSync(rc, `PS1='${PROMPT}'; HISTFILE=; trap 'printf "%s\\n" "$BASH_COMMAND" >>${ran}' DEBUG\n`);
      await lab.startSession(session, `exec bash --noprofile --rcfile ${rc} -i`);
      await lab.tmux('send-keys', '-t', `=${session}:`, words.join(' '), 'Enter');
    }
    const agent = new Agent(name, kind, ran, session, lab.panes.get(session) ?? '', log);
    await until(`agent ${session} is ready`, () => agent.isReady);
    return agent;
  }

  /** True for one whose box shows what a person types and can be cleared. */
  get isEditor(): boolean {
    return this.kind === EDITOR;
  }

  get isAlive(): boolean {
    return isRunning(this.pid);
  }

  get evidence(): PeerEvidence {
    const submitted = this.notes.flatMap(({ at, submitted: text }) =>
      text === undefined ? [] : [{ at, text }],
    );
    return { name: this.session, pane: this.pane, since: this.since, submitted };
  }

  /** The answers it got; an unanswered report may or may not have arrived. */
  get told(): Told[] {
    const notes = this.notes;
    return notes
      .filter(({ reporting }) => reporting !== undefined)
      .map(({ at, reporting, job, token, sha256 }): Told => {
        const end = notes.find((note) => note.reported !== undefined && note.token === token);
        const outcome = end?.answer !== undefined ? 'answer' : end?.code ? 'refused' : 'lost';
        return {
          who: `agent ${this.session} (${this.pid})`,
          call: 'publish_event',
          args: { event: reporting },
          ...{ job, token, began: at, ended: end?.at, outcome },
          ...(sha256 !== undefined && { result: { sha256 } }),
          ...{ answer: end?.answer, words: end?.words, code: end?.code },
        };
      });
  }
}
