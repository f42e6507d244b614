import { statSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { isOurNamespace } from '../base/process-id.ts';
import { isStopped } from '../base/processes.ts';
import { cleanLine } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { type HubFile, readHubFile } from '../bus/hub-file.ts';
import { checkHub } from '../link/ensure-hub.ts';
import { requestOnce } from '../link/one-shot.ts';
import type { HubStatus } from '../operations/housekeeping.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import { type Home, homePaths } from '../registry/home.ts';
import { bootId, livingOwner, type Owner, readOwner } from '../registry/lock.ts';
import { tailOf } from '../registry/tail.ts';
import type { Settings } from '../settings/config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';
import { outbox } from './outbox.ts';

const ANSWER_MS = 3_000;
/** How much of the end of the log is looked through, in bytes, and how old an error in it may be, in ms. */
const LOG_BYTES = 64 * 1024;
const LOG_MS = 24 * 3600 * 1000;
const LOG_LINES = 3;
const LINE_CHARS = 300;

/** The background process, its log and its outbox. None is started. */
export const hub: Check = {
  name: 'hub',
  area: 'hub',
  limitMs: 6_000,

  look: withSettings(async (settings) => {
    const home = homePaths(settings.home);
    const file = readHubFile(home.hubFile);
    const owner = readOwner(home.lock);
    const pid = livingOwner(home.lock)?.pid;
    const answer = await askHub(settings, file);
    const runs = !(answer instanceof MamError);
    return [
      ...isElsewhere(owner),
      ...(runs ? running(settings, answer) : silent(answer, { pid, file, home })),
      ...logOf(home),
      ...outbox(home, runs),
    ];
  }),
};

/** Asks over the private socket, which every hub has, whatever its broker. @returns the error when it fails */
export async function askHub(settings: Settings, file: HubFile | undefined): Promise<HubStatus | MamError> {
  const missing = new MamError('unreachable', 'No hub answers.');
  try {
    const status = await requestOnce<'hub_status'>({
      address: { kind: 'socket', path: presentSocketPath(settings) },
      realm: file?.realm ?? settings.realm,
      host: file?.host ?? settings.host,
      timeoutMs: ANSWER_MS,
      command: 'hub_status',
      params: {},
    });
    return status ?? missing;
  } catch (error) {
    if (error instanceof MamError) return error;
    throw error;
  }
}

function running(settings: Settings, status: HubStatus): Found[] {
  const jobs = `${status.open_jobs} open ${status.open_jobs === 1 ? 'job' : 'jobs'}`;
  const found = [
    ok(
      'hub.running',
      `It runs: process ${status.pid}, version ${cleanLine(status.version, LINE_CHARS)}, ${jobs}`,
    ),
    ...differs(status.version, status.protocol, status.pid),
    ...named(settings, status),
    ...joined(status),
  ];
  try {
    checkHub(settings);
  } catch (error) {
    const { message, hint } = error as MamError;
    found.push(problem('hub.settings', message, hint));
  }
  return found;
}

/** The machine's name is a part of the hub's: it may have changed since. */
function named({ host }: Settings, status: HubStatus): Found[] {
  if (status.host === host) return [];
  const title = `The hub is called ${cleanLine(status.host, LINE_CHARS)}, and clients that start now look for ${host}: the machine's name has changed.`;
  return [note('hub.name', title, '`mam hub restart` gives it the new name; open jobs go on.')];
}

function joined({ broker, broker_problem: why }: HubStatus): Found[] {
  if (why === undefined) return [];
  const title = `The hub has not joined the broker ${cleanLine(broker, LINE_CHARS)}: ${cleanLine(why, LINE_CHARS)}`;
  return [
    problem(
      'hub.broker',
      title,
      'Mend that at the broker or in the settings; the hub tries again by itself.',
    ),
  ];
}

/** Its process has another number here, or is not seen. */
function isElsewhere(owner: Owner | undefined): Found[] {
  if (owner === undefined || owner.boot !== bootId() || isOurNamespace(owner.ns)) return [];
  const title = `The hub was started where processes have other numbers (in a container, or outside of this one): its process ${owner.pid} is not that one here.`;
  const remedy =
    'Run mam and its agents on one side: those of the other are not seen to live. `mam hub stop` there, then the next command here starts one.';
  return [note('hub.namespace', title, remedy)];
}

function differs(version: string, protocol: number, pid: number): Found[] {
  const id = 'hub.version';
  const shown = cleanLine(String(version), LINE_CHARS);
  if (protocol < PROTOCOL_VERSION) {
    const title = `The hub speaks protocol ${protocol} (version ${shown}), this program ${PROTOCOL_VERSION}: it refuses what we ask.`;
    return [problem(id, title, `\`kill ${pid}\` ends it in order; the next command starts the newer one.`)];
  }
  if (protocol > PROTOCOL_VERSION) {
    const title = `The hub speaks protocol ${protocol} (version ${shown}), this program only ${PROTOCOL_VERSION}.`;
    return [
      problem(id, title, 'Use the newer mam everywhere, or `mam hub restart` for a hub of this version.'),
    ];
  }
  if (version === VERSION) return [];
  const title = `The hub is version ${shown}, this program ${VERSION}.`;
  return [note(id, title, '`mam hub restart`; open jobs go on.')];
}

/** No answer: because none runs, which is fine, or because one runs and does not speak. */
function silent(
  error: MamError,
  { pid, file, home }: { pid: number | undefined; file: HubFile | undefined; home: Home },
): Found[] {
  const id = 'hub.running';
  if (pid === undefined) {
    if (statSync(home.folder, { throwIfNoEntry: false })?.isDirectory() === false)
      return [problem(id, `None runs, and none can start: ${home.folder} is not a folder.`, error.hint)];
    if (error.code !== 'unreachable') {
      const title = `Somebody answers at the hub's socket, and not as a hub does: ${error.message}`;
      return [problem(id, title, '`mam hub logs` tells more; `mam hub restart` starts it anew.')];
    }
    const left =
      file === undefined ? undefined : `What hub ${file.pid} has left does no harm: the next takes over.`;
    return [ok(id, 'None runs; it starts when it is needed', left)];
  }
  const other = file?.pid === pid ? differs(file.version, file.protocol, pid) : [];
  if (other.some(({ level }) => level === 'problem')) return other;
  if (isStopped(pid)) {
    const title = `The hub (process ${pid}) is stopped, as by Ctrl-Z or \`kill -STOP\`.`;
    return [problem(id, title, `\`kill -CONT ${pid}\` lets it go on.`)];
  }
  if (error.code === 'unreachable') {
    const title = `The hub (process ${pid}) lives, but nobody answers at its socket.`;
    const remedy = `It is just starting or ending: run \`mam doctor\` again. If it stays so: \`kill ${pid}\`, and see ${home.log}.`;
    return [problem(id, title, remedy)];
  }
  const title = `The hub (process ${pid}) did not answer within ${ANSWER_MS / 1000} s.`;
  const remedy = `If it stays so: \`mam hub logs\`, then \`kill ${pid}\`; the next command starts a new one, and open jobs go on.`;
  return [problem(id, title, remedy)];
}

/** The last errors of the log, if there are any of late. */
function logOf({ log }: Home): Found[] {
  const late = tailOf(log, LOG_BYTES)
    .split('\n')
    .filter((line) => {
      const [time = '', level] = line.split(' ', 2);
      return level === 'error' && Date.now() - Date.parse(time) < LOG_MS;
    });
  if (late.length === 0) return [];
  const shown = late.slice(-LOG_LINES).map((line) => cleanLine(line, LINE_CHARS));
  const count = late.length === 1 ? 'one error' : `${late.length} errors`;
  return [
    note('hub.log', `Its log has ${count} of the last day.`, `\`mam hub logs\` shows all.`, shown.join('\n')),
  ];
}
