import type { EXIT } from './exit.ts';

/** What a shell can offer for a value: `job`, `agent` and `session` are looked up when they are asked for. */
export type Completion = 'job' | 'agent' | 'session' | 'file' | 'folder';

interface Declared {
  /** One or two sentences, for `--help` and the documents. */
  about: string;
  /** Every value that is allowed. */
  oneOf?: readonly string[];
  completes?: Completion;
}

/** An option of a command. */
export interface Option extends Declared {
  /** `seconds` and `count` come in as numbers from 0 on; a count is whole. */
  type: 'text' | 'flag' | 'seconds' | 'count';
  /** What stands for the value in the help, such as `ID`; not for a flag. */
  value?: string;
  /** Its letter, such as `f` for `-f`. */
  short?: string;
  needed?: true;
}
export type Options = Readonly<Record<string, Option>>;

/** A word of a command that has no dash. */
export interface Word extends Declared {
  /** What stands for it in the help, such as `ID`. */
  name: string;
  needed?: true;
  /** Takes all words that follow. */
  many?: true;
  /** True for one that only this program itself gives. */
  hidden?: true;
}

type Value<O extends Option> = O['type'] extends 'flag'
  ? boolean
  : O['type'] extends 'text'
    ? string
    : number;

/** The options of one command line. A flag that was not given is false. */
export type Values<O extends Options> = {
  [N in keyof O]: O[N]['type'] extends 'flag'
    ? boolean
    : O[N] extends { needed: true }
      ? Value<O[N]>
      : Value<O[N]> | undefined;
};

/** What a command runs with. */
export interface Given<O extends Options = Options> {
  options: Values<O>;
  words: string[];
  /** `--json` */
  json: boolean;
  /** `--registry-dir` */
  registryDir: string | undefined;
}

/** A command, declared once: its help, its documents and its completion are made from this. */
export interface Command<O extends Options = Options> {
  /** After `mam`; made from words and options when absent. */
  synopsis?: string;
  /** What it does, a paragraph each. */
  about: readonly string[];
  words?: readonly Word[];
  options: O;
  /** What `--json` prints: the MCP tool whose fields it has, or a sentence. */
  json: { tool: string; also?: string } | string;
  /** What its exit codes mean; 64 and 69 only where it has words of its own for them. */
  exits: Partial<Record<keyof typeof EXIT, string>>;
  /** Command lines, from `mam` on. */
  examples: readonly string[];
  /** True for one that hands its words on as they are. */
  raw?: true;
  /** @returns the exit code @throws MamError: wrong usage (`bad_input`) becomes 64, all else 69 */
  run(given: Given<O>): Promise<number>;
}

/** Types a command's literal. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command;
}

/** Every command takes these. */
export const COMMON = {
  json: { type: 'flag', about: 'print one JSON object' },
  'registry-dir': {
    type: 'text',
    value: 'DIR',
    about: 'the registry of jobs, instead of the one found from the working directory',
    completes: 'folder',
  },
} as const satisfies Options;
