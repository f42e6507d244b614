import { join } from 'node:path';
import type { Lab } from './lab.ts';

let registries = 0;

/** A registry for one test of a shared lab: all jobs in it are the test's own. */
export function ownRegistry(lab: Lab) {
  const name = `jobs-${++registries}`;
  lab.expected.push(new RegExp(`^p/\\.mam/${name}/`));
  const registry = join(lab.project, '.mam', name);
  const env = { MAM_REGISTRY_DIR: registry };
  return { registry, env, mam: (...args: string[]) => lab.start(args, { env, input: '' }).ended };
}
