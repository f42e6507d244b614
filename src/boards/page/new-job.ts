import { agentWords } from '../../job/agent-words.ts';
import { button, el, say } from './dom.ts';
import type { Host } from './host.ts';

/** A row of `list_agents`, as far as it is needed here. */
interface Agent {
  agent: string;
  kind?: string;
  about?: string;
  state: string;
  target?: string;
  agent_session?: { session: string };
}

/** Whom a job can be delegated to. */
interface Choice {
  words: string;
  args: Record<string, unknown>;
}

const OTHER: Choice = { words: 'another program in tmux', args: { agent: 'command' } };
const PERSON: Choice = { words: 'a person', args: { agent: 'human' } };

/** The live agents, those that can be started, and what is always there. */
export function choicesOf(agents: readonly Agent[]): Choice[] {
  const live = agents.flatMap(({ agent, kind, state, target, agent_session: at }) =>
    target === undefined || at === undefined
      ? []
      : [
          {
            words: `${wordsOf({ agent, kind })} in tmux:${at.session} (${state.replaceAll('_', ' ')})`,
            args: { agent, agent_session: target },
          },
        ],
  );
  const idle = agents
    .filter(({ state }) => state === 'not_running')
    .map(({ agent, kind, about }) => ({
      words: `${wordsOf({ agent, kind })}, started for it${about === undefined ? '' : `: ${about}`}`,
      args: { agent, start: true },
    }));
  return [...live, ...idle, PERSON, OTHER];
}

function wordsOf({ agent, kind }: { agent: string; kind: string | undefined }): string {
  return agentWords(kind === undefined ? { agent } : { agent: kind, profile: agent });
}

/** A dialog to delegate a job. */
export class NewJob {
  readonly element = el('dialog', { class: 'new', 'aria-labelledby': 'new-job' });
  readonly #host: Host;
  readonly #made: (jobId: string, summary: string) => void;
  readonly #prompt = el('textarea', { id: 'prompt', rows: '6' });
  readonly #agent = el('select', { id: 'agent' });
  readonly #session = field('session', 'tmux:NAME or tmux:%3');
  readonly #workdir = field('workdir', 'the folder in which mam web runs');
  readonly #check = field('validate', 'none');
  readonly #problem = el('p', { class: 'problem', role: 'alert' });
  readonly #send = button('Delegate', 'yes', () => void this.#delegate());
  #choices: Choice[] = [];
  /** If an answer is lost and the same is sent again, there is still one job. */
  #key = '';

  /** @param made called with the id of a new job, and what became of it */
  constructor(host: Host, made: (jobId: string, summary: string) => void) {
    this.#host = host;
    this.#made = made;
    this.#problem.hidden = true;
    const sessionRow = row('Its session', this.#session);
    this.#agent.addEventListener('change', () => {
      sessionRow.hidden = this.#choice !== OTHER;
    });
    sessionRow.hidden = true;
    this.element.addEventListener('input', () => {
      this.#key = crypto.randomUUID();
    });
    this.element.append(
      el('h2', { id: 'new-job' }, 'New job'),
      row('Task, with everything that the agent needs to know', this.#prompt),
      row('Agent', this.#agent),
      sessionRow,
      el(
        'details',
        {},
        el('summary', {}, 'Folder and check'),
        row('Working folder', this.#workdir),
        row('Script that checks the work', this.#check),
      ),
      this.#problem,
      el(
        'div',
        { class: 'buttons' },
        this.#send,
        button('Back', 'quiet', () => this.element.close()),
      ),
    );
  }

  /** Opens it with the agents that there are now. */
  async open(): Promise<void> {
    this.#tell('');
    this.element.showModal();
    this.#prompt.focus();
    try {
      const { agents } = await this.#host.call<{ agents: Agent[] }>('list_agents', {});
      this.#choices = choicesOf(agents);
    } catch (error) {
      this.#choices = [PERSON, OTHER];
      this.#tell(error instanceof Error ? error.message : String(error));
    }
    const before = this.#agent.selectedOptions[0]?.textContent;
    this.#agent.replaceChildren(
      ...this.#choices.map(({ words }, index) => el('option', { value: String(index) }, words)),
    );
    const same = this.#choices.findIndex(({ words }) => words === before);
    this.#agent.selectedIndex = Math.max(0, same);
    this.#agent.dispatchEvent(new Event('change'));
  }

  get #choice(): Choice | undefined {
    return this.#choices[this.#agent.selectedIndex];
  }

  async #delegate(): Promise<void> {
    const [session, workdir, validate] = [this.#session, this.#workdir, this.#check].map(({ value }) =>
      value.trim(),
    );
    const args = {
      ...this.#choice?.args,
      prompt: this.#prompt.value,
      ...(this.#key !== '' && { request_key: this.#key }),
      ...(this.#choice === OTHER && session && { agent_session: session }),
      ...(workdir && { workdir }),
      ...(validate && { validate }),
    };
    if (this.#prompt.value.trim() === '') {
      this.#tell('The task is empty: say what is to be done.');
      this.#prompt.focus();
      return;
    }
    this.#send.disabled = true;
    this.#tell('');
    try {
      const made = await this.#host.call<{ job_id: string; summary: string; warnings: string[] }>(
        'delegate_job',
        args,
      );
      this.#prompt.value = this.#key = '';
      this.element.close();
      this.#made(made.job_id, [made.summary, ...made.warnings].join(' '));
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
    this.#send.disabled = false;
  }

  #tell(text: string): void {
    this.#problem.hidden = text === '';
    say(this.#problem, text);
  }
}

function field(id: string, placeholder: string): HTMLInputElement {
  return el('input', { id, type: 'text', placeholder, autocomplete: 'off', spellcheck: 'false' });
}

function row(words: string, input: HTMLElement): HTMLElement {
  return el('div', { class: 'row' }, el('label', { for: input.id }, words), input);
}
