import { createContext, Script } from 'node:vm';
import { MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';

/** Screen patterns take some µs; one that still searches after this time, in ms, might search for years. */
const LIMIT_MS = 100;
/** The minimum that an interrupted attempt counts, in ms, so that the attempts end. */
const LEAST_MS = 5;
const SHOWN_CHARS = 80;

const made = new Map<string, RegExp>();
const context = createContext({ search: RegExp.prototype[Symbol.search] });
// A script's timeout also stops a regular expression: the engine checks it whenever it backtracks.
const script = new Script('search.call(pattern, text)');

/**
 * A configured pattern, with the flags m and u. A nested repetition such as `(a+)+$` can search forever and would block
 * the whole hub: such a search is stopped, and the pattern is not tried again.
 * @throws MamError `bad_input` if it is not a regular expression; its search throws `unavailable` if it was stopped
 */
export function boundedPattern(source: string): RegExp {
  const pattern = made.get(source) ?? new BoundedPattern(source);
  made.set(source, pattern);
  return pattern;
}

class BoundedPattern extends RegExp {
  readonly #plain: RegExp;
  #tooSlow = false;

  constructor(source: string) {
    try {
      super(source, 'mu');
      this.#plain = new RegExp(source, 'mu');
    } catch {
      throw new MamError(
        'bad_input',
        `The pattern ${cleanLine(source, SHOWN_CHARS)} is not a valid regular expression.`,
        'Fix it under "agents" in config.json.',
      );
    }
  }

  override [Symbol.search](text: string): number {
    if (this.#tooSlow) throw tooSlow(this.source);
    Object.assign(context, { pattern: this.#plain, text });
    for (let spent = 0; spent < LIMIT_MS; ) {
      const before = process.cpuUsage();
      try {
        return script.runInContext(context, { timeout: LIMIT_MS }) as number;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
        const { user, system } = process.cpuUsage(before);
        // On a busy machine the time may have passed without us: that says nothing about the pattern.
        spent += Math.max(LEAST_MS, (user + system) / 1_000);
      }
    }
    this.#tooSlow = true;
    throw tooSlow(this.source);
  }
}

function tooSlow(source: string): MamError {
  return new MamError(
    'unavailable',
    `The pattern ${cleanLine(source, SHOWN_CHARS)} searched the screen for more than ${LIMIT_MS} ms and was stopped.`,
    'Write it without a repetition inside a repetition, under "agents" in config.json, and run `mam hub restart`.',
  );
}
