import { loadSettings } from '../config.ts';
import { MamError } from '../errors.ts';
import { isJobId } from '../job/id.ts';
import { foldJob } from '../registry/fold.ts';
import { homePaths, readRegistries } from '../registry/home.ts';
import { hasJob } from '../registry/paths.ts';
import { needed, print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';
import { eventText, recordText } from './job-text.ts';

const usage: Usage = {
  synopsis: 'status --job ID [--json]',
  text: [
    "Shows a job's record and its events. Reads the files, so it needs no hub.",
    '',
    'Exit code 0 when the job was found, whatever its status.',
    'Example: mam status --job fix-login-7f3kq2ab',
  ].join('\n'),
  options: { job: { type: 'string' } },
};

/** `mam status` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values) => {
    const jobId = needed(values, 'job', usage);
    const settings = await loadSettings({ registryDir: textOf(values, 'registry-dir') });
    const places = [settings.registryDir, ...readRegistries(homePaths(settings.home))];
    const dir = isJobId(jobId) ? places.find((place) => hasJob(place, jobId)) : undefined;
    if (dir === undefined) {
      throw new MamError(
        'not_found',
        `There is no job with this id in ${settings.registryDir}.`,
        'Run `mam list` for the ids.',
      );
    }
    const { record, events, damage } = foldJob(dir, jobId);
    if (values['json'] === true) {
      print(JSON.stringify({ record, events, ...(damage.length > 0 && { damage }) }));
    } else {
      print([recordText(record), '', ...events.map(eventText)].join('\n'));
    }
    for (const sentence of damage) process.stderr.write(`mam: ${sentence}\n`);
    return EXIT.done;
  });
}
