import { MamError } from '../../base/errors.ts';
import type { Link } from '../../link/link.ts';
import type { DelegateResult } from '../../operations/delegate.ts';
import type { HandOver } from '../../operations/delegate-to.ts';
import { ELSEWHERE_MS } from '../../operations/request.ts';
import { note } from '../core/output.ts';

/** For the delegation itself (5 s), the start of an agent, and the start of a hub; in ms. */
const DELEGATE_MS = 60_000;

/**
 * Has the hub register a job and hand it over. Ctrl-C can't take the job back: the first one still waits for the job's
 * id, the second one ends this process.
 * @returns also whether Ctrl-C was pressed
 * @throws MamError with the hub's own text; then there is no job
 */
export async function handOver(
  link: Link,
  request: HandOver,
): Promise<{ result: DelegateResult; interrupted: boolean }> {
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
    note('the job is being handed over; its id will follow shortly. Press Ctrl-C again to exit at once.');
  };
  process.once('SIGINT', interrupt);
  try {
    const result =
      'there' in request
        ? await link.request('delegate_to', request.there, ELSEWHERE_MS)
        : await link.request('delegate', request.here, DELEGATE_MS);
    return { result, interrupted };
  } catch (error) {
    throw sessionMissing(error);
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

/** When a delegation fails with `not_found`, the agent's session is missing: the command line is not wrong. */
export function sessionMissing(error: unknown): unknown {
  if (!(error instanceof MamError) || error.code !== 'not_found') return error;
  return new MamError('unavailable', error.message, error.hint);
}
