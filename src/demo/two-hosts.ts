import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { MamError } from '../base/errors.ts';
import { orElse } from '../base/or-else.ts';
import { cleanLine } from '../base/text.ts';
import { until } from '../base/until.ts';
import { programPath } from '../settings/program.ts';
import { makeNetwork } from './network.ts';
import { runMam } from './private-hub.ts';
import { SESSION } from './private-tmux.ts';
import { commandOptions, makeSecondStage, noteMore, type Stage } from './stage.ts';

/** The names of the two hosts: the supervisor is on the first, the peer on the second. */
export const HOSTS = ['hosta', 'hostb'] as const;
/** The broker listens within this time, in ms. */
const BROKER_MS = 10_000;
/** The two hubs know each other within this time, in ms. */
const MEET_MS = 20_000;
const WHY_CHARS = 300;

/** A demo's second host, and what connects the two. */
export interface SecondHost {
  stage: Stage;
  /** True if it has a network of its own. */
  isApart: boolean;
  /** The broker's address, without the scheme. */
  broker: string;
}

/**
 * Makes the second host: a home, a hub and a tmux server of its own, in a network namespace where that is permitted, and a
 * broker between the two. Both hosts are configured, and no hub is started.
 * @throws MamError `unavailable` if the broker does not start
 */
export async function makeSecondHost(first: Stage): Promise<SecondHost> {
  const network = await makeNetwork();
  if (network !== undefined) noteMore(first, { network: network.name });
  const stage = makeSecondStage(first, network?.within ?? []);
  const broker = await startBroker(first, network?.address ?? '127.0.0.1');
  const [a, b] = HOSTS;
  // Nobody else can publish on the demo's broker.
  const shared = { broker_url: `mqtt://${broker}`, trust_realm: true };
  const may = {
    ...{ delegate: true, agents: ['command'], sessions: [`tmux:${SESSION}`] },
    ...{ workdirs: [stage.project], validate: [stage.folder] },
  };
  configure(first, { ...shared, host: a, hosts: { [b]: {} } });
  const own = { host: b, tmux_server_name: stage.tmuxName };
  configure(stage, { ...shared, ...own, hosts: { [a]: { may } } });
  return { stage, isApart: network !== undefined, broker };
}

/** Waits until the first hub has heard of the second. @throws MamError `unavailable` if it does not */
export async function untilTheyMeet(first: Stage): Promise<void> {
  const end = performance.now() + MEET_MS;
  for (;;) {
    const { failed, stdout, stderr } = await runMam(first, ['hosts', 'check', HOSTS[1]], MEET_MS);
    if (!failed) return;
    const said = cleanLine(stderr || stdout, WHY_CHARS);
    if (performance.now() > end) throw new MamError('unavailable', `The two hubs do not meet: ${said}`);
  }
}

function configure({ home }: Stage, settings: object): void {
  writeFileSync(join(home.folder, 'config.json'), `${JSON.stringify(settings, undefined, 2)}\n`, {
    mode: 0o600,
  });
}

/** @returns the broker's address with its port */
async function startBroker(stage: Stage, address: string): Promise<string> {
  const file = join(stage.folder, 'broker.port');
  const broker = execa(process.execPath, [programPath(), 'demo', 'broker', address, file], {
    ...commandOptions(stage, 0),
    stdio: 'ignore',
    cleanup: false,
    reject: false,
  });
  if (broker.pid !== undefined) noteMore(stage, { broker: broker.pid });
  broker.unref();
  const portOf = () => orElse(() => readFileSync(file, 'utf8'), '');
  if (!(await until(() => portOf() !== '', BROKER_MS)))
    throw new MamError('unavailable', `The demo's broker does not listen on ${address}.`);
  return `${address}:${portOf()}`;
}
