import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { explain } from '../base/errors.ts';
import { fileLog } from '../base/log.ts';
import { ensureHome, ensurePrivateFolder, homePaths } from '../registry/home.ts';
import { type HeldLock, takeLock, thisOwner } from '../registry/lock.ts';
import { loadSettings } from '../settings/config.ts';
import { checkHubSocket } from '../trust/socket.ts';
import { Hub } from './hub.ts';

/** How long the end of a hub may take, in ms; the next one rebuilds everything from disk anyway. */
const END_MS = 3_000;

/** The hub process: elected under a lock, then serves until it is not needed. Ends the process itself. */
export async function runHub(): Promise<void> {
  const settings = await loadSettings({ cwd: '/' });
  const home = homePaths(settings.home);
  const isLiveLost = !existsSync(home.live) && existsSync(home.registries);
  ensurePrivateFolder(home.folder);
  const log = fileLog(home.log);
  try {
    ensureHome(home);
    ensurePrivateFolder(dirname(settings.socketPath));
    checkHubSocket(settings.socketPath);
  } catch (error) {
    // The process that starts the hub has no other way to learn why.
    log.error('the hub could not start', error);
    throw error;
  }

  let ending = false;
  let lock: HeldLock | undefined;
  let hub: Hub | undefined;
  /** @returns false when another hub has the lock */
  const take = async (): Promise<boolean> => {
    const taken = await takeLock(home.lock, thisOwner(home.folder, settings.socketPath), lost);
    if ('heldBy' in taken) return false;
    lock = taken;
    return true;
  };
  // The lock may only have been removed, for example by `rm -rf *.lock`.
  const lost = (error: Error): void => {
    const isTaken = ending ? Promise.resolve(true) : take();
    isTaken
      .then((isOurs) => isOurs || end(`the lock was lost: ${error.message}`))
      .catch((failure) => end(`the lock was lost: ${explain(failure)}`));
  };
  const begin = async (): Promise<void> => {
    // Another hub was elected; whoever started this process finds that hub.
    if (!(await take())) process.exit(0);
    if (ending) return;
    const keepsLock = async () => lock?.holds() === true || take();
    hub = new Hub({ settings, log, onEnd: end, keepsLock });
    await hub.start(isLiveLost);
  };
  let begun: Promise<void> | undefined;
  const end = (why: string, code = 0): void => {
    if (ending) return;
    ending = true;
    log.info(`hub ends: ${why}`);
    // The timer also keeps the process alive until everything is done.
    setTimeout(() => process.exit(code), END_MS);
    void (async () => {
      // A hub that is asked to end while it starts would otherwise continue and leave its files.
      await begun?.catch(() => {});
      await hub?.stop().catch((error) => log.error('the hub did not end cleanly', error));
      await lock?.release();
      process.exit(code);
    })();
  };
  process.on('uncaughtException', (error) => log.error('unexpected', error));
  process.on('unhandledRejection', (error) => log.error('unexpected', error));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal));
  // A hub belongs to the user, not to the terminal that happened to start it.
  process.on('SIGHUP', () => {});
  // A limit on file sizes must fail a write, not end the hub silently.
  process.on('SIGXFSZ', () => {});

  begun = begin();
  await begun.catch((error: unknown) => {
    log.error('the hub could not start', error);
    end(explain(error), 1);
  });
}
