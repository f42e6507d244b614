import type { Sent, TypeOf } from '../base/fields.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { Standing } from '../job/standing.ts';
import type { COMMANDS } from './commands.ts';

/**
 * How long a request to another host may take, in ms: ssh may have to connect, a long prompt takes some messages, and an
 * agent 55 s to start there.
 */
export const ELSEWHERE_MS = 80_000;

/** Incremented with every change that an older hub or client could misread. */
export const PROTOCOL_VERSION = 1;

/** A client's request to the hub, on `hosts/<host>/requests`. */
export interface Request<C extends Command = Command> {
  request_id: string;
  protocol: number;
  command: C;
  params: Commands[C]['params'];
  reply_to: string;
  /** The caller's PATH: where its tmux is. */
  path?: string | undefined;
}

/** The hub's answer, on the request's `reply_to`. */
export interface Reply<C extends Command = Command> {
  request_id: string;
  result?: Commands[C]['result'];
  error?: { code: string; message: string; hint: string };
}

export type Command = keyof typeof COMMANDS;
/** Every hub command, with its parameters and its result. */
export type Commands = {
  [C in Command]: {
    params: Sent<(typeof COMMANDS)[C]['params']>;
    result: TypeOf<(typeof COMMANDS)[C]['result']>;
  };
};

/** A message on a job's `log` topic: the event, and the job's state after it. */
export interface LogMessage extends Standing {
  event: RecordedEvent;
  /** The job's last words, if this event has changed them; empty if it has removed them. */
  detail?: string | undefined;
  /** The whole record, with an event that a waiter must learn of. */
  record?: JobRecord | undefined;
  /**
   * No event was recorded, and `event` is in no journal: what has changed is known only here, such as whether the host of
   * the job is there. Its `seq` is that of the last event.
   */
  home?: true | undefined;
}
