import { z } from 'zod';
import { changesSchema, overlapSchema } from './changes.ts';
import type { DataFields, RecordedEvent } from './event.ts';
import { agentSessionSchema, peerServerSchema, processSchema } from './record.ts';
import { conversationSchema } from './usage-schema.ts';

/**
 * What gets into the record as it is. Another host may send anything under these names: what does not fit is ignored, and
 * fields that this version does not know are left out.
 */
const EXACTLY = {
  agent_session: agentSessionSchema,
  agent_process: processSchema,
  peer_server: peerServerSchema,
  changes: changesSchema,
  overlaps: z.array(overlapSchema),
  conversation: conversationSchema,
} as const satisfies Partial<Record<keyof DataFields, z.ZodType>>;
type Name = keyof typeof EXACTLY;

/** What an event carries for the record, as far as it has the form that this version knows. */
export function exactDataOf({ data }: Pick<RecordedEvent, 'data'>): Pick<Partial<DataFields>, Name> {
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data ?? {})) {
    const exact = isExact(name) && value !== null ? EXACTLY[name].safeParse(value) : undefined;
    if (exact?.success === true) known[name] = exact.data;
  }
  return known;
}

/** True if all of that has this form: of a stranger's event it must. */
export function hasExactData(event: Pick<RecordedEvent, 'data'>): boolean {
  const known = exactDataOf(event);
  const isFit = (name: string): boolean => !isExact(name) || Object.hasOwn(known, name);
  return Object.entries(event.data ?? {}).every(([name, value]) => value === null || isFit(name));
}

function isExact(name: string): name is Name {
  return Object.hasOwn(EXACTLY, name);
}
