import { MamError } from '../errors.ts';
import { withHub } from './ask.ts';
import { needed, print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'answer --job ID TEXT | --allow | --deny',
  text: [
    'Answers what a job asks: its question with TEXT, its permission request with --allow or --deny.',
    'TEXT for a job that asks nothing is a further instruction for its peer.',
    '',
    '  --allow  allow exactly the open request, once',
    '  --deny   deny it',
    '  --request ID  only if this request is the open one (its id stands in `mam status --json`)',
    '',
    'Example: mam answer --job fix-login-7f3kq2ab "Use the second port."',
  ].join('\n'),
  options: {
    job: { type: 'string' },
    request: { type: 'string' },
    allow: { type: 'boolean' },
    deny: { type: 'boolean' },
  },
  positionals: true,
};

/** `mam answer` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values, words) => {
    const jobId = needed(values, 'job', usage);
    const [allow, deny] = [values['allow'] === true, values['deny'] === true];
    if (Number(allow) + Number(deny) + Number(words.length > 0) !== 1)
      throw new MamError(
        'bad_input',
        'Give one of TEXT, --allow and --deny.',
        `Usage: mam ${usage.synopsis}`,
      );
    const decision = allow ? 'allow' : deny ? 'deny' : undefined;
    return withHub(textOf(values, 'registry-dir'), async ({ settings, ask }) => {
      const { record, delivered } = await ask('answer', {
        job_id: jobId,
        registry_dir: settings.registryDir,
        text: decision === undefined ? words.join(' ') : undefined,
        decision,
        request_id: textOf(values, 'request'),
        by: 'person',
      });
      print(values['json'] === true ? JSON.stringify({ delivered, record }) : delivered);
      return EXIT.done;
    });
  });
}
