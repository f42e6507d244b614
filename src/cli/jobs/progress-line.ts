import { clearLine, cursorTo } from 'node:readline';
import { cut } from '../../base/columns.ts';
import { cleanLine } from '../../base/text.ts';
import type { JobRecord } from '../../job/record.ts';
import type { LogMessage } from '../../operations/request.ts';
import { spanText } from '../../view/times.ts';
import { isLive, print, terminalColumns } from '../core/output.ts';

const TICK_MS = 1_000;
/** A line that wraps could not be redrawn. In columns. */
const MARGIN = 1;
/** No terminal is wider. */
const LINE_CHARS = 1_000;

/**
 * One line on stderr that is redrawn while a job is waited for: its stage, the time and the peer's last words. If
 * stderr is not a terminal, there is no line, and `print` just prints.
 */
export class ProgressLine {
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #stage: string;
  #words = '';

  /** @param stage what it says before the first event */
  constructor(stage: string, live = isLive()) {
    this.#stage = stage;
    if (!live) return;
    this.#timer = setInterval(() => this.#draw(), TICK_MS);
    this.#draw();
  }

  showJob(record: JobRecord): void {
    this.#show(record, record.detail ?? '');
  }

  showEvent(message: LogMessage): void {
    const { source, detail } = message.event;
    this.#show(message, source === 'hub' ? this.#words : (detail ?? this.#words));
  }

  /** Prints on stdout, above the line. */
  print(text: string): void {
    this.#erase();
    print(text);
    this.#draw();
  }

  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#erase();
  }

  #show({ status, reason, phase, blocked_by }: JobRecord | LogMessage, words: string): void {
    const why = reason ?? blocked_by;
    const stage = phase === status ? '' : `, ${phase}`;
    this.#stage = `${status}${why === undefined ? '' : ` (${why})`}${stage}`;
    this.#words = words;
    this.#draw();
  }

  #draw(): void {
    if (this.#timer === undefined) return;
    const words = this.#words === '' ? '' : `  ${this.#words}`;
    const line = `${this.#stage}  ${spanText(performance.now() - this.#started)}${words}`;
    const width = terminalColumns(process.stderr) - MARGIN;
    this.#erase();
    process.stderr.write(cut(cleanLine(line.replaceAll('  ', ' · '), LINE_CHARS), width));
  }

  #erase(): void {
    if (this.#timer === undefined) return;
    clearLine(process.stderr, 0);
    cursorTo(process.stderr, 0);
  }
}
