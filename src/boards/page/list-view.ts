import { agentWords } from '../../job/agent-words.ts';
import type { JobRow } from '../../job/row.ts';
import { farOf } from '../../view/home.ts';
import { ageText, signOf, wordOf } from '../../view/marks.ts';
import { toneOf } from '../model/rows.ts';
import { el, say } from './dom.ts';
import { inOrder } from './jobs.ts';

/** Deeper jobs are drawn as deep as this. */
const DEEPEST = 3;

interface Line {
  /** What it shows. */
  shown?: { row: JobRow; selected: boolean; age: string };
  item: HTMLLIElement;
  button: HTMLButtonElement;
  parts: Record<'sign' | 'word' | 'id' | 'agent' | 'age' | 'about' | 'words', HTMLSpanElement>;
}

/** The jobs as a list of buttons; a job keeps its button, and thus the focus, through all changes. */
export class ListView {
  readonly element = el('ul', { class: 'jobs', 'aria-label': 'Jobs' });
  readonly #lines = new Map<string, Line>();
  readonly #select: (jobId: string) => void;

  constructor(select: (jobId: string) => void) {
    this.#select = select;
    this.element.addEventListener('keydown', (event) => this.#move(event));
  }

  /** Focuses the job that was shown last, or the first one. */
  focus(): void {
    const chosen = this.element.querySelector<HTMLElement>('[aria-current]');
    (chosen ?? this.element.querySelector('button'))?.focus();
  }

  show(jobs: readonly JobRow[], selected: string | undefined, now: number): void {
    const ordered = inOrder(jobs);
    const kept = new Set(ordered.map(({ row }) => row.job_id));
    for (const [id, { item }] of this.#lines) {
      if (kept.has(id)) continue;
      item.remove();
      this.#lines.delete(id);
    }
    const focused = document.activeElement;
    let place: Element | null = this.element.firstElementChild;
    for (const { row, depth } of ordered) {
      const { item } = this.#line(row, row.job_id === selected, now);
      item.dataset['depth'] = `${Math.min(depth, DEEPEST)}`;
      if (item === place) place = place.nextElementSibling;
      else this.element.insertBefore(item, place);
    }
    // A moved element loses the focus.
    if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
  }

  #line(row: JobRow, selected: boolean, now: number): Line {
    const line = this.#lines.get(row.job_id) ?? this.#make(row.job_id);
    const { button, parts, shown } = line;
    const age = ageText(now - Date.parse(row.created_at));
    if (shown?.row === row && shown.selected === selected && shown.age === age) return line;
    line.shown = { row, selected, age };
    button.dataset['status'] = toneOf(row);
    if (selected) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
    say(parts.sign, signOf(row));
    say(parts.word, wordOf(row));
    say(parts.id, row.job_id);
    const agent = row.agent === 'human' ? 'a person' : agentWords(row);
    const far = farOf(row);
    say(parts.agent, far === undefined ? agent : `${agent}, ${row.host === undefined ? far : `on ${far}`}`);
    say(parts.age, age);
    say(parts.about, row.prompt_preview);
    say(parts.words, row.detail ?? '');
    return line;
  }

  #make(id: string): Line {
    const span = (name: string): HTMLSpanElement => el('span', { class: name });
    const parts = {
      ...{ sign: span('sign'), word: span('word'), id: span('id') },
      ...{ agent: span('agent'), age: span('age') },
      ...{ about: span('about'), words: span('words') },
    };
    parts.sign.setAttribute('aria-hidden', 'true');
    const button = el('button', { type: 'button', 'aria-controls': 'detail' }, ...Object.values(parts));
    button.addEventListener('click', () => this.#select(id));
    const line: Line = { item: el('li', { class: 'job' }, button), button, parts };
    this.#lines.set(id, line);
    return line;
  }

  /** The arrow keys move from job to job. */
  #move(event: KeyboardEvent): void {
    const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' } as const;
    const way = step[event.key as keyof typeof step];
    const next = way && (event.target as Element).closest('li')?.[way]?.querySelector('button');
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
