import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import type { OwnBroker } from '../bus/broker/broker.ts';
import { ensurePrivateFolder, foldersOf, type Home } from '../registry/home.ts';
import { inodeAt } from '../registry/paths.ts';
import type { Seal } from '../registry/seal.ts';
import type { HubClaim } from './hub-claim.ts';
import type { HubOptions, Life } from './life.ts';

/** Restores what was removed while the hub runs: its home's folders and key, its socket and `hub.json`. */
export class OwnHome {
  readonly #with;
  readonly #inode: number | undefined;
  #isClaiming = false;

  constructor(parts: HubOptions & { home: Home; seal: Seal; claim: HubClaim; life: Life }) {
    this.#with = parts;
    this.#inode = inodeAt(parts.home.folder);
  }

  /** Restores the home's folders and key. */
  keepHome(): void {
    const { home, seal, log } = this.#with;
    if (this.#isOtherHome) return;
    try {
      for (const folder of foldersOf(home)) if (!existsSync(folder)) makeFolder(folder);
      if (seal.keep(home)) log.warn(`${home.key} was removed: it is written again`);
    } catch (error) {
      log.error(`${home.folder} could not be restored`, error);
    }
  }

  /** The hub's socket or file was removed: restores them, or ends if another hub has taken its place. */
  async claimAgain(broker: OwnBroker | undefined): Promise<void> {
    const { settings, home, claim, life, log, onEnd, keepsLock } = this.#with;
    if (this.#isClaiming || life.isOver) return;
    this.#isClaiming = true;
    try {
      // Another home has another key, which would prove nothing about these jobs.
      if (this.#isOtherHome) return onEnd(`${home.folder} was removed`);
      if (!(await keepsLock())) return onEnd('another hub has taken its place');
      ensurePrivateFolder(dirname(settings.socketPath));
      if (!claim.ownsSocket) await broker?.listenAgain();
      claim.writeFile();
      log.warn('its socket or hub.json was removed: they are restored');
    } catch (error) {
      log.error('its socket or hub.json was removed, and cannot be restored now', error);
    } finally {
      this.#isClaiming = false;
    }
  }

  get #isOtherHome(): boolean {
    return inodeAt(this.#with.home.folder) !== this.#inode;
  }
}
