import { explain, MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import { within } from '../base/within.ts';
import type { Check, Place } from './check.ts';
import { AREAS, type Finding, type Found, problem } from './finding.ts';

const REASON_CHARS = 300;

/** Runs the checks side by side. @returns all findings by area; a check that fails or takes too long is one itself */
export async function examine(checks: readonly Check[], place: Place): Promise<Finding[]> {
  const found = await Promise.all(checks.map((check) => lookWithin(check, place)));
  const areas = Object.keys(AREAS);
  return found.flat().sort((a, b) => areas.indexOf(a.area) - areas.indexOf(b.area));
}

async function lookWithin({ name, area, limitMs, look }: Check, place: Place): Promise<Finding[]> {
  const ending = new AbortController();
  const looking = look(place, ending.signal).catch((error: unknown) => [
    // A refusal names its own next step: the program is not at fault.
    error instanceof MamError && error.hint !== ''
      ? problem(`${name}.refused`, `The check "${name}" cannot be run: ${error.message}`, error.hint)
      : unfinished(name, `failed: ${cleanLine(explain(error), REASON_CHARS)}`),
  ]);
  const found = await within(looking, limitMs);
  ending.abort();
  const all = found ?? [unfinished(name, `took longer than ${limitMs / 1000} s`)];
  return all.map(({ id, ...rest }) => ({ id, area, ...rest }));
}

function unfinished(name: string, why: string): Found {
  const remedy = 'Run `mam doctor` again; if this recurs, report it with the first line of its output.';
  return problem(`${name}.unfinished`, `The check "${name}" ${why}.`, remedy);
}
