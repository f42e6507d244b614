import { explain, MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import type { Check, Place } from './check.ts';
import { AREAS, type Finding, type Found, problem } from './finding.ts';

const REASON_CHARS = 300;

/**
 * Runs the checks side by side.
 * @returns all findings, in the order of the areas and of the checks; a check that fails or takes too long is one
 */
export async function examine(checks: readonly Check[], place: Place): Promise<Finding[]> {
  const found = await Promise.all(checks.map((check) => lookWithin(check, place)));
  const areas = Object.keys(AREAS);
  return found.flat().sort((a, b) => areas.indexOf(a.area) - areas.indexOf(b.area));
}

async function lookWithin(check: Check, place: Place): Promise<Finding[]> {
  const { name, area, limitMs } = check;
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Found[]>((resolve) => {
    timer = setTimeout(() => resolve([unfinished(name, `took longer than ${limitMs / 1000} s`)]), limitMs);
  });
  const look = check.look(place, ending.signal).catch((error: unknown) => [
    // A refusal names its own next step: the program is not at fault.
    error instanceof MamError && error.hint !== ''
      ? problem(`${name}.refused`, `The check "${name}" cannot be made: ${error.message}`, error.hint)
      : unfinished(name, `failed: ${cleanLine(explain(error), REASON_CHARS)}`),
  ]);
  const found = await Promise.race([look, late]);
  clearTimeout(timer);
  ending.abort();
  return found.map(({ id, ...rest }) => ({ id, area, ...rest }));
}

function unfinished(name: string, why: string): Found {
  return problem(
    `${name}.unfinished`,
    `The check "${name}" ${why}.`,
    'Run `mam doctor` again; if it stays so, report it with the first line of its output.',
  );
}
