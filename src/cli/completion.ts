import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { completionTable, type Table } from './completion/table.ts';
import { zshScript } from './completion/zsh.ts';
import { type Command, defineCommand, type Listed } from './core/command.ts';
import { printAnswer } from './core/output.ts';

const SCRIPTS: Readonly<Record<string, (table: Table) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
const SHELLS = Object.keys(SCRIPTS);

/** The declaration of `mam completion`. @param commands all commands, this one included */
export function completionOf(commands: Readonly<Record<string, Listed>>): Command<Record<never, never>> {
  return defineCommand({
    about: [
      'Prints the script that completes mam in a shell: its commands, their options, and values such as the ids of ' +
        'jobs, agent kinds and tmux sessions.',
      'bash: put the first example into ~/.bashrc. zsh: run the second one once, or put eval "$(mam completion zsh)" ' +
        'after compinit in ~/.zshrc. fish: run the third one once.',
    ],
    words: [{ name: 'SHELL', about: SHELLS.join(', '), needed: true, oneOf: SHELLS }],
    options: {},
    json: '`shell`, and its `script`',
    exits: { done: 'done' },
    examples: [
      'eval "$(mam completion bash)"',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: zsh's
      'mam completion zsh > "${fpath[1]}/_mam"',
      'mam completion fish > ~/.config/fish/completions/mam.fish',
    ],

    async run({ words: [shell = ''], json }) {
      const declared = await Promise.all(
        Object.entries(commands).map(async ([name, { summary, load }]) => ({
          name,
          summary,
          command: await load(),
        })),
      );
      const script = SCRIPTS[shell]?.(completionTable(declared)) ?? '';
      return printAnswer(json, { shell, script }, script.trimEnd());
    },
  });
}
