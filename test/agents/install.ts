// Run by scripts/test-agents.mjs before the network is cut off.
try {
  const { HOMES, install } = await import('./programs.ts');
  for (const home of HOMES) {
    process.stdout.write(`${home.kind}: ${home.npm.name} ${home.npm.version}\n`);
    install(home);
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
