import { readlinkSync } from 'node:fs';
import { orElse } from './or-else.ts';
import { isRunning, startOf } from './processes.ts';

/** A process, distinct from a later one with the same id, and from one with that id in another pid namespace. */
export interface ProcessId {
  pid: number;
  /** When it started, in the system's form: compare for equality only. */
  start: string;
  /** The pid namespace of the id; absent: the reader's. */
  ns?: string | undefined;
}

/** What is known of a process: `unknown` where its id is of another pid namespace. */
export type Life = 'alive' | 'gone' | 'unknown';

/** The namespace of ids that mean nothing here. */
export const UNSEEN = 'unseen';

let own: string | undefined;

/**
 * The pid namespace of this process, such as `pid:[4026531836]`; nothing where the system has none. With a /proc of
 * another namespace it is `unseen`: what is read there is not about the ids that we are given.
 */
export function pidNamespace(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const seesItself = (): boolean => readlinkSync('/proc/self') === String(process.pid);
  own ??= orElse(() => (seesItself() ? readlinkSync('/proc/self/ns/pid') : UNSEEN), UNSEEN);
  return own;
}

/** True for ids of this process's pid namespace. @param ns as in `ProcessId` */
export function isOurNamespace(ns: string | undefined): boolean {
  const here = pidNamespace();
  return here !== UNSEEN && (ns === undefined || ns === here);
}

/** Whether this very process runs, as far as that can be seen from here. */
export function lifeOf({ pid, start, ns }: ProcessId): Life {
  if (!isOurNamespace(ns)) return 'unknown';
  return start !== '' && isRunning(pid, start) ? 'alive' : 'gone';
}

/** True while this very process is seen to run: its id is in use by a process that started then and is not a zombie. */
export function isAlive(process: ProcessId): boolean {
  return lifeOf(process) === 'alive';
}

/** A process of our namespace by its id; its start is empty when it is gone. */
export function identify(pid: number): ProcessId {
  const ns = pidNamespace();
  return { pid, start: startOf(pid) ?? '', ...(ns !== undefined && { ns }) };
}
