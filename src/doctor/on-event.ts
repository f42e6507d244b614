import { join } from 'node:path';
import { cleanLine } from '../base/text.ts';
import { homePaths } from '../registry/home.ts';
import { OnEventFiles, runFor } from '../registry/on-event.ts';
import { onEventCommand } from '../settings/config.ts';
import { type Check, withSettings } from './check.ts';
import { ok, problem } from './finding.ts';

const PROBLEM_CHARS = 500;
const ID_CHARS = 80;

/** The user's `on_event` command, as it ended last. Does not run it. */
export const onEvent: Check = {
  name: 'on_event',
  area: 'hub',
  limitMs: 1_000,

  look: withSettings(async ({ home }) => {
    if (onEventCommand(home) === undefined) return [];
    const id = 'hub.on_event';
    const { last } = new OnEventFiles(homePaths(home).onEvent);
    if (last === undefined)
      return [ok(id, 'on_event is set, and has not run yet; `mam hub test-event` tries it')];
    const { at, took_ms, problem: why, failing_since = at, failures = 1 } = last;
    const whose = cleanLine(runFor(last), 2 * ID_CHARS);
    if (why === undefined)
      return [
        ok(id, `on_event works: it last ran at ${cleanLine(at, ID_CHARS)} for ${whose}, in ${took_ms} ms`),
      ];
    const times =
      failures === 1 ? '' : `, ${failures} times in a row since ${cleanLine(failing_since, ID_CHARS)}`;
    const title = `on_event failed${times}, last at ${cleanLine(at, ID_CHARS)} for ${whose}: ${cleanLine(why, PROBLEM_CHARS)}`;
    const remedy = `Fix it in ${join(home, 'config.json')}, then try it: \`mam hub test-event\`.`;
    return [problem(id, title, remedy)];
  }),
};
