import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { MamError, systemCode } from '../base/errors.ts';
import { checkEncrypted } from '../bus/address.ts';
import { brokerFingerprint, describeBroker, readHubFile } from '../bus/hub-file.ts';
import { connectFrame } from '../bus/wire.ts';
import { ensurePrivateFolder, homeError, homePaths } from '../registry/home.ts';
import { startFaults } from '../registry/home-faults.ts';
import { livingOwner, readOwner } from '../registry/lock.ts';
import { errorsIn } from '../registry/tail.ts';
import type { Settings } from '../settings/config.ts';
import { hubEnvironmentOf } from '../settings/environment.ts';
import { presentSocketPath, START_MS } from '../settings/hub-place.ts';
import { programPath } from '../settings/program.ts';
import { checkHubSocket } from '../trust/socket.ts';

const START_POLL_MS = 15;
/** A hub that accepts a connection answers within this time, in seconds. */
const PROBE_S = 2;
/** How long (ms) other processes that find no hub leave the start to the one that began it. */
const LEAVE_MS = 2_000;

/**
 * Makes sure that a hub listens on the socket: finds the running one or starts one, detached from this process.
 * @throws MamError `unavailable` with the hub's last error if none came up; `io` or `refused` for a home in which none
 * can start; `refused` for a socket of another user
 */
export async function ensureHub(settings: Settings): Promise<void> {
  const begun = Date.now();
  const end = performance.now() + START_MS;
  while (!(await listens(presentSocketPath(settings)))) {
    if (performance.now() > end) throw notStarted(settings, begun);
    if (mayStart(settings)) startHub(settings);
    await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
  }
}

/**
 * Refuses to talk to a hub of another realm, which would not receive it, or of another broker: the job's peers would
 * report on one while the hub listens on the other.
 * @throws MamError `conflict`; `refused` for a broker that no hub would join
 */
export function checkHub(settings: Settings): void {
  if (settings.broker !== undefined) checkEncrypted(settings.broker, fromFile(settings));
  const hub = readHubFile(homePaths(settings.home).hubFile);
  if (hub === undefined) return;
  const { realm, broker } = settings;
  const isOther = broker !== undefined && hub.broker_fingerprint !== brokerFingerprint(broker);
  if (hub.realm === realm && !isOther) return;
  // The file of a killed hub does not count.
  if (livingOwner(homePaths(settings.home).lock)?.pid !== hub.pid) return;
  const differs =
    hub.realm !== realm
      ? `realm ${hub.realm}, not ${realm}`
      : `the broker ${hub.broker}, not ${describeBroker(broker)}`;
  throw new MamError(
    'conflict',
    `The running hub (process ${hub.pid}) uses ${differs}.`,
    `If you have changed the settings, run \`mam hub restart\`. Otherwise use the same MAM_BROKER_URL and MAM_REALM for both, or set another MAM_HOME.${fromFile(settings)}`,
  );
}

/** A sentence about a broker or realm that the user did not set directly; '' if there is none. */
function fromFile({ brokerFile }: Settings): string {
  if (brokerFile === undefined) return '';
  return ` A broker or a realm comes from ${brokerFile}, which was trusted: \`mam trust --revoke\` takes that back.`;
}

/** Only a hint that saves processes: the lock decides which process becomes the hub. */
function mayStart(settings: Settings): boolean {
  const home = homePaths(settings.home);
  const mark = home.starting;
  ensurePrivateFolder(home.folder);
  try {
    // In a sandbox the whole home may be read-only, which needs a different next step.
    accessSync(home.folder, constants.W_OK);
    const [fault] = startFaults(home);
    if (fault !== undefined) throw fault;
    const stat = statSync(mark, { throwIfNoEntry: false });
    // A mark from the future was made before the clock was set back.
    if (stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < LEAVE_MS) {
      const last = readOwner(home.lock);
      // A mark that is older than a hub that has since died means nothing.
      if (last === undefined || livingOwner(home.lock) !== undefined || last.at < stat.mtimeMs) return false;
    }
    writeMark(mark);
    return true;
  } catch (error) {
    if (error instanceof MamError) throw error;
    throw homeError(home.folder, error);
  }
}

function writeMark(path: string): void {
  try {
    closeSync(openSync(path, 'w', 0o600));
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
    // Another user left it in a folder of ours.
    rmSync(path);
    closeSync(openSync(path, 'w', 0o600));
  }
}

function startHub(settings: Settings): void {
  // Not execa, which every command and server would load to start a hub that usually runs already.
  const child = spawn(process.execPath, [programPath(), 'hub-process'], {
    cwd: '/',
    env: hubEnvironmentOf(settings),
    // A separate process group, without our streams: it outlives this process and whatever kills our group.
    detached: true,
    stdio: 'ignore',
  });
  // That no hub came up says it all.
  child.once('error', () => {});
  child.unref();
}

/** A dying hub's socket still accepts connections: only an answer proves that a hub is running. */
function listens(path: string): Promise<boolean> {
  checkHubSocket(path);
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    const hello = connectFrame(`probe-${process.pid}-${Date.now()}`, PROBE_S, {});
    socket.once('connect', () => socket.write(hello));
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    // A stopped or very busy hub counts as running too.
    socket.setTimeout(PROBE_S * 1000, () => end(true));
  });
}

/** @param begun when the first attempt was made: errors of earlier hubs are not the reason */
function notStarted(settings: Settings, begun: number): MamError {
  const { log } = homePaths(settings.home);
  const last = errorsIn(log, begun).at(-1);
  const why = last === undefined ? '.' : `; its log says: ${last}`;
  return new MamError(
    'unavailable',
    `The hub did not start within ${START_MS / 1000} s${why}`,
    `See ${log}.`,
  );
}
