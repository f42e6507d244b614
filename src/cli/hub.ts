import { readFileSync } from 'node:fs';
import { MamError, systemCode } from '../base/errors.ts';
import { flag } from '../base/fields.ts';
import { startOf } from '../base/processes.ts';
import { shellWord } from '../base/shell.ts';
import { clean, cleanLine } from '../base/text.ts';
import { until } from '../base/until.ts';
import { readHubFile } from '../bus/hub-file.ts';
import { brokerFindings } from '../doctor/host-findings.ts';
import { ensureHub } from '../link/ensure-hub.ts';
import { pipeHub } from '../link/hub-pipe.ts';
import { requestOnce } from '../link/one-shot.ts';
import { elsewhereText, type HubStatus } from '../operations/housekeeping.ts';
import type { Commands } from '../operations/request.ts';
import { homePaths } from '../registry/home.ts';
import { livingOwner } from '../registry/lock.ts';
import type { Settings } from '../settings/config.ts';
import { configFolder, onlyInEnvironment } from '../settings/environment.ts';
import { START_MS } from '../settings/hub-place.ts';
import { fineSpanText } from '../view/times.ts';
import { defineCommand } from './core/command.ts';
import { EXIT } from './core/exit.ts';
import { note, printAnswer } from './core/output.ts';
import { readingSettings } from './core/settings.ts';
import { withHub } from './jobs/with-hub.ts';

const LINE_CHARS = 300;
const STATUS_TIMEOUT_MS = 3_000;
/** How often (ms) it is tried whether a hub that has just started listens. */
const LISTEN_POLL_MS = 20;
const STOP_MS = 5_000;
/** The `on_event` command may take 30 s, and waits for one that is running. */
const TEST_TIMEOUT_MS = 65_000;

const ACTIONS = ['status', 'stop', 'restart', 'logs', 'test-event', 'connect', 'run', 'install'] as const;

export default defineCommand({
  about: [
    'The hub is the one background process of a user: it delivers into tmux and keeps the registries. It ' +
      'starts automatically when it is needed, and ends when it no longer is.',
    'status: shows whether it is running, and what it has to do. stop: ends it; open jobs go on, and the next command ' +
      'starts a new hub that continues them. restart: also starts the new one at once. logs: prints its log. ' +
      'test-event: makes it run your `on_event` command with a test event, and prints the result.',
    'connect: connects its input and output to the hub, which it starts if none runs. Other machines run it over ssh.',
    'run: runs the hub in the foreground, replacing one that is running; it does not end while it is idle. install: lets ' +
      'the system do that from now on (a user unit of systemd, an agent of launchd), so that other machines can reach it ' +
      'over a broker at any time.',
  ],
  words: [{ name: 'ACTION', about: `${ACTIONS.join(', ')}; default: status`, oneOf: ACTIONS }],
  options: {
    dry_run: flag('install: only shows the file and the commands'),
    remove: flag('install: ends it and removes the file'),
  },
  json: 'status: `running`, and the fields of the hub; stop and restart: `stopped`; logs: `log`; test-event: `took_ms`, `output` (its end) and, if it failed, `problem`; install: `path`, `text`, `commands`, `installed` or `removed`',
  exits: {
    done: 'done, whether a hub is running or not',
    unavailable: 'the `on_event` command failed',
  },
  examples: ['mam hub', 'mam hub restart', 'mam hub logs', 'mam hub test-event', 'mam hub install --dry-run'],

  async run({ words: [action = 'status'], options, registryDir, json }) {
    if (action === 'test-event') return testEvent(registryDir, json);
    const settings = await readingSettings(registryDir);
    if (action === 'connect') return connect(settings);
    if (action === 'run') return run(settings);
    if (action === 'install') return install(settings, options, json);
    if (action === 'stop') return stop(settings, json);
    if (action === 'restart') return restart(settings, json);
    return action === 'logs' ? logs(settings, json) : status(settings, json);
  },
});

async function status(settings: Settings, json: boolean): Promise<number> {
  const hub = await ask(settings, 'hub_status');
  if (hub === undefined)
    return printAnswer(json, { running: false }, 'No hub is running; it starts when it is needed.');
  return printAnswer(json, { running: true, ...hub }, statusText(hub));
}

/** Nothing else may go to the output: it is another hub's connection. */
async function connect(settings: Settings): Promise<number> {
  await pipeHub(settings, process.stdin, process.stdout);
  return EXIT.done;
}

async function run(settings: Settings): Promise<number> {
  // Two hubs can't have one home: what runs on demand makes room.
  await end(settings);
  const { runInForeground } = await import('../service/foreground.ts');
  return runInForeground(settings);
}

async function install(
  settings: Settings,
  { dry_run, remove }: { dry_run: boolean; remove: boolean },
  json: boolean,
): Promise<number> {
  const { hubUnit, installUnit, removeUnit } = await import('../service/install.ts');
  const unit = hubUnit(settings, configFolder());
  const { path, text } = unit;
  const commands = (remove ? unit.end : unit.start).map((words) => words.map(shellWord).join(' '));
  if (dry_run) {
    const shown = remove ? [...commands, `rm ${shellWord(path)}`] : [path, '', text, ...commands];
    return printAnswer(json, { path, ...(!remove && { text }), commands }, shown.join('\n'));
  }
  if (remove) {
    const removed = await removeUnit(unit);
    const done = removed
      ? `${path} is removed. The next command starts a hub when it needs one.`
      : `There is no ${path}.`;
    return printAnswer(json, { path, removed }, done);
  }
  await installUnit(unit);
  const unseen = onlyInEnvironment();
  if (unseen.length > 0)
    note(
      `It does not get the environment of this shell, so these are not set for it: ${unseen.join(', ')}. Write what it needs into ${settings.home}/config.json, and run \`mam hub restart\`.`,
    );
  const lingers = path.endsWith('.service')
    ? ' `loginctl enable-linger` lets it run while you are not logged in.'
    : '';
  return printAnswer(json, { path, installed: true }, `${path} is installed and runs.${lingers}`);
}

async function stop(settings: Settings, json: boolean): Promise<number> {
  const stopped = await end(settings);
  return printAnswer(json, { stopped }, stopped ? 'The hub has ended.' : 'No hub is running.');
}

async function restart(settings: Settings, json: boolean): Promise<number> {
  const stopped = await end(settings);
  await ensureHub(settings);
  const pid = readHubFile(homePaths(settings.home).hubFile)?.pid;
  const text = `${stopped ? 'The hub has ended, and a' : 'A'} new one is running (process ${pid ?? 'unknown'}).`;
  return printAnswer(json, { stopped, pid }, text);
}

/** Runs where it will run later: in the hub, with the hub's environment. */
async function testEvent(registryDir: string | undefined, json: boolean): Promise<number> {
  const end = await withHub(registryDir, ({ ask }) => ask('test_event', {}, TEST_TIMEOUT_MS));
  const { problem, output, took_ms: ms } = end;
  const took = fineSpanText(ms);
  const title =
    problem === undefined ? `on_event works: it took ${took}.` : `on_event failed after ${took}: ${problem}`;
  const lines = output.trimEnd().split('\n');
  // The problem already ends with the last line of the errors.
  const isSaid = problem?.endsWith(cleanLine(lines.at(-1) ?? '', LINE_CHARS)) === true;
  const shown = (isSaid ? lines.slice(0, -1) : lines).join('\n');
  printAnswer(json, end, shown.trim() === '' ? title : `${title}\n${shown}`);
  return problem === undefined ? EXIT.done : EXIT.unavailable;
}

/** Asks the hub to end and waits for its process. @returns false when none was running */
async function end(settings: Settings): Promise<boolean> {
  const { hubFile, lock } = homePaths(settings.home);
  const asked = await ask(settings, 'hub_stop');
  if (asked === undefined) return false;
  // The file may still be that of a hub that was killed; the one that has answered has the lock.
  const pid = livingOwner(lock)?.pid ?? readHubFile(hubFile)?.pid;
  const start = pid === undefined ? undefined : startOf(pid);
  if (pid !== undefined && start !== undefined) await until(() => startOf(pid) !== start, STOP_MS);
  return true;
}

function logs(settings: Settings, json: boolean): number {
  const { log } = homePaths(settings.home);
  let text = '';
  try {
    text = readFileSync(log, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  return printAnswer(json, { log: text }, text.trimEnd() || 'The hub has written no log yet.');
}

/** Asks over the private socket, which every hub has. @returns undefined when no hub is running */
async function ask<C extends 'hub_status' | 'hub_stop'>(settings: Settings, command: C) {
  const { socketPath, realm, host } = settings;
  const { hubFile, lock } = homePaths(settings.home);
  const end = performance.now() + START_MS;
  for (;;) {
    // A hub of another realm answers in its own. Before it listens, the file is that of one that was killed.
    const known = readHubFile(hubFile);
    try {
      return await requestOnce<C>({
        address: { kind: 'socket', path: socketPath },
        realm: known?.realm ?? realm,
        host: known?.host ?? host,
        timeoutMs: STATUS_TIMEOUT_MS,
        command,
        params: {} as Commands[C]['params'],
      });
    } catch (error) {
      if (!(error instanceof MamError) || error.code !== 'unreachable') throw error;
      const owner = livingOwner(lock);
      if (owner === undefined) return undefined;
      if (performance.now() > end)
        throw new MamError(
          'unavailable',
          `A hub is running (process ${owner.pid}), but nothing listens on its socket.`,
          'Run mam doctor for details.',
        );
      // It has its lock and is about to listen.
      await new Promise((resolve) => setTimeout(resolve, LISTEN_POLL_MS));
    }
  }
}

function statusText(hub: HubStatus): string {
  return [
    `hub ${hub.version}, process ${hub.pid}, since ${hub.started_at}`,
    `broker      ${hub.broker}${hub.broker_problem === undefined ? '' : ` (not connected: ${clean(hub.broker_problem)})`}`,
    `realm       ${hub.realm}, host ${hub.host}`,
    ...meshLines(hub.mesh),
    `clients     ${hub.clients}`,
    `open jobs   ${hub.open_jobs}${elsewhereText(hub)}`,
    ...hub.registries.map((registry) => `registry    ${registry}`),
    ...(hub.away ?? []).map(
      ({ registry_dir: dir, jobs, why }) =>
        `${why === undefined ? 'away ' : 'waits'}       ${dir} (open there: ${jobs.join(', ')})${why === undefined ? '' : `: ${clean(why)}`}`,
    ),
    ...(hub.unproven ?? []).map(
      (id) => `unproven    ${id} (the key of MAM_HOME was lost; \`mam doctor\` says what to do)`,
    ),
  ].join('\n');
}

/** Nothing while no other host is configured. */
function meshLines(mesh: HubStatus['mesh']): string[] {
  if (mesh === undefined) return [];
  const { hosts, online, broker } = mesh;
  const wrong = broker === undefined ? [] : brokerFindings(mesh.host, broker);
  return [
    `hosts       ${online} of ${hosts} online (\`mam hosts\` lists them)`,
    ...wrong.flatMap(({ level, title, remedy }) =>
      level === 'ok' ? [] : [`            ${title}`, `            → ${remedy}`],
    ),
  ];
}
