/**
 * Recognises an agent's process by its program, or by the script that Node or Bun runs.
 * @param program matches its path; npx names its process `npm exec PACKAGE`
 * @param notShown matches subcommands that have no screen to type into
 */
export function runs(program: RegExp, notShown?: RegExp): (argv: readonly string[]) => boolean {
  return ([first = '', ...args]) => {
    const isRunner = /(?:^|\/)(?:node|nodejs|bun)$/.test(first);
    const [path = '', command = ''] = isRunner
      ? args.slice(args.findIndex((arg) => !arg.startsWith('-')))
      : [first, ...args];
    return program.test(path) && notShown?.test(command) !== true;
  };
}
