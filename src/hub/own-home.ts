import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../base/folders.ts';
import type { Log } from '../base/log.ts';
import type { OwnBroker } from '../bus/broker/broker.ts';
import { ensurePrivateFolder, foldersOf, type Home } from '../registry/home.ts';
import { inodeAt } from '../registry/paths.ts';
import type { Seal } from '../registry/seal.ts';
import type { Settings } from '../settings/config.ts';
import type { HubClaim } from './hub-claim.ts';
import type { Life } from './life.ts';

/** Makes anew what was removed under the hub: its home's folders and key, its socket and `hub.json`. */
export class OwnHome {
  readonly #with;
  readonly #inode: number | undefined;
  #isClaiming = false;

  constructor(parts: {
    settings: Settings;
    home: Home;
    seal: Seal;
    claim: HubClaim;
    life: Life;
    log: Log;
    onEnd: (why: string) => void;
    keepsLock: () => Promise<boolean>;
  }) {
    this.#with = parts;
    this.#inode = inodeAt(parts.home.folder);
  }

  /** What the home holds is still known here. */
  keepHome(): void {
    const { home, seal, log } = this.#with;
    if (this.#isOtherHome) return;
    try {
      for (const folder of foldersOf(home)) if (!existsSync(folder)) makeFolder(folder);
      if (seal.keep(home)) log.warn(`${home.key} was removed: it is written again`);
    } catch (error) {
      log.error(`${home.folder} could not be made whole again`, error);
    }
  }

  /** Its socket or its file was removed, or another hub has taken its place: then this one ends. */
  async claimAgain(broker: OwnBroker | undefined): Promise<void> {
    const { settings, home, claim, life, log, onEnd, keepsLock } = this.#with;
    if (this.#isClaiming || life.isOver) return;
    this.#isClaiming = true;
    try {
      // Another home has another key, which would prove nothing of its jobs.
      if (this.#isOtherHome) return onEnd(`${home.folder} was removed`);
      if (!(await keepsLock())) return onEnd('another hub has taken its place');
      ensurePrivateFolder(dirname(settings.socketPath));
      if (!claim.ownsSocket) await broker?.listenAgain();
      claim.take();
      log.warn('its socket or hub.json was removed: they are made anew');
    } catch (error) {
      log.error('its socket or hub.json was removed, and cannot be made anew now', error);
    } finally {
      this.#isClaiming = false;
    }
  }

  get #isOtherHome(): boolean {
    return inodeAt(this.#with.home.folder) !== this.#inode;
  }
}
