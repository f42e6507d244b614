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

/** What is known about a process; `unknown` if its id belongs to another pid namespace. */
export type Life = 'alive' | 'gone' | 'unknown';

/** The namespace of ids that mean nothing here. */
export const UNSEEN = 'unseen';

let own: string | undefined;

/**
 * The pid namespace of this process, such as `pid:[4026531836]`; undefined if the system has none. If /proc belongs to
 * another namespace, it is `unseen`: that /proc is not about the ids that we are given.
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

/** Whether exactly this process is running, as far as we can see. */
export function lifeOf({ pid, start, ns }: ProcessId): Life {
  if (!isOurNamespace(ns)) return 'unknown';
  return start !== '' && isRunning(pid, start) ? 'alive' : 'gone';
}

/** True while we can see that exactly this process is running: same id, same start, not a zombie. */
export function isAlive(process: ProcessId): boolean {
  return lifeOf(process) === 'alive';
}

/** Identifies a process of our namespace; `start` is empty if it is gone. */
export function identify(pid: number): ProcessId {
  const ns = pidNamespace();
  return { pid, start: startOf(pid) ?? '', ...(ns !== undefined && { ns }) };
}
