import { clearLine, cursorTo } from 'node:readline';
import { cut } from '../../base/columns.ts';
import { cleanLine } from '../../base/text.ts';
import type { JobRecord } from '../../job/record.ts';
import type { LogMessage } from '../../operations/request.ts';
import { isLive, print, terminalColumns } from '../core/output.ts';
import { spanText } from '../core/times.ts';

/** The seconds of the line move on. In ms. */
const TICK_MS = 1_000;
/** A line that wraps could not be drawn over. */
const MARGIN = 1;
/** No terminal is wider. */
const LINE_CHARS = 1_000;

/**
 * One line on stderr, drawn over while a job is waited for: its stage, the time and the peer's last words. Where
 * stderr is no terminal there is none, and `print` just prints.
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

  /** Takes how a job stands. */
  begin({ status, reason, phase, blocked_by, detail }: JobRecord): void {
    this.#stage = stageText(status, reason ?? blocked_by, phase);
    this.#words = detail ?? '';
    this.#draw();
  }

  /** Takes what an event says of its job. */
  take({ event, status, reason, phase, blocked_by }: LogMessage): void {
    this.#stage = stageText(status, reason ?? blocked_by, phase);
    if (event.source !== 'hub' && event.detail !== undefined) this.#words = event.detail;
    this.#draw();
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

function stageText(status: string, reason: string | undefined, phase: string): string {
  return `${status}${reason === undefined ? '' : ` (${reason})`}, ${phase}`;
}
