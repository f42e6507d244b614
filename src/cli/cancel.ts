import { withHub } from './ask.ts';
import { needed, print, runWith, textOf, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'cancel --job ID [--reason TEXT] [--interrupt]',
  text: [
    'Cancels a job: takes it out of its queue, or ends it at once and tells its peer with the answer to the next report.',
    '',
    '  --reason TEXT  for the record and for the peer',
    "  --interrupt    also press the agent's interrupt key, if it is in the middle of a turn",
    '',
    'Example: mam cancel --job fix-login-7f3kq2ab --reason "not needed any more"',
  ].join('\n'),
  options: { job: { type: 'string' }, reason: { type: 'string' }, interrupt: { type: 'boolean' } },
};

/** `mam cancel` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values) => {
    const jobId = needed(values, 'job', usage);
    return withHub(textOf(values, 'registry-dir'), async ({ settings, ask }) => {
      const result = await ask('cancel', {
        job_id: jobId,
        registry_dir: settings.registryDir,
        reason: textOf(values, 'reason'),
        by: 'person',
        interrupt: values['interrupt'] === true,
      });
      print(
        values['json'] === true
          ? JSON.stringify(result)
          : `${jobId} is ${result.record.status}. ${result.note}`,
      );
      return EXIT.done;
    });
  });
}
