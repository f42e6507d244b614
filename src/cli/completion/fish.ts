import type { CommandRow, Offers, Table, WordRow } from './table.ts';

/** The script for fish, from 3.1 on. */
export function fishScript({ options, commands }: Table): string {
  return `# fish completion for mam, made by: mam completion fish

function __mam_takes_value --argument-names command option
    switch "$command $option"
        case ${commands.flatMap(valued).map(quote).join(' ')}
            return 0
    end
    return 1
end

# True for the first word after mam.
function __mam_first
    test (count (commandline -opc)) -eq 1
end

# True if an option of a command may come next: it was not given yet, or its value comes next.
function __mam_option --argument-names command option
    set -l tokens (commandline -opc)
    test "$tokens[2]" = $command; or return 1
    if test "$tokens[-1]" = $option; and __mam_takes_value $command $option
        return 0
    end
    not contains -- $option $tokens; and not string match -q -- "$option=*" $tokens
end

# True for the word at a position of a command. With "many" also for all later ones.
function __mam_word --argument-names command wanted many
    set -l tokens (commandline -opc)
    test "$tokens[2]" = $command; or return 1
    set -e tokens[1 2]
    set -l position 1
    set -l expects no
    set -l plain no
    for token in $tokens
        if test $expects = yes
            set expects no
        else if test $plain = yes; or not string match -q -- '-?*' $token
            set position (math $position + 1)
        else if test "$token" = --
            set plain yes
        else if __mam_takes_value $command $token
            set expects yes
        end
    end
    test $position -eq $wanted; or test "$many" = many -a $position -gt $wanted
end

# jobs, agents or sessions, as mam finds them now.
function __mam_values --argument-names source
    type -q mam; or return
    set -l registry ''
    set -l before ''
    for token in (commandline -opc)
        if test "$before" = --registry-dir
            set registry $token
        else if string match -q -- '--registry-dir=*' $token
            set registry (string replace -- '--registry-dir=' '' $token)
        end
        set before $token
    end
    if contains -- $source sessions places; and string match -qr -- '^(--[^=]*=)?tmux:' (commandline -ct)
        mam completion-values sessions "$registry" 2>/dev/null | string replace -r '^' tmux:
    else
        mam completion-values $source "$registry" 2>/dev/null
    end
end

complete -c mam -e
complete -c mam -f
${options.map(({ name, about }) => `complete -c mam -n __mam_first -l ${name.slice(2)} -d ${quote(about)}`).join('\n')}
${commandNames('__mam_first', commands)}
${commands.map((row) => commandLines(row, commands)).join('\n')}
`;
}

function valued({ name, options }: CommandRow): string[] {
  return options.filter(({ value }) => value !== undefined).map((option) => `${name} ${option.name}`);
}

function commandNames(condition: string, commands: CommandRow[]): string {
  return commands
    .map(
      ({ name, summary }) => `complete -c mam -n ${quote(condition)} -a ${quote(name)} -d ${quote(summary)}`,
    )
    .join('\n');
}

function commandLines({ name, options, words }: CommandRow, commands: CommandRow[]): string {
  return [
    ...words.flatMap((word, index) => wordLines(`__mam_word ${name} ${index + 1}`, word, commands)),
    ...options.map(({ name: option, about, value }) => {
      const condition = quote(`__mam_option ${name} ${option}`);
      const takes = value === undefined ? '' : ` ${takesOf(value.offers)}`;
      return `complete -c mam -n ${condition} -l ${option.slice(2)}${takes} -d ${quote(about)}`;
    }),
  ].join('\n');
}

function wordLines(condition: string, { offers, many }: WordRow, commands: CommandRow[]): string[] {
  if (offers === undefined) return [];
  const where = many ? `${condition} many` : condition;
  if (offers.from === 'commands') return [commandNames(where, commands)];
  const takes = offers.from === 'files' ? '-F' : `-f${candidates(offers)}`;
  return [`complete -c mam -n ${quote(where)} ${takes}`];
}

function takesOf(offers: Offers | undefined): string {
  if (offers?.from === 'files') return '-r -F';
  return `-x${offers === undefined ? '' : candidates(offers)}`;
}

function candidates(offers: Offers): string {
  switch (offers.from) {
    case 'list':
      return ` -k -a ${quote(offers.values.map(quote).join(' '))}`;
    case 'folders':
      return ' -a \'(__fish_complete_directories (commandline -ct) "")\'';
    default:
      return ` -k -a '(__mam_values ${offers.from})'`;
  }
}

function quote(text: string): string {
  return /^[\w./=-]+$/.test(text) ? text : `'${text.replace(/[\\']/g, '\\$&')}'`;
}
