import type { Sent, TypeOf } from '../base/fields.ts';
import type { RecordedEvent } from '../job/event.ts';
import type { JobRecord } from '../job/record.ts';
import type { Standing } from '../job/standing.ts';
import type { COMMANDS } from './commands.ts';

/** Grows with every change that an older hub or client could misread. */
export const PROTOCOL_VERSION = 1;

/** What a client asks of the hub on `hosts/<host>/requests`. */
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
/** Every command of the hub, with what goes in and what comes out. */
export type Commands = {
  [C in Command]: {
    params: Sent<(typeof COMMANDS)[C]['params']>;
    result: TypeOf<(typeof COMMANDS)[C]['result']>;
  };
};

/** What goes out on a job's `log` topic: the event, and the job's state after it. */
export interface LogMessage extends Standing {
  event: RecordedEvent;
  /** The last words about the job, where this event has changed them; empty where it took them away. */
  detail?: string | undefined;
  /** The whole record, with an event that a waiter must hear of. */
  record?: JobRecord | undefined;
}
