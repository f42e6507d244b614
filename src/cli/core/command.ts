import { type Field, type Fields, flag, maybe, text, type Values } from '../../base/fields.ts';
import type { EXIT } from './exit.ts';

/** A positional argument. */
export interface Word extends Pick<Field, 'about' | 'oneOf' | 'completes'> {
  /** Its name in the help, such as `ID`. */
  name: string;
  needed?: true;
  many?: true;
  /** What completion offers, if the command itself checks the value. */
  offers?: readonly string[];
}

export interface Given<O extends Fields = Fields> {
  options: Values<O>;
  words: string[];
  /** What follows `--`, for a command with `rest`. */
  rest?: string[];
  json: boolean;
  registryDir: string | undefined;
}

/** A command, declared once: its help, documentation and completion are generated from this. */
export interface Command<O extends Fields = Fields> {
  /** Its usage after `mam NAME`, generated from words and options when absent. `[OPTIONS]` is replaced by the options not named. */
  synopsis?: string;
  /** What it does, a paragraph each. */
  about: readonly string[];
  words?: readonly Word[];
  /** What may follow `--`, passed on as it is; without it, words follow there too. */
  rest?: Word;
  /** `older_than` is typed as `--older-than`. */
  options: O;
  /** What `--json` prints: the MCP tool whose fields it has, or a sentence. */
  json: { tool: string; also?: string } | string;
  /** What its exit codes mean; 64 and 69 only if they mean something special here. */
  exits: Partial<Record<keyof typeof EXIT, string>>;
  examples: readonly string[];
  /** @returns the exit code @throws MamError: `bad_input` becomes 64, anything else 69 */
  run(given: Given<O>): Promise<number>;
}

/** A command as `mam help` lists it; its declaration is loaded only when needed. */
export interface Listed {
  /** The title above it in the help. */
  group: string;
  summary: string;
  load(): Promise<Command>;
}

export function defineCommand<O extends Fields>(command: Command<O>): Command<O> {
  return command;
}

export const COMMON = {
  json: flag('print one JSON object'),
  registry_dir: maybe(
    text('the registry of jobs, instead of the one found from the working directory', {
      completes: 'folder',
    }),
  ),
};
