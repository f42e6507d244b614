#!/usr/bin/env node
import { explain } from './base/errors.ts';
import { clean } from './base/text.ts';

/** Exit code for "something needed is missing", as in sysexits. */
const UNAVAILABLE = 69;

/** Commands loaded from their own files, without what other commands need. */
const LIGHT: Readonly<Record<string, () => Promise<{ run(args: string[], name: string): Promise<number> }>>> =
  {
    // Peers without the MCP tool start it for every event.
    publish: () => import('./cli/publish.ts'),
    // An agent is blocked while its hook runs.
    hook: () => import('./cli/hook.ts'),
    // Scripts call them often.
    status: () => import('./cli/look.ts'),
    list: () => import('./cli/look.ts'),
    // The user waits for it after pressing Tab.
    'completion-values': () => import('./cli/completion/values.ts'),
  };

/** Picks the server, the hub or a command; each is loaded separately, so that none pays for another. */
async function main(): Promise<void> {
  const [command, ...args] = process.argv.slice(2);
  if (command === undefined && !process.stdin.isTTY) {
    const { runServer } = await import('./mcp/main.ts');
    return runServer();
  }
  if (command === 'hub-process') {
    const { runHub } = await import('./hub/main.ts');
    return runHub();
  }
  const name = command ?? 'help';
  const light = Object.hasOwn(LIGHT, name) ? LIGHT[name] : undefined;
  // The help for `hook` is printed like that of any command.
  if (light !== undefined && !(name === 'hook' && args.includes('--help'))) {
    const { run } = await light();
    process.exitCode = await run(args, name);
    return;
  }
  const { runCommand } = await import('./cli/run.ts');
  process.exitCode = await runCommand(name, args);
}

main().catch((error: unknown) => {
  process.stderr.write(`mam: ${clean(explain(error))}\n`);
  process.exitCode = UNAVAILABLE;
});
