import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { measurePatience } from '../support/patience.ts';
import { scratchFolder } from '../support/scratch.ts';
import { WAYS, type Way } from './hosts/ways.ts';
import type { Choice } from './nemesis/index.ts';

const USAGE =
  'npm run test:faults -- [--seed N] [--seconds 60] [--part one|hosts] [--over mosquitto|ssh|nats|rabbitmq] [--hosts 2|3] [--nodes 3] [--only FAULT | --without FAULT]...';
/** Without --part: the share of the time for several hosts, which come to rest more slowly. */
const HOSTS_SHARE = 1 / 3;
/** What is usual, of which the seed chooses; the others take long to start. */
const USUAL_WAYS: readonly Way[] = ['mosquitto', 'ssh'];
/** How many processes of the program work at a time. */
const AT_ONCE = 6;

interface Options {
  seed: number;
  seconds: number;
  choice: Choice;
  /** One host, or several; absent: first one, then the other. */
  part: string | undefined;
  over: Way | undefined;
  hosts: number;
  nodes: number;
}

const given = options();
const { seed, seconds, choice, part } = given;
const AGAIN = `npm run test:faults -- ${words(given).join(' ')}`;
if (process.env['FAULTS_NAMESPACE'] === undefined) {
  process.stdout.write(`seed ${seed}, ${seconds} s of faults; again: ${AGAIN}
`);
  process.exitCode = startApart();
} else {
  process.env['TMPDIR'] = scratchFolder();
  process.env['TEST_PATIENCE'] = `${await measurePatience(AT_ONCE)}`;
  process.exitCode = (await runParts()) === 0 ? 0 : 1;
  if (process.exitCode !== 0)
    process.stdout.write(`again: ${AGAIN}
`);
}

/** @returns how many rules were violated */
async function runParts(): Promise<number> {
  const both = part === undefined;
  let found = 0;
  if (part !== 'hosts') {
    const { run } = await import('./run.ts');
    found += await run(seed, both ? seconds * (1 - HOSTS_SHARE) : seconds, choice);
  }
  if (part !== 'one') {
    const { runHosts } = await import('./hosts/run.ts');
    const { over = USUAL_WAYS[seed % USUAL_WAYS.length] as Way, hosts, nodes } = given;
    const time = both ? seconds * HOSTS_SHARE : seconds;
    found += (await runHosts({ seed, seconds: time, way: over, hosts, nodes, choice })).length;
  }
  return found;
}

/** Runs this file in a separate mount namespace, if one can be made. @returns its exit code */
function startApart(): number {
  const apart = [['--mount'], ['--map-root-user', '--mount']]
    .map((flags) => [...flags, '--propagation', 'private', '--'])
    .find((flags) => spawnSync('unshare', [...flags, 'true'], { stdio: 'ignore' }).status === 0);
  const again = [process.execPath, ...process.execArgv, import.meta.filename, ...words(given)];
  const [program = '', ...rest] = apart === undefined ? again : ['unshare', ...apart, ...again];
  const env = { ...process.env, FAULTS_NAMESPACE: apart === undefined ? '0' : '1' };
  // Ctrl-C reaches it directly.
  process.on('SIGINT', () => {});
  return spawnSync(program, rest, { stdio: 'inherit', env }).status ?? 1;
}

/** The command line of a run. */
function words({ seed, seconds, choice: { only, without }, part, over, hosts, nodes }: Options): string[] {
  const flags = (flag: string, names: string[]) =>
    names.map((name) => `--${flag}=${name.replaceAll(' ', '-')}`);
  return [
    '--seed',
    `${seed}`,
    '--seconds',
    `${seconds}`,
    ...(part === undefined ? [] : [`--part=${part}`]),
    ...(over === undefined ? [] : [`--over=${over}`]),
    ...(hosts === 2 ? [] : [`--hosts=${hosts}`]),
    ...(nodes === 1 ? [] : [`--nodes=${nodes}`]),
    ...flags('only', only),
    ...flags('without', without),
  ];
}

function options(): Options {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seconds: { type: 'string', default: '60' },
        part: { type: 'string' },
        over: { type: 'string' },
        hosts: { type: 'string', default: '2' },
        nodes: { type: 'string', default: '1' },
        only: { type: 'string', multiple: true, default: [] },
        without: { type: 'string', multiple: true, default: [] },
      },
    });
    const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
    const seconds = Number(values.seconds);
    const names = (given: string[]) => given.map((name) => name.replaceAll('-', ' '));
    const choice = { only: names(values.only), without: names(values.without) };
    const [hosts, nodes] = [Number(values.hosts), Number(values.nodes)];
    const over = WAYS.find((way) => way === values.over);
    // The faults of the two parts are different ones.
    const part = values.part ?? (choice.only.length + choice.without.length > 0 ? 'one' : undefined);
    const isRight =
      (part === undefined || part === 'one' || part === 'hosts') &&
      over === values.over &&
      [2, 3].includes(hosts) &&
      [1, 3].includes(nodes);
    if (Number.isSafeInteger(seed) && seconds > 0 && isRight)
      return { seed, seconds, choice, part, over, hosts, nodes };
    process.stderr.write(`A seed is a whole number, and seconds are more than 0. ${USAGE}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message} ${USAGE}\n`);
  }
  process.exit(64);
}
