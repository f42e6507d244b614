import { execFileSync } from 'node:child_process';

/** Builds dist/ once for all test files: most of them use the built program. */
export default function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
}
