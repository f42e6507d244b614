import { readFileSync } from 'node:fs';
import { requestOnce } from '../bus/one-shot.ts';
import { loadSettings, type Settings } from '../config.ts';
import { MamError, systemCode } from '../errors.ts';
import { readHubFile } from '../hub/hub-file.ts';
import type { HubStatus } from '../job/request.ts';
import { startOf } from '../processes.ts';
import { homePaths } from '../registry/home.ts';
import { print, runWith, type Usage } from './command-line.ts';
import { EXIT } from './exit.ts';

const usage: Usage = {
  synopsis: 'hub [status|stop|logs] [--json]',
  text: [
    'The hub is the one background process of a user: it delivers into tmux and keeps the registries.',
    'It starts by itself when it is needed and ends when nobody needs it.',
    '',
    '  status  whether it runs, and what it has to do (the default)',
    '  stop    ends it; open jobs go on, and the next command starts a new hub that takes them up',
    '  logs    prints its log',
  ].join('\n'),
  options: {},
  positionals: true,
};

const ANSWER_MS = 3_000;
const STOP_MS = 5_000;
const LOOK_MS = 20;

/** `mam hub` */
export function run(args: string[]): Promise<number> {
  return runWith(usage, args, async (values, [action = 'status', ...more]) => {
    const settings = await loadSettings();
    const json = values['json'] === true;
    if (more.length === 0) {
      if (action === 'status') return status(settings, json);
      if (action === 'stop') return stop(settings, json);
      if (action === 'logs') return logs(settings, json);
    }
    throw new MamError('bad_input', 'There is no such action.', `Usage: mam ${usage.synopsis}`);
  });
}

async function status(settings: Settings, json: boolean): Promise<number> {
  const hub = await ask(settings, 'hub_status');
  if (hub === undefined) {
    print(json ? JSON.stringify({ running: false }) : 'No hub is running; it starts when it is needed.');
    return EXIT.done;
  }
  print(json ? JSON.stringify({ running: true, ...hub }) : statusText(hub));
  return EXIT.done;
}

async function stop(settings: Settings, json: boolean): Promise<number> {
  const pid = readHubFile(homePaths(settings.home).hubFile)?.pid;
  const start = pid === undefined ? undefined : startOf(pid);
  const asked = await ask(settings, 'hub_stop');
  if (asked !== undefined && pid !== undefined) {
    for (const end = Date.now() + STOP_MS; startOf(pid) === start && Date.now() < end; ) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
  const stopped = asked !== undefined;
  print(json ? JSON.stringify({ stopped }) : stopped ? 'The hub has ended.' : 'No hub is running.');
  return EXIT.done;
}

function logs(settings: Settings, json: boolean): number {
  const { log } = homePaths(settings.home);
  let text = '';
  try {
    text = readFileSync(log, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  if (json) print(JSON.stringify({ log: text }));
  else print(text === '' ? 'The hub has written no log yet.' : text.trimEnd());
  return EXIT.done;
}

/** Asks over the private socket, which every hub has, whatever its broker. */
async function ask<C extends 'hub_status' | 'hub_stop'>(settings: Settings, command: C) {
  const { socketPath, realm, host } = settings;
  // A hub of another realm answers in its own.
  const known = readHubFile(homePaths(settings.home).hubFile);
  try {
    return await requestOnce<C>({
      address: { kind: 'socket', path: socketPath },
      realm: known?.realm ?? realm,
      host: known?.host ?? host,
      timeoutMs: ANSWER_MS,
      command,
      params: {},
    });
  } catch (error) {
    if (error instanceof MamError && error.code === 'unreachable') return undefined;
    throw error;
  }
}

function statusText(hub: HubStatus): string {
  return [
    `hub ${hub.version}, process ${hub.pid}, since ${hub.started_at}`,
    `broker      ${hub.broker}`,
    `realm       ${hub.realm}, host ${hub.host}`,
    `clients     ${hub.clients}`,
    `open jobs   ${hub.open_jobs}`,
    ...hub.registries.map((registry) => `registry    ${registry}`),
  ].join('\n');
}
