import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { measurePatience } from '../support/patience.ts';
import { scratchFolder } from '../support/scratch.ts';
import type { Choice } from './nemesis/index.ts';

const USAGE = 'npm run test:faults -- [--seed N] [--seconds 60] [--only FAULT | --without FAULT]...';
/** How many processes of the program work at a time. */
const AT_ONCE = 6;

const { seed, seconds, choice } = options();
const AGAIN = `npm run test:faults -- ${words(seed, seconds, choice).join(' ')}`;
if (process.env['FAULTS_NAMESPACE'] === undefined) {
  process.stdout.write(`seed ${seed}, ${seconds} s of faults; again: ${AGAIN}
`);
  process.exitCode = startApart();
} else {
  process.env['TMPDIR'] = scratchFolder();
  process.env['TEST_PATIENCE'] = `${await measurePatience(AT_ONCE)}`;
  const { run } = await import('./run.ts');
  process.exitCode = (await run(seed, seconds, choice)) === 0 ? 0 : 1;
  if (process.exitCode !== 0)
    process.stdout.write(`again: ${AGAIN}
`);
}

/** Runs this file in a separate mount namespace, if one can be made. @returns its exit code */
function startApart(): number {
  const apart = [['--mount'], ['--map-root-user', '--mount']]
    .map((flags) => [...flags, '--propagation', 'private', '--'])
    .find((flags) => spawnSync('unshare', [...flags, 'true'], { stdio: 'ignore' }).status === 0);
  const again = [
    process.execPath,
    ...process.execArgv,
    import.meta.filename,
    ...words(seed, seconds, choice),
  ];
  const [program = '', ...rest] = apart === undefined ? again : ['unshare', ...apart, ...again];
  const env = { ...process.env, FAULTS_NAMESPACE: apart === undefined ? '0' : '1' };
  // Ctrl-C reaches it directly.
  process.on('SIGINT', () => {});
  return spawnSync(program, rest, { stdio: 'inherit', env }).status ?? 1;
}

/** The command line of a run. */
function words(seed: number, seconds: number, { only, without }: Choice): string[] {
  const flags = (flag: string, names: string[]) =>
    names.map((name) => `--${flag}=${name.replaceAll(' ', '-')}`);
  return [
    '--seed',
    `${seed}`,
    '--seconds',
    `${seconds}`,
    ...flags('only', only),
    ...flags('without', without),
  ];
}

function options(): { seed: number; seconds: number; choice: Choice } {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        only: { type: 'string', multiple: true, default: [] },
        without: { type: 'string', multiple: true, default: [] },
      },
    });
    const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
    const seconds = Number(values.seconds);
    const names = (given: string[]) => given.map((name) => name.replaceAll('-', ' '));
    const choice = { only: names(values.only), without: names(values.without) };
    if (Number.isSafeInteger(seed) && seconds > 0) return { seed, seconds, choice };
    process.stderr.write(`A seed is a whole number, and seconds are more than 0. ${USAGE}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message} ${USAGE}\n`);
  }
  process.exit(64);
}
