import type { AskCommand } from '../wire/messages.ts';
import type { AskResult } from './asks.ts';
import { HomeError } from './home-error.ts';

/** Asks a job's home. @throws MamError as `Asks.ask` */
export type HomeAsk = (host: string, command: AskCommand, params: object) => Promise<AskResult>;

/** True if the host itself said that it does not have what it was asked for: an error of this hub says nothing of it. */
export function isUnknownThere(error: unknown): boolean {
  return error instanceof HomeError && error.code === 'not_found';
}
