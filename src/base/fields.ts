import { grouped } from './text.ts';

/**
 * What shell completion offers for a value, looked up at that time. Jobs: all, the open ones, these with those that ask or
 * wait for a decision first, and those for a person; `place`: what can be attached to; `started`: sessions of mam's;
 * `host`: other machines.
 */
export type Completion =
  | ('job' | 'open' | 'asking' | 'deciding' | 'person')
  | ('place' | 'session' | 'started')
  | ('agent' | 'startable' | 'host')
  | ('file' | 'folder');

interface Traits {
  /** Limits of a number's value, a text's characters or a list's items. */
  readonly min?: number;
  readonly max?: number;
  /** For a long text that is kept byte for byte: its maximum size in bytes of UTF-8. */
  readonly bytes?: number;
  /** A blank text is refused. */
  readonly needsWords?: true;
  /** For the command line: its letter, its value's placeholder in the help, its completion, a different `about`. */
  readonly short?: string;
  readonly value?: string;
  readonly completes?: Completion;
  readonly typed?: string;
  /**
   * The option may also stand alone, and is then ''. The next word is its value only if it matches; what follows `=`
   * always is.
   */
  readonly alone?: RegExp;
  /** A text that may also be `true`, for an option that stands alone. */
  readonly orTrue?: true;
}

/**
 * One value of a request or an answer, as plain data. Tool schemas, command options, the hub's checks and the types are
 * all derived from it.
 */
export interface Field<T = unknown> extends Traits {
  readonly kind: 'text' | 'flag' | 'number' | 'count' | 'choice' | 'list' | 'group' | 'part';
  /** What it is, as the end of a sentence. */
  readonly about: string;
  readonly oneOf?: readonly string[];
  /** For a list: its items. */
  readonly of?: Field;
  readonly fields?: Fields;
  /** For a part of the job's record: its name. */
  readonly part?: string;
  readonly optional?: boolean;
  /** Its value when it is left out, or what leaving it out means, in words. */
  readonly fallback?: T;
  readonly otherwise?: string;
  /** For the type checker only: no value has this property. */
  readonly type?: T;
}
export type Fields = Readonly<Record<string, Field>>;
type Optional<T> = Field<T> & { readonly optional: true };
type Defaulted<T> = Field<T> & { readonly fallback: T };

/** The value of one field. */
export type TypeOf<F> = F extends { readonly type?: infer T } ? Exclude<T, undefined> : never;
type Named<F, Trait> = { [N in keyof F]: F[N] extends Trait ? N : never }[keyof F];
type With<F, Loose extends keyof F> = { [N in Exclude<keyof F, Loose>]: TypeOf<F[N]> } & {
  [N in Loose]?: TypeOf<F[N]> | undefined;
};
/** The values of fields, with defaults filled in. */
export type Values<F> = With<F, Named<F, { optional: true }>>;
/** The same values as they are sent: those with a default may be left out. */
export type Sent<F> = With<F, Named<F, { optional: true } | { fallback: unknown }>>;

export const text = (about = '', traits: Traits = {}): Field<string> => ({ kind: 'text', about, ...traits });
export const truth = (about = ''): Field<boolean> => ({ kind: 'flag', about });
export const number = (about = '', traits: Traits = {}): Field<number> => ({
  ...{ kind: 'number', about, ...traits },
});
/** A whole number. */
export const count = (about = '', traits: Traits = {}): Field<number> => ({
  ...{ kind: 'count', about, ...traits },
});
export function choice<const T extends string>(
  oneOf: readonly T[],
  about = '',
  traits: Traits = {},
): Field<T> {
  return { kind: 'choice', about, oneOf, ...traits };
}
export const list = <T>(of: Field<T>, about = '', traits: Traits = {}): Field<T[]> => ({
  ...{ kind: 'list', about, of, ...traits },
});
/** Fields under one name. */
export const group = <F extends Fields>(fields: F, about = ''): Field<Values<F>> => ({
  ...{ kind: 'group', about, fields },
});
/** An object of a type declared elsewhere; only that it is an object is checked. */
export const object = <T extends object>(about = ''): Field<T> => ({ kind: 'group', about });
/** A part of a job's record. */
export const part = <T>(name: string, about = ''): Field<T> => ({ kind: 'part', about, part: name });

/** A field that may be left out. @param otherwise what then applies, in words; '' where `about` says so */
export const maybe = <T>(field: Field<T>, otherwise = 'none'): Optional<T> => ({
  ...{ ...field, optional: true, otherwise },
});
/** A field with a default. */
export const or = <T>(field: Field<T>, fallback: NoInfer<T>): Defaulted<T> => ({ ...field, fallback });
/** A switch that is off by default. */
export const flag = (about = '', traits: Traits = {}): Defaulted<boolean> => ({
  ...{ kind: 'flag', about, fallback: false, ...traits },
});

/** What applies to the fields that are left out, where that is a value. */
export function defaultsOf<F extends Fields>(fields: F): Values<Pick<F, Named<F, { fallback: unknown }>>> {
  const known = Object.entries(fields).filter(([, { fallback }]) => fallback !== undefined);
  return Object.fromEntries(known.map(([name, { fallback }]) => [name, fallback])) as Values<
    Pick<F, Named<F, { fallback: unknown }>>
  >;
}

/** How the command line writes a field: `job_id` is `job`, `idle_timeout_seconds` is `idle-timeout`. */
export function optionName(field: string): string {
  return field.replace(/_(id|seconds)$/, '').replaceAll('_', '-');
}

/** The limits of a field, in words to append to its `about`: clients show their models only those. */
export function limitsOf({ kind, min, max, bytes, of }: Field): string {
  if (bytes !== undefined) return `, at most ${bytes / 1024 / 1024} MiB`;
  if (max === undefined) return '';
  if (kind === 'number' || kind === 'count') return `, ${min ?? 0} to ${max}`;
  if (kind === 'list')
    return `, at most ${grouped(max)}${of?.max === undefined ? '' : ` of ${grouped(of.max)} characters each`}`;
  return min === undefined
    ? `, at most ${grouped(max)} characters`
    : `, ${min} to ${grouped(max)} characters`;
}

/** What applies if a field is left out, in words; '' if there is nothing to say. */
export function defaultOf({ fallback, otherwise = '' }: Field): string {
  return fallback === undefined ? otherwise : [fallback].flat().join(', ');
}

/** The value of a text that may also be `true`; undefined for a word that says no, or nothing. */
export function textOrTrue(given: string): string | true | undefined {
  if (/^true$/i.test(given)) return true;
  return given === '' || /^false$/i.test(given) ? undefined : given;
}

/** What is wrong with a text that must be kept byte for byte, as the end of a sentence that begins with its name. */
export function textProblem(
  given: string,
  { bytes = Number.POSITIVE_INFINITY, needsWords }: Traits,
): string | undefined {
  if (needsWords && given.trim() === '') return 'is empty';
  if (Buffer.byteLength(given) > bytes)
    return `is longer than ${bytes / 1024 / 1024} MiB: put the text into a file and name the file`;
  return given.isWellFormed() ? undefined : 'has half a UTF-16 surrogate pair: send well-formed Unicode text';
}
