import { z } from 'zod';
import { defaultOf, type Field, type Fields, limitsOf, textOrTrue, textProblem } from '../base/fields.ts';
import { changesSchema } from '../job/changes.ts';
import { homeSchema } from '../job/home.ts';
import {
  agentSessionSchema,
  behindSchema,
  receiptEntrySchema,
  recordSchema,
  requestSchema,
  validationSchema,
} from '../job/record.ts';
import { usageSchema } from '../job/usage-schema.ts';
import { HIDDEN, SCRIPT_SURROUNDINGS } from '../view/job.ts';

/** What makes it at its first use: a hub needs neither of these, a server often one. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Names in the form that zod's `pick` and `omit` take. */
function marked<const K extends string>(names: readonly K[]): Record<K, true> {
  return Object.fromEntries(names.map((name) => [name, true])) as Record<K, true>;
}

/** The schema of each `part`, as in the record; `job` means its fields, next to the answer's others. */
const partSchemas = once(
  (): Readonly<Record<string, z.ZodType>> => ({
    agent_session: agentSessionSchema,
    behind: behindSchema,
    request: requestSchema,
    delivery: z.array(receiptEntrySchema),
    home: homeSchema,
    usage: usageSchema,
    validation: validationSchema.pick(
      marked(['outcome', 'problem', 'passed', 'exit_code', 'output_tail', 'script_changed']),
    ),
  }),
);

/** One job's record, without what only the hub needs, and with as many `files` and `requests` as fit. */
const jobSchema = once(() =>
  recordSchema.omit(marked(HIDDEN)).extend({
    needs_you: z.boolean().optional().describe('true: it waits for someone'),
    session: z.string().optional(),
    pane: z.string().optional(),
    open_request: z.string().optional().describe('the open one of `requests` to answer first'),
    open_request_id: z.string().optional(),
    notify: recordSchema.shape.notify.unwrap().pick({ pane: true, agent: true }).optional(),
    validation: validationSchema.omit(marked(SCRIPT_SURROUNDINGS)).optional(),
    changes: changesSchema
      .omit({ names_sha256: true })
      .extend({
        text: z.string().optional().describe('all of it in one sentence, once the job has ended'),
        start: changesSchema.shape.start.unwrap().omit({ names_sha256: true }).optional(),
      })
      .optional()
      .describe('what git says about its folder between its start and its end'),
    files_total: z.int().optional().describe('how many files the peer named, if not all are shown'),
  }),
);

/** A tool's input: an unknown parameter is reported, not dropped. Descriptions name defaults and limits too. */
export function inputSchema(fields: Fields): z.ZodObject {
  return z.strictObject(
    mapped(fields, (field) => {
      const { fallback, optional } = field;
      const value = typeOf(field);
      const maybe = fallback !== undefined ? value.default(fallback) : optional ? value.optional() : value;
      return maybe.describe(meaningOf(field));
    }),
  );
}

/** A tool's answer: fields that it does not name are dropped. */
export function answerSchema(fields: Fields): z.ZodObject {
  return z.object({ summary: z.string(), ...answerShape(fields), next: z.string() });
}

/** A hub command's parameters: unknown ones are let through, because a newer client may send more. */
export function paramsSchema(fields: Fields): z.ZodObject {
  return z.looseObject(
    mapped(fields, (field) => {
      const value = field.kind === 'group' ? paramsSchema(field.fields ?? {}) : typeOf(field, false);
      return field.optional || field.fallback !== undefined ? value.optional() : value;
    }),
  );
}

/** A field's description with its limits and default: one or two sentences, without the final period. */
export function meaningOf(field: Field): string {
  const { about, oneOf = [] } = field;
  const otherwise = defaultOf(field);
  // A value is written as it must be given.
  const isValue = oneOf.some((value) => about.startsWith(`${value}:`));
  const first = about.slice(0, 1);
  const words = `${isValue ? first : first.toUpperCase()}${about.slice(1)}${limitsOf(field)}`;
  // Of a switch, and of what may simply be missing, everybody knows it, and each word costs each model.
  const isKnown =
    otherwise === '' || field.fallback === false || (otherwise === 'none' && field.fallback === undefined);
  return isKnown ? words : `${words}. Default: ${otherwise}`;
}

function answerShape(fields: Fields): Record<string, z.ZodType> {
  const shape = mapped(fields, (field) => {
    const value = typeOf(field);
    const maybe = field.optional ? value.optional() : value;
    return field.about === '' ? maybe : maybe.describe(field.about);
  });
  const flat = Object.entries(shape).map(([name, value]) =>
    name === 'job' ? jobSchema().shape : { [name]: value },
  );
  return Object.assign({}, ...flat);
}

function mapped(fields: Fields, make: (field: Field) => z.ZodType): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, make(field)]));
}

/** @param limited false if numbers and bytes are checked elsewhere, with their own messages */
function typeOf(field: Field, limited = true): z.ZodType {
  const { kind, oneOf = [], of, fields = {}, part = '' } = field;
  const limits = limited ? field : {};
  switch (kind) {
    case 'flag':
      return z.boolean();
    case 'number':
      return bounded(z.number(), limits);
    case 'count':
      return bounded(z.int(), limits);
    case 'choice':
      return z.enum(oneOf);
    case 'list':
      return bounded(z.array(of === undefined ? z.unknown() : typeOf(of, limited)), field);
    case 'group':
      return z.object(answerShape(fields));
    case 'part':
      return partSchemas()[part] ?? z.unknown();
    case 'text': {
      const plain = limited ? checked(bounded(z.string(), field), field) : bounded(z.string(), field);
      if (field.orTrue !== true) return plain;
      // No union: Codex would drop the whole tool. So `true` is let through as a word.
      return z
        .preprocess((value) => (typeof value === 'boolean' ? String(value) : value), plain)
        .transform((value) => textOrTrue(String(value)));
    }
  }
}

/** Sets only the limits that a field names, because they appear in its JSON Schema. */
function bounded<S extends z.ZodString | z.ZodNumber | z.ZodArray>(
  schema: S,
  { min, max }: Pick<Field, 'min' | 'max'>,
): S {
  const least = min === undefined ? schema : schema.min(min);
  return (max === undefined ? least : least.max(max)) as S;
}

function checked(schema: z.ZodString, field: Field): z.ZodType {
  if (field.bytes === undefined) return schema;
  return schema.superRefine((text, { addIssue }) => {
    const message = textProblem(text, field);
    if (message !== undefined) addIssue({ code: 'custom', message });
  });
}
