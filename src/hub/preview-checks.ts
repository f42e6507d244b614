import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DelegateParams } from '../job/request.ts';
import { registryError } from '../registry/paths.ts';
import { checkWorkdir } from './delegation-checks.ts';
import { scriptHash } from './script-hash.ts';

/**
 * What of a delegation can be looked at without a hub, a tmux server or a trace.
 * @throws MamError as the delegation itself would: `bad_input` for its folder or script, `io` for its registry
 */
export function checkPreview({
  workdir,
  validate,
  registry_dir: registry,
}: Pick<DelegateParams, 'workdir' | 'validate' | 'registry_dir'>): void {
  checkWorkdir(workdir);
  if (validate !== undefined) scriptHash(validate);
  checkRegistry(registry);
}

/** A registry that is not there yet is made in the nearest folder above it that is. */
function checkRegistry(registry: string): void {
  try {
    let folder = registry;
    while (statSync(folder, { throwIfNoEntry: false }) === undefined && dirname(folder) !== folder)
      folder = dirname(folder);
    // With the last slash it must be a folder.
    accessSync(`${folder}/`, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw registryError(registry, error);
  }
}
