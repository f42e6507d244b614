#!/usr/bin/env node
import { explain } from './base/errors.ts';
import { clean } from './base/text.ts';

/** Exit code for "something needed is missing", as sysexits has it. */
const UNAVAILABLE = 69;

/** Picks the server, the hub or a command; each is loaded by itself, so that none pays for another. */
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
  if (command === 'publish') {
    // Peers without the MCP tool start it for every event: it has a file of its own, without what other commands need.
    const { run } = await import('./cli/publish.ts');
    process.exitCode = await run(args);
    return;
  }
  if (command === 'hook' && !args.includes('--help')) {
    // An agent stands still while its hook runs.
    const { run } = await import('./cli/hook.ts');
    process.exitCode = await run(args);
    return;
  }
  if (command === 'status' || command === 'list') {
    const { run } = await import('./cli/look.ts');
    process.exitCode = await run(command, args);
    return;
  }
  if (command === 'completion-values') {
    // Somebody waits for it after pressing Tab.
    const { run } = await import('./cli/completion/values.ts');
    process.exitCode = await run(args);
    return;
  }
  const { runCommand } = await import('./cli/run.ts');
  process.exitCode = await runCommand(command ?? 'help', args);
}

main().catch((error: unknown) => {
  process.stderr.write(`mam: ${clean(explain(error))}\n`);
  process.exitCode = UNAVAILABLE;
});
