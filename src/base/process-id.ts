import { readlinkSync } from 'node:fs';
import { isRunning, startOf } from './processes.ts';

/** A process that can be told from a later one with the same id, and from one of that id in another pid namespace. */
export interface ProcessId {
  pid: number;
  /** When it started, as the system says it: compare for equality only. */
  start: string;
  /** The pid namespace that the id counts in; absent: the one of whoever reads it. */
  ns?: string | undefined;
}

/** What is known of a process: `unknown` where its id counts in a pid namespace that is not ours. */
export type Life = 'alive' | 'gone' | 'unknown';

/** The namespace of ids that mean nothing here. */
export const UNSEEN = 'unseen';

let own: string | undefined;

/**
 * The pid namespace of this process, such as `pid:[4026531836]`; nothing where the system has none. With a /proc of
 * another namespace it is `unseen`: nothing that is read there is about the ids that we are told.
 */
export function pidNamespace(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  own ??= readNamespace();
  return own;
}

function readNamespace(): string {
  try {
    const seesItself = readlinkSync('/proc/self') === String(process.pid);
    return seesItself ? readlinkSync('/proc/self/ns/pid') : UNSEEN;
  } catch {
    return UNSEEN;
  }
}

/** True for ids that count in this process's pid namespace. @param ns as in `ProcessId` */
export function isOurNamespace(ns: string | undefined): boolean {
  const here = pidNamespace();
  return here !== UNSEEN && (ns === undefined || ns === here);
}

/** Whether this very process runs, as far as that can be seen from here. */
export function lifeOf({ pid, start, ns }: ProcessId): Life {
  if (!isOurNamespace(ns)) return 'unknown';
  return start !== '' && isRunning(pid, start) ? 'alive' : 'gone';
}

/** True while this very process is seen to run: the id is in use, by a process that started then, and it is no zombie. */
export function isAlive(process: ProcessId): boolean {
  return lifeOf(process) === 'alive';
}

/** A process of our namespace by its id; its start is empty when it is gone. */
export function identify(pid: number): ProcessId {
  const ns = pidNamespace();
  return { pid, start: startOf(pid) ?? '', ...(ns !== undefined && { ns }) };
}
