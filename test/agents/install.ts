// Run by scripts/test-agents.mjs before the network is taken away.
import { HOMES, install } from './programs.ts';

for (const home of HOMES) {
  process.stdout.write(`${home.kind}: ${home.npm.name} ${home.npm.version}\n`);
  install(home);
}
