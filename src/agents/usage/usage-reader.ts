import { MODELS, modelName, sumOf } from '../../job/usage.ts';
import type { Usage } from '../../job/usage-schema.ts';

/** What one request to a model has used, in tokens. `input` contains `cached`. */
export interface Tokens {
  input: number;
  output: number;
  cached: number;
}

/** A JSON object of a transcript. */
export type Line = Readonly<Record<string, unknown>>;

/** How one agent kind's transcript says what was used; one file per kind. Pure: it gets one line after the other. */
export interface TranscriptFormat {
  /** `transcript`, or what else the file is. */
  source: string;
  /** A line without any of these words says nothing about usage, and is not parsed. */
  marks: readonly string[];
  /** Takes the next line that has one of them. */
  take(line: Line, sums: Sums): void;
}

/** Requests whose later lines replace earlier ones: the lines of one request are close together. */
const KEPT_REQUESTS = 200;

/** The sums of one part of a transcript. */
export class Sums {
  readonly #models = new Set<string>();
  readonly #total: Tokens = { input: 0, output: 0, cached: 0 };
  /** What was counted last, by the request's id. */
  readonly #counted = new Map<string, Tokens>();
  #hasAny = false;
  /** The model of what comes next, for transcripts that name it separately. */
  model: string | undefined;
  /** The agent's own running total, for transcripts that have one. */
  reached: Tokens | undefined;

  /** Each answer says itself what it has used, so totals are not needed. */
  hasAnswers = false;

  /** @param model that the agent was using where this part begins */
  constructor(model?: string) {
    this.model = model;
  }

  /** @param id of the request; a second line with the same id replaces the first */
  add(id: string | undefined, model: string | undefined, tokens: Tokens): void {
    const before = id === undefined ? undefined : this.#counted.get(id);
    for (const name of ['input', 'output', 'cached'] as const)
      this.#total[name] = sumOf(this.#total[name] - (before?.[name] ?? 0), tokens[name]);
    this.#hasAny = true;
    const named = modelName(model ?? '');
    // A record has no more of them: what it can't have would be recorded again with each look.
    if (named !== '' && this.#models.size < MODELS) this.#models.add(named);
    if (id === undefined) return;
    this.#counted.set(id, tokens);
    const [oldest] = this.#counted.keys();
    if (this.#counted.size > KEPT_REQUESTS && oldest !== undefined) this.#counted.delete(oldest);
  }

  /** @returns nothing if the transcript has said nothing */
  usage(source: string): Usage | undefined {
    if (!this.#hasAny) return undefined;
    const { input, output, cached } = this.#total;
    const tokens = { input_tokens: input, output_tokens: output, cached_tokens: cached };
    return { models: [...this.#models], ...tokens, source };
  }
}

/** The value if it is a number of tokens, else 0. */
export function tokens(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
